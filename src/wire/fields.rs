//! The fields of a frame by name, for people who compare two of them.

use super::TcpFlags;
use crate::net::MacAddress;
use etherparse::{Ethernet2HeaderSlice, Icmpv4Slice, IpNumber, Ipv4HeaderSlice, TcpSlice, UdpSlice};
use std::fmt::Write;
use std::net::Ipv4Addr;

/// A field of a frame: its name, and its value as text.
type Field = (&'static str, String);

/// Bytes on a line of a payload.
const BYTES_OF_LINE: usize = 16;

/// Returns the fields of an Ethernet frame in the order of its bytes, as far as they can be read; then the rest, 16 bytes a
/// line.
pub fn fields(frame: &[u8]) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    let Ok(ethernet) = Ethernet2HeaderSlice::from_slice(frame) else {
        add_bytes(&mut fields, frame);
        return fields;
    };
    fields.push(("ethernet destination", MacAddress(ethernet.destination()).to_string()));
    fields.push(("ethernet source", MacAddress(ethernet.source()).to_string()));
    fields.push(("ethernet type", format!("{:#06x}", ethernet.ether_type().0)));
    let rest = &frame[ethernet.slice().len()..];
    match Ipv4HeaderSlice::from_slice(rest) {
        Ok(header) => {
            add_ipv4(&mut fields, &header);
            add_layer_4(&mut fields, &header, &rest[header.slice().len()..]);
        }
        Err(_) => add_bytes(&mut fields, rest),
    }
    fields
}

fn add_ipv4(fields: &mut Vec<Field>, header: &Ipv4HeaderSlice<'_>) {
    let flags = [(header.dont_fragment(), "DF"), (header.more_fragments(), "MF")];
    let flags: Vec<&str> = flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name).collect();
    fields.extend([
        ("ip header length", header.slice().len().to_string()),
        ("ip type of service", format!("{:#04x}", header.dcp().value() << 2 | header.ecn().value())),
        ("ip total length", header.total_len().to_string()),
        ("ip identification", header.identification().to_string()),
        ("ip flags", if flags.is_empty() { "none".to_owned() } else { flags.join(" ") }),
        ("ip fragment offset", header.fragments_offset().byte_offset().to_string()),
        ("ip ttl", header.ttl().to_string()),
        ("ip protocol", header.protocol().0.to_string()),
        ("ip checksum", format!("{:#06x}", header.header_checksum())),
        ("ip source", Ipv4Addr::from(header.source()).to_string()),
        ("ip destination", Ipv4Addr::from(header.destination()).to_string()),
    ]);
    if !header.options().is_empty() {
        fields.push(("ip options", hexadecimal(header.options())));
    }
}

fn add_layer_4(fields: &mut Vec<Field>, header: &Ipv4HeaderSlice<'_>, rest: &[u8]) {
    let read = if header.fragments_offset().value() != 0 {
        None
    } else {
        match header.protocol() {
            IpNumber::TCP => TcpSlice::from_slice(rest).ok().map(|tcp| add_tcp(fields, &tcp)),
            IpNumber::UDP => UdpSlice::from_slice_lax(rest).ok().map(|udp| add_udp(fields, &udp)),
            IpNumber::ICMP => Icmpv4Slice::from_slice(rest).ok().map(|icmp| add_icmp(fields, &icmp)),
            _ => None,
        }
    };
    add_bytes(fields, &rest[read.unwrap_or(0)..]);
}

/// Adds the fields of a header, and returns its length; as those below do.
fn add_tcp(fields: &mut Vec<Field>, tcp: &TcpSlice<'_>) -> usize {
    let header = tcp.header_slice();
    fields.extend([
        ("tcp source port", tcp.source_port().to_string()),
        ("tcp destination port", tcp.destination_port().to_string()),
        ("tcp sequence", tcp.sequence_number().to_string()),
        ("tcp acknowledgment", tcp.acknowledgment_number().to_string()),
        ("tcp header length", header.len().to_string()),
        ("tcp flags", TcpFlags(header[13]).to_string()),
        ("tcp window", tcp.window_size().to_string()),
        ("tcp checksum", format!("{:#06x}", tcp.checksum())),
        ("tcp urgent pointer", tcp.urgent_pointer().to_string()),
    ]);
    if !tcp.options().is_empty() {
        fields.push(("tcp options", hexadecimal(tcp.options())));
    }
    header.len()
}

fn add_udp(fields: &mut Vec<Field>, udp: &UdpSlice<'_>) -> usize {
    fields.extend([
        ("udp source port", udp.source_port().to_string()),
        ("udp destination port", udp.destination_port().to_string()),
        ("udp length", udp.length().to_string()),
        ("udp checksum", format!("{:#06x}", udp.checksum())),
    ]);
    udp.header_slice().len()
}

