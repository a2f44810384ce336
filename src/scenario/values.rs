//! Values that strings stand for: addresses, CIDRs, durations.

use super::decode::{Decoder, Item, invalid};
use crate::diag::{Diagnostic, Span, Spanned};
use crate::net::Ipv4Net;
use crate::time::SimDuration;
use std::fmt;
use std::net::Ipv4Addr;

impl Item<'_> {
    /// An IPv4 address.
    pub(super) fn address(&self, decoder: &mut Decoder<'_>) -> Option<Spanned<Ipv4Addr>> {
        let string = self.string(decoder)?;
        if let Ok(address) = string.parse() {
            return Some(Spanned::new(address, self.span));
        }
        let problem = invalid(self.span, format!("\"{string}\" is no IPv4 address"), "expected an address");
        decoder.report(match string.split_once('/') {
            Some((address, _)) if address.parse::<Ipv4Addr>().is_ok() => problem
                .note(format!("`{}` is a single address; it has no prefix length", self.key))
                .help(format!("write \"{address}\"")),
            _ => only_ipv4(problem, string),
        });
        None
    }

    /// A CIDR without host bits, or an address, which is its /32.
    pub(super) fn cidr(&self, decoder: &mut Decoder<'_>) -> Option<Spanned<Ipv4Net>> {
        let string = self.string(decoder)?;
        match cidr(string) {
            Ok(cidr) => Some(Spanned::new(cidr, self.span)),
            Err(problem) => {
                decoder.report(cidr_problem(self.span, string, problem));
                None
            }
        }
    }
}

/// Why a text is no CIDR.
#[derive(Clone, Copy)]
pub(super) enum CidrProblem {
    Malformed,
    HostBits(Ipv4Net),
}

/// `a.b.c.d/n` without host bits, or `a.b.c.d` as a /32.
pub(super) fn cidr(text: &str) -> Result<Ipv4Net, CidrProblem> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(Ipv4Net::from(address));
    }
    if has_zero_in_front(text) {
        return Err(CidrProblem::Malformed);
    }
    let cidr: Ipv4Net = text.parse().map_err(|_| CidrProblem::Malformed)?;
    if cidr.trunc() == cidr { Ok(cidr) } else { Err(CidrProblem::HostBits(cidr.trunc())) }
}

/// Whether a number of an address or CIDR begins with a zero that it does not need. No address is read so either.
fn has_zero_in_front(text: &str) -> bool {
    text.split(['.', '/']).any(|number| number.len() > 1 && number.starts_with('0'))
}

/// What to say about `text`, which is no CIDR.
pub(super) fn cidr_problem(span: Span, text: &str, problem: CidrProblem) -> Diagnostic {
    match problem {
        CidrProblem::Malformed => {
            let problem = invalid(span, format!("\"{text}\" is no IPv4 CIDR"), "expected an address or a CIDR");
            let problem = only_ipv4(problem, text);
            let octal = "some programs read a number with a zero in front as octal";
            if has_zero_in_front(text) { problem.note(octal) } else { problem }
        }
        CidrProblem::HostBits(network) => {
            invalid(span, format!("\"{text}\" has host bits set"), "not a network address")
                .note(format!("a /{} covers {network}; the bits after it must be zero", network.prefix_len()))
                .help(format!("write \"{network}\""))
        }
    }
}

fn only_ipv4(problem: Diagnostic, text: &str) -> Diagnostic {
    if text.contains(':') { problem.note("only IPv4 is simulated") } else { problem }
}

/// The text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DurationError;

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a number and ns, us, ms, s, m or h, as in \"61s\"")
    }
}

impl std::error::Error for DurationError {}

/// Reads `61s`, `1.5ms`: digits, up to nine decimals, and one of ns, us, ms, s, m, h. What is finer than a nanosecond or
/// beyond 584 years is refused.
///
/// # Errors
/// The text is anything else.
pub fn parse_duration(text: &str) -> Result<SimDuration, DurationError> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or(DurationError)?;
    let (number, unit) = text.split_at(unit_at);
    let unit: u128 = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return Err(DurationError),
    };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| text.parse::<u64>().map(u128::from).map_err(|_| DurationError);
    if decimals.len() > 9 {
        return Err(DurationError);
    }
    let scale = 10_u128.pow(decimals.len() as u32);
    let fraction = digits(decimals)? * unit;
    if !fraction.is_multiple_of(scale) {
        return Err(DurationError);
    }
    let nanos = digits(whole)? * unit + fraction / scale;
    u64::try_from(nanos).map(SimDuration::from_nanos).map_err(|_| DurationError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, nanos) in
            [("1ns", 1), ("2us", 2_000), ("1.5ms", 1_500_000), ("61s", 61_000_000_000), ("2m", 120_000_000_000)]
        {
            assert_eq!(parse_duration(text), Ok(SimDuration::from_nanos(nanos)), "{text}");
        }
        assert_eq!(parse_duration("1h"), Ok(SimDuration::from_secs(3600)));
        for text in ["", "61", "s", "-1s", "1 s", "1.s", "1.5ns", "1.2.3s", "1d", "999999999h", "0.0000000001s"] {
            assert_eq!(parse_duration(text), Err(DurationError), "{text}");
        }
    }

    #[test]
    fn a_cidr_with_host_bits_names_its_network() {
        assert!(matches!(cidr("10.1.2.3"), Ok(net) if net.prefix_len() == 32));
        assert!(matches!(cidr("10.1.2.0/24"), Ok(net) if net.prefix_len() == 24));
        assert!(matches!(cidr("10.1.2.3/24"), Err(CidrProblem::HostBits(net)) if net.to_string() == "10.1.2.0/24"));
        assert!(matches!(cidr("10.1.2.0/33"), Err(CidrProblem::Malformed)));
    }
}
