//! Packets with right lengths and checksums.

use super::tap::{Tap, address, mac};
use etherparse::{
    IpFragOffset, IpHeaders, IpNumber, Ipv4Header, PacketBuilder, PacketBuilderStep, TcpHeader, TcpOptionElement,
};
use std::net::{Ipv4Addr, SocketAddrV4};

/// What follows the Ethernet header in an unfragmented frame, less the IPv4 header.
const MTU: usize = 1500;

/// Ethernet and IPv4 of a packet of `source` as the tap sees it.
fn ipv4(tap: &mut Tap, source: Ipv4Addr, destination: Ipv4Addr, fragmentable: bool) -> PacketBuilderStep<IpHeaders> {
    let (from, to) = tap.macs(source);
    let header = Ipv4Header {
        identification: tap.identification(source),
        dont_fragment: !fragmentable,
        // Routing protocols tell by 255 that nobody forwarded them.
        time_to_live: if destination.is_multicast() { 255 } else { tap.ttl(source) },
        source: source.octets(),
        destination: destination.octets(),
        ..Ipv4Header::default()
    };
    PacketBuilder::ethernet2(from, to).ip(IpHeaders::Ipv4(header, Default::default()))
}

/// A TCP segment.
pub(crate) struct Segment<'a> {
    pub(crate) source: SocketAddrV4,
    pub(crate) destination: SocketAddrV4,
    pub(crate) sequence: u32,
    pub(crate) acknowledgment: u32,
    /// Letters out of `SAFRP`.
    pub(crate) flags: &'a str,
    pub(crate) window: u16,
    pub(crate) payload: &'a [u8],
}

/// The segment goes by now. With a SYN go the usual options.
pub(crate) fn tcp(tap: &mut Tap, segment: &Segment<'_>) {
    let Segment { source, destination, .. } = *segment;
    let mut header = TcpHeader::new(source.port(), destination.port(), segment.sequence, segment.window);
    header.acknowledgment_number = segment.acknowledgment;
    header.syn = segment.flags.contains('S');
    header.ack = segment.flags.contains('A');
    header.fin = segment.flags.contains('F');
    header.rst = segment.flags.contains('R');
    header.psh = segment.flags.contains('P');
    if header.syn {
        use TcpOptionElement::{MaximumSegmentSize, Noop, SelectiveAcknowledgementPermitted, WindowScale};
        let options = [MaximumSegmentSize(1460), Noop, Noop, SelectiveAcknowledgementPermitted, Noop, WindowScale(7)];
        header.set_options(&options).expect("twelve bytes of options fit");
    }
    let builder = ipv4(tap, *source.ip(), *destination.ip(), false).tcp_header(header);
    let mut bytes = Vec::new();
    builder.write(&mut bytes, segment.payload).expect("a segment fits into a packet");
    tap.see(bytes);
}

/// A UDP datagram of any size goes by, in fragments where it is too large for the wire; DF is clear.
pub(crate) fn udp(tap: &mut Tap, source: &str, destination: &str, payload: &[u8]) {
    for piece in fragments(&datagram(tap, source, destination, payload)) {
        tap.see(piece);
        tap.pause(12);
    }
}

/// The frame of a datagram that was not cut yet.
pub(crate) fn datagram(tap: &mut Tap, source: &str, destination: &str, payload: &[u8]) -> Vec<u8> {
    let [source, destination] = [source, destination].map(socket);
    let builder = ipv4(tap, *source.ip(), *destination.ip(), true).udp(source.port(), destination.port());
    let mut whole = Vec::new();
    builder.write(&mut whole, payload).expect("a datagram fits into a packet");
    whole
}

