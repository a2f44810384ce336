//! Stage 1: what the bytes say, and ARP.

use super::Frame;
use super::ingress;
use super::outcome::{At, Outcome, Refusal, Verdict};
use super::trace::{Listener, Step, Trace};
use crate::diag::Reason;
use crate::program::{EndpointId, Program};
use crate::wire::{Arp, Packet, ParseError, parse};
use std::net::Ipv4Addr;

/// Why stage 1 refuses, as a reason; `None` where the capture cut off bytes that decide.
fn reason(error: &ParseError) -> Option<Reason> {
    Some(match error {
        ParseError::Cut { .. } => return None,
        ParseError::FrameTruncated { .. } => Reason::FrameTruncated,
        ParseError::VlanTagged { .. } => Reason::VlanTagged,
        ParseError::Ipv6 => Reason::Ipv6,
        ParseError::ArpMalformed { .. } => Reason::ArpMalformed,
        ParseError::NotIpv4 { .. } => Reason::NotIpv4,
        ParseError::Version { .. } => Reason::Ipv4Version,
        ParseError::HeaderLength { .. } => Reason::Ipv4HeaderLength,
        ParseError::TotalLength { .. } => Reason::Ipv4TotalLength,
        ParseError::Checksum { .. } => Reason::Ipv4Checksum,
        ParseError::SourceRoute { .. } => Reason::Ipv4SourceRoute,
        ParseError::Broadcast => Reason::Broadcast,
        ParseError::Multicast => Reason::Multicast,
        ParseError::TransportTruncated { .. } => Reason::L4Truncated,
    })
}

/// Reads a frame, or says what became of it; its sender too, where its source address can be read.
pub(super) fn read<T: Trace>(
    program: &Program,
    frame: &Frame<'_>,
    listener: &mut Listener<'_, T>,
) -> Result<Packet, Outcome> {
    match parse(frame.bytes, frame.wire_length as usize) {
        Ok(packet) => {
            if let Packet::Ipv4(ipv4) = packet {
                listener.hear(|| Step::Parsed(ipv4));
            }
            Ok(packet)
        }
        Err(error) => {
            listener.hear(|| Step::Unsound(error));
            let from = readable_addresses(frame.bytes).and_then(|(source, destination)| {
                ingress::attribute(program, frame.entry, source, destination).ok().map(|(id, _)| id)
            });
            let verdict = match reason(&error) {
                Some(reason) => {
                    let refusal = Refusal::new(reason, At::Outside);
                    listener.ends(&refusal);
                    refusal.verdict()
                }
                None => Verdict::Undetermined,
            };
            Err(Outcome::at_sender(from, verdict))
        }
    }
}

/// Source and destination where EtherType and version say IPv4 and 20 bytes of header were captured.
fn readable_addresses(bytes: &[u8]) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let header = bytes.get(..34).filter(|header| header[12..14] == [8, 0] && header[14] >> 4 == 4)?;
    let address = |at: usize| Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]);
    Some((address(26), address(30)))
}

/// Whether an ARP packet asks for an address of the sender's subnet. Those are answered, as the virtual switch does for
/// the peers and the gateway of a vSwitch without broadcasts. Our choice; the vendor documents only that there are no
/// broadcasts.
pub(super) fn answers_arp<T: Trace>(
    program: &Program,
    arp: &Arp,
    sender: EndpointId,
    listener: &mut Listener<'_, T>,
) -> Result<(), Refusal> {
    const REQUEST: u16 = 1;
    let refusal = |reason| Refusal::new(reason, At::Endpoint(sender));
    if arp.operation != REQUEST {
        listener.refuse(refusal(Reason::ArpNotRequest))?;
    }
    let (address, subnet) = (program.endpoint(sender).address, program.subnet(sender));
    if arp.target == arp.sender || (subnet.is_some() && arp.target == address) {
        listener.refuse(refusal(Reason::ArpGratuitous))?;
    } else if !subnet.is_some_and(|subnet| subnet.range.contains(&arp.target)) {
        listener.refuse(refusal(Reason::ArpTargetNotLocal))?;
    }
    Ok(())
}
