//! The packet of a `send` step.

use super::decode::{Decoder, Fields, Item, invalid};
use crate::diag::{Span, Spanned};
use crate::net::Protocol;
use crate::wire::{TcpFlags, TextError, read_addresses, read_endpoints, read_hexadecimal};
use std::net::{Ipv4Addr, SocketAddrV4};

/// What a `send` step puts on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PacketSpec {
    /// An IPv4 packet; its Ethernet header is made for the sender.
    Ipv4(Ipv4Spec),
    /// An ARP request.
    Arp {
        /// The sender protocol address.
        sender: Ipv4Addr,
        /// The address asked for.
        target: Ipv4Addr,
    },
    /// A whole Ethernet frame, byte for byte.
    Frame(Vec<u8>),
}

/// An IPv4 packet without options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv4Spec {
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// What follows the IP header. Where [`fragment_offset`](Ipv4Spec::fragment_offset) is above 0 only the protocol
    /// number of it is on the wire: a later fragment has no layer-4 header.
    pub transport: Transport,
    /// 64 where not given.
    pub ttl: u8,
    /// The don't-fragment bit: set, except in fragments, where not given.
    pub dont_fragment: bool,
    /// The more-fragments bit.
    pub more_fragments: bool,
    /// In bytes, a multiple of 8.
    pub fragment_offset: u16,
    /// 0 where not given.
    pub identification: u16,
    /// What follows the layer-4 header. `length = N` gives N zero bytes.
    pub payload: Vec<u8>,
}

impl Ipv4Spec {
    /// `transport` from `source` to `destination`, everything else as where a file does not give it.
    pub fn new(source: Ipv4Addr, destination: Ipv4Addr, transport: Transport) -> Ipv4Spec {
        Ipv4Spec {
            source,
            destination,
            transport,
            ttl: 64,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            identification: 0,
            payload: Vec::new(),
        }
    }

    /// Bytes of the IP header, the layer-4 header and the payload.
    pub fn total_length(&self) -> usize {
        let header = if self.fragment_offset > 0 { 0 } else { self.transport.header_length() };
        20 + header + self.payload.len()
    }
}

/// A layer-4 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP without options.
    Tcp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
        /// The flags; a bare SYN where not given.
        flags: TcpFlags,
    },
    /// UDP.
    Udp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
    },
    /// ICMP with the eight-byte header of an echo.
    Icmp(IcmpSpec),
    /// Any protocol number, without a header.
    Other(Protocol),
}

impl Transport {
    /// The protocol number.
    pub const fn protocol(self) -> Protocol {
        match self {
            Transport::Tcp { .. } => Protocol::TCP,
            Transport::Udp { .. } => Protocol::UDP,
            Transport::Icmp(_) => Protocol::ICMP,
            Transport::Other(protocol) => protocol,
        }
    }

    /// Bytes of the layer-4 header.
    pub const fn header_length(self) -> usize {
        match self {
            Transport::Tcp { .. } => 20,
            Transport::Udp { .. } | Transport::Icmp(_) => 8,
            Transport::Other(_) => 0,
        }
    }
}

/// An ICMP header; the default is an echo request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpSpec {
    /// The type; 8, an echo request, where not given.
    pub kind: u8,
    /// The code; 0 where not given.
    pub code: u8,
    /// The identifier; 1 where not given.
    pub identifier: u16,
    /// The sequence number; 1 where not given.
    pub sequence: u16,
}

impl Default for IcmpSpec {
    fn default() -> IcmpSpec {
        IcmpSpec { kind: 8, code: 0, identifier: 1, sequence: 1 }
    }
}

/// The keys that say what kind of packet it is: exactly one of them is given.
const KINDS: [&str; 6] = ["tcp", "udp", "icmp", "ip", "arp", "hex"];

/// Further keys, and the kind that they go with.
const KEYS_OF_A_KIND: [(&str, &str); 6] = [
    ("flags", "tcp"),
    ("type", "icmp"),
    ("code", "icmp"),
    ("identifier", "icmp"),
    ("sequence", "icmp"),
    ("protocol", "ip"),
];

/// Keys that go with every IPv4 packet.
const IPV4_KEYS: [&str; 7] = ["ttl", "df", "payload", "length", "identification", "fragment_offset", "more_fragments"];

/// The keys of a packet.
#[cfg(test)]
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    KINDS.into_iter().chain(KEYS_OF_A_KIND.map(|(key, _)| key)).chain(IPV4_KEYS)
}

/// The packet that the keys of a `send` describe.
pub(super) fn packet<'a>(decoder: &mut Decoder<'_>, fields: &Fields<'a>) -> Option<Spanned<PacketSpec>> {
    let (kind, item) = fields.one_key(decoder, &KINDS)?;
    let with = format!("`{kind}`");
    for (key, owner) in KEYS_OF_A_KIND {
        if owner != kind {
            fields.refuse_beside(decoder, &[key], &with, item.span);
        }
    }
    if matches!(kind, "arp" | "hex") {
        fields.refuse_beside(decoder, &IPV4_KEYS, &with, item.span);
    }
    let packet = match kind {
        "hex" => PacketSpec::Frame(written(decoder, item, read_hexadecimal)?),
        "arp" => {
            let (sender, target) = written(decoder, item, read_addresses)?;
            PacketSpec::Arp { sender, target }
        }
        _ => PacketSpec::Ipv4(ipv4(decoder, fields, kind, item)?),
    };
    Some(Spanned::new(packet, item.span))
}