/// The frame as it travels: whole, or in fragments (RFC 791).
fn fragments(whole: &[u8]) -> Vec<Vec<u8>> {
    let (header, body) = Ipv4Header::from_slice(&whole[14..]).expect("a header was written");
    if whole.len() - 14 <= MTU {
        return vec![whole.to_vec()];
    }
    let step = (MTU - 20) / 8 * 8;
    let pieces = body.chunks(step).enumerate();
    let count = body.len().div_ceil(step);
    pieces
        .map(|(index, piece)| {
            let mut header = header.clone();
            header.more_fragments = index + 1 < count;
            header.fragment_offset = IpFragOffset::try_new((index * step / 8) as u16).expect("within 65528 bytes");
            header.set_payload_len(piece.len()).expect("it fits");
            let mut frame = whole[..14].to_vec();
            header.write(&mut frame).expect("writing into memory does not fail");
            frame.extend_from_slice(piece);
            frame
        })
        .collect()
}

/// An echo request of `source`; with `reply` the answer to it.
pub(crate) fn echo(tap: &mut Tap, source: &str, destination: &str, identifier: u16, sequence: u16, reply: bool) {
    // What ping sends: a stamp of 16 bytes, then bytes that count up.
    let mut payload = vec![0x4f, 0xf3, 0xb9, 0x5e, 0, 0, 0, 0, sequence as u8, 0x3a, 0x0c, 0, 0, 0, 0, 0];
    payload.extend(0x10..=0x37);
    let [i, d] = identifier.to_be_bytes();
    let [s, q] = sequence.to_be_bytes();
    icmp(tap, source, destination, (if reply { 0 } else { 8 }, 0), [i, d, s, q], &payload);
}

/// Any ICMP message; `kind` is type and code, `rest` bytes 4 to 7.
pub(crate) fn icmp(tap: &mut Tap, source: &str, destination: &str, kind: (u8, u8), rest: [u8; 4], payload: &[u8]) {
    let [source, destination] = [source, destination].map(address);
    let builder = ipv4(tap, source, destination, true).icmpv4_raw(kind.0, kind.1, rest);
    let mut bytes = Vec::new();
    builder.write(&mut bytes, payload).expect("a message fits into a packet");
    tap.see(bytes);
}

/// A packet of another protocol, which only the fabric's edge cares about.
pub(crate) fn raw(tap: &mut Tap, source: &str, destination: &str, protocol: u8, payload: &[u8]) {
    let [source, destination] = [source, destination].map(address);
    let builder = ipv4(tap, source, destination, true);
    let mut bytes = Vec::new();
    builder.write(&mut bytes, IpNumber(protocol), payload).expect("it fits into a packet");
    tap.see(bytes);
}

/// The last fragment of a UDP datagram, whose 16 bytes begin at byte `offset` of it.
pub(crate) fn last_fragment(tap: &mut Tap, source: &str, destination: &str, offset: u16) {
    let mut whole = Vec::new();
    let builder = ipv4(tap, address(source), address(destination), true);
    builder.write(&mut whole, IpNumber::UDP, &[0x2e; 16]).expect("it fits into a packet");
    let (mut header, body) = Ipv4Header::from_slice(&whole[14..]).expect("a header was written");
    header.fragment_offset = IpFragOffset::try_new(offset / 8).expect("within 13 bits");
    let mut frame = whole[..14].to_vec();
    header.write(&mut frame).expect("writing into memory does not fail");
    frame.extend_from_slice(body);
    tap.see(frame);
}

/// An ARP packet: 1 asks, 2 answers.
pub(crate) fn arp(tap: &mut Tap, operation: u16, sender: &str, target: &str) {
    let [sender, target] = [sender, target].map(address);
    let own = mac(sender);
    let (to, known) = if operation == 1 { ([0xff; 6], [0; 6]) } else { (mac(target), mac(target)) };
    let mut bytes = Vec::new();
    bytes.extend(to);
    bytes.extend(own);
    bytes.extend([0x08, 0x06, 0, 1, 0x08, 0, 6, 4]);
    bytes.extend(operation.to_be_bytes());
    bytes.extend(own);
    bytes.extend(sender.octets());
    bytes.extend(known);
    bytes.extend(target.octets());
    // Ethernet pads to 60 bytes.
    bytes.resize(60, 0);
    tap.see(bytes);
}

/// The address and port in `text`.
pub(crate) fn socket(text: &str) -> SocketAddrV4 {
    text.parse().unwrap_or_else(|_| panic!("no address and port: {text}"))
}