fn add_icmp(fields: &mut Vec<Field>, icmp: &Icmpv4Slice<'_>) -> usize {
    let rest = icmp.bytes5to8();
    fields.extend([
        ("icmp type", icmp.type_u8().to_string()),
        ("icmp code", icmp.code_u8().to_string()),
        ("icmp checksum", format!("{:#06x}", icmp.checksum())),
        ("icmp bytes 4 to 7", hexadecimal(&rest)),
    ]);
    4 + rest.len()
}

fn add_bytes(fields: &mut Vec<Field>, bytes: &[u8]) {
    fields.extend(bytes.chunks(BYTES_OF_LINE).map(|line| ("bytes", hexadecimal(line))));
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Returns the fields of two frames side by side, a `*` before each line that differs. Lines of bytes that are equal are left
/// out. `titles` stand above the frames.
pub fn side_by_side(titles: [&str; 2], frames: [&[u8]; 2]) -> String {
    let [left, right] = frames.map(fields);
    let mut rows: Vec<(&str, [String; 2])> = Vec::new();
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    // The frames have their fields in one order; what only one of them has stands beside nothing.
    while let Some(name) = left.peek().map(|(name, _)| *name).or_else(|| right.peek().map(|(name, _)| *name)) {
        let same = right.peek().is_some_and(|(other, _)| *other == name);
        let later = !same && left.peek().is_some() && right.clone().any(|(other, _)| other == name);
        let name = if later { right.peek().map_or(name, |(other, _)| *other) } else { name };
        let one = left.next_if(|(known, _)| *known == name).map_or_else(String::new, |(_, value)| value);
        let other = right.next_if(|(known, _)| *known == name).map_or_else(String::new, |(_, value)| value);
        rows.push((name, [one, other]));
    }
    rows.retain(|(name, [one, other])| *name != "bytes" || one != other);
    let name_width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let width = rows.iter().map(|(_, [one, _])| one.len()).max().unwrap_or(0).max(titles[0].len());
    let mut text = format!("  {:name_width$}  {:width$}  {}\n", "", titles[0], titles[1]);
    for (name, [one, other]) in &rows {
        let mark = if one == other { ' ' } else { '*' };
        let line = format!("{mark} {name:name_width$}  {one:width$}  {other}");
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::build::{arp_request, icmp_echo, tcp, udp};

    #[test]
    fn two_frames_that_differ_in_one_field_differ_in_its_line_and_the_checksums() {
        let frame =
            |port| tcp(&format!("10.0.0.1:1000 > 10.0.0.2:{port}")).syn().payload(b"0123456789abcdefghij").build();
        let text = side_by_side(["expected", "arrived"], [&frame(80), &frame(81)]);
        let marked: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("* ")).collect();
        assert_eq!(marked.len(), 2, "{text}");
        assert!(marked[0].starts_with("tcp destination port") && marked[1].starts_with("tcp checksum"), "{text}");
        assert!(!text.contains("bytes"), "equal payload is left out: {text}");
    }

    #[test]
    fn every_byte_of_a_frame_is_in_some_field() {
        let of_options = tcp("10.0.0.1:1 > 10.0.0.2:2").options(&[7, 7, 4, 0, 0, 0, 0, 0]);
        for frame in [
            tcp("10.0.0.1:1 > 10.0.0.2:2").syn().payload(&[9; 40]).build(),
            udp("10.0.0.1:1 > 10.0.0.2:2").payload(&[9; 3]).build(),
            icmp_echo("10.0.0.1 > 10.0.0.2", 1, 1).build(),
            arp_request("10.0.0.1 > 10.0.0.2").build(),
            udp("10.0.0.1:1 > 10.0.0.2:2").fragment(64, true).payload(&[1; 24]).build(),
            of_options.build(),
        ] {
            for index in 0..frame.len() {
                let mut other = frame.clone();
                other[index] ^= 0xff;
                assert_ne!(fields(&frame), fields(&other), "byte {index}");
                // Whatever is broken, and wherever it is cut, something is said.
                for end in [index, frame.len()] {
                    let _ = side_by_side(["a", "b"], [&frame[..end], &other]);
                }
            }
        }
    }

    #[test]
    fn what_only_one_frame_has_stands_beside_nothing() {
        let (plain, with) =
            (tcp("10.0.0.1:1 > 10.0.0.2:2").syn(), tcp("10.0.0.1:1 > 10.0.0.2:2").syn().options(&[1, 1, 1, 0]));
        let text = side_by_side(["expected", "arrived"], [&plain.build(), &with.build()]);
        assert!(text.contains("* ip options                               01010100\n"), "{text}");
        assert!(text.contains("  tcp flags "), "{text}");
    }
}