/// What `read` makes of the string; the part of it that is at fault is reported.
fn written<T>(decoder: &mut Decoder<'_>, item: Item<'_>, read: impl FnOnce(&str) -> Result<T, TextError>) -> Option<T> {
    let text = item.string(decoder)?;
    match read(text) {
        Ok(value) => Some(value),
        Err(error) => {
            let place = decoder.part(item.span, text, error.range.clone());
            let message = format!("`{}` cannot be \"{text}\"", item.key);
            decoder.report(invalid(place, message, error.to_string()));
            None
        }
    }
}

fn ipv4<'a>(decoder: &mut Decoder<'_>, fields: &Fields<'a>, kind: &str, item: Item<'a>) -> Option<Ipv4Spec> {
    let addresses = |(source, destination): (SocketAddrV4, SocketAddrV4)| (*source.ip(), *destination.ip());
    let ((source, destination), transport) = match kind {
        "tcp" => {
            let flow = written(decoder, item, read_endpoints)?;
            let flags = match fields.get("flags") {
                Some(item) => item.parse(decoder, str::parse::<TcpFlags>)?.value,
                None => TcpFlags::SYN,
            };
            let (source_port, destination_port) = (flow.0.port(), flow.1.port());
            (addresses(flow), Transport::Tcp { source_port, destination_port, flags })
        }
        "udp" => {
            let flow = written(decoder, item, read_endpoints)?;
            let (source_port, destination_port) = (flow.0.port(), flow.1.port());
            (addresses(flow), Transport::Udp { source_port, destination_port })
        }
        "icmp" => (written(decoder, item, read_addresses)?, Transport::Icmp(icmp(decoder, fields))),
        _ => {
            let addresses = written(decoder, item, read_addresses)?;
            let item = fields.require(decoder, "protocol", "47")?;
            let protocol = if item.is_integer() {
                item.integer(decoder, 0..=255).map(|number| Protocol(number.value))?
            } else {
                item.parse(decoder, str::parse::<Protocol>)?.value
            };
            (addresses, Transport::Other(protocol))
        }
    };
    let mut spec = Ipv4Spec::new(source, destination, transport);
    header_fields(decoder, fields, &mut spec);
    payload(decoder, fields, &mut spec);
    if spec.total_length() > 65535 {
        let place = ["length", "payload"].into_iter().find_map(|key| fields.get(key));
        let message = format!("the packet would have {} bytes", spec.total_length());
        let span = place.map_or(item.span, |item| item.span);
        decoder.report(invalid(span, message, "too long").note("an IPv4 packet has at most 65535 bytes"));
    }
    Some(spec)
}

fn icmp(decoder: &mut Decoder<'_>, fields: &Fields<'_>) -> IcmpSpec {
    let mut octet = |key| Some(fields.get(key)?.integer::<u8>(decoder, 0..=255)?.value);
    let (kind, code) = (octet("type"), octet("code"));
    let mut word = |key| Some(fields.get(key)?.integer::<u16>(decoder, 0..=65535)?.value);
    let (identifier, sequence) = (word("identifier"), word("sequence"));
    let echo = IcmpSpec::default();
    IcmpSpec {
        kind: kind.unwrap_or(echo.kind),
        code: code.unwrap_or(echo.code),
        identifier: identifier.unwrap_or(echo.identifier),
        sequence: sequence.unwrap_or(echo.sequence),
    }
}

fn header_fields(decoder: &mut Decoder<'_>, fields: &Fields<'_>, spec: &mut Ipv4Spec) {
    if let Some(ttl) = fields.get("ttl").and_then(|item| item.integer::<u8>(decoder, 0..=255)) {
        spec.ttl = ttl.value;
    }
    let identification = fields.get("identification");
    if let Some(value) = identification.and_then(|item| item.integer::<u16>(decoder, 0..=65535)) {
        spec.identification = value.value;
    }
    if let Some(item) = fields.get("fragment_offset") {
        match item.integer::<u16>(decoder, 0..=65528) {
            Some(offset) if !offset.is_multiple_of(8) => {
                let help = format!("write {} or {}", *offset / 8 * 8, *offset / 8 * 8 + 8);
                let message = "`fragment_offset` is in bytes and a multiple of 8";
                decoder.report(invalid(item.span, message, "not a multiple of 8").help(help));
            }
            offset => spec.fragment_offset = offset.map_or(0, |offset| offset.value),
        }
    }
    let mut flag = |key| Some(fields.get(key)?.boolean(decoder)?.value);
    spec.more_fragments = flag("more_fragments").unwrap_or(false);
    let is_fragment = spec.more_fragments || spec.fragment_offset > 0;
    spec.dont_fragment = flag("df").unwrap_or(!is_fragment);
}

fn payload(decoder: &mut Decoder<'_>, fields: &Fields<'_>, spec: &mut Ipv4Spec) {
    if fields.has("payload") && fields.has("length") {
        let _reported = fields.one_key(decoder, &["payload", "length"]);
        return;
    }
    if let Some(text) = fields.get("payload").and_then(|item| item.string(decoder)) {
        spec.payload = text.as_bytes().to_vec();
    }
    if let Some(length) = fields.get("length").and_then(|item| item.integer::<u16>(decoder, 0..=65515)) {
        spec.payload = vec![0; usize::from(length.value)];
    }
}

/// A `send` step: one packet, and its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendStep {
    /// The table of the packet.
    pub span: Span,
    /// The endpoint that the packet enters by.
    pub from: Spanned<String>,
    /// The packet.
    pub packet: Spanned<PacketSpec>,
}
