//! Frames as bytes: the parser against etherparse, the fast parser against the other, and what leaves against what came.

use super::input::{Input, assert_harmless};
use biplane::net::{MacAddress, Protocol};
use biplane::wire::{
    FastHeaders, IcmpError, Ipv4, Ipv4Lengths, Packet, PacketBuilder, ParseError, Transport, arp_reply,
    compute_header_checksum, describe, destination_address, forward, fragment, internet_checksum, map_addresses, parse,
    push_icmp_error, raise_ttl, readable, readable_tcp_flags, set_total_length, source_address, transport,
};
use etherparse::{ArpPacketSlice, Ipv4HeaderSlice};
use std::net::Ipv4Addr;

const ETHERNET: usize = 14;
const MAC: MacAddress = MacAddress([0, 1, 2, 3, 4, 5]);

/// The first byte says how much more was on the wire, the second whether the checksum is put right; the frame follows.
pub(crate) fn parsed_as_another_parser_does(data: &[u8]) {
    let mut input = Input::new(data);
    let more = usize::from(input.byte());
    let repair = input.byte() & 1 == 1;
    let mut frame = input.rest().to_vec();
    if repair {
        compute_header_checksum(&mut frame);
    }
    let wire_length = frame.len() + more;
    assert_harmless(&describe(&frame, wire_length));
    let parsed = parse(&frame, wire_length);
    if let Err(error) = &parsed {
        assert_harmless(&error.to_string());
    }
    cut_frames_say_the_same_or_that_they_are_cut(&frame, wire_length, parsed);
    changes_leave_the_rest_alone(&frame);
    let fast = FastHeaders::read(&frame, wire_length);
    match parsed {
        Ok(Packet::Ipv4(ipv4)) => {
            if let Some(fast) = fast {
                assert_eq!((fast.ipv4(), Ok(fast.transport())), (ipv4, transport(&frame, &ipv4)));
            }
            header_is_as_etherparse_reads_it(&frame, &ipv4);
            forwarded_packets_are_sound(&frame, &ipv4, wire_length);
            fragments_together_are_the_packet(&frame, &ipv4, wire_length);
            mapped_checksums_stay_right(&frame, &ipv4, wire_length);
            answers_are_sound(&frame, wire_length);
        }
        Ok(Packet::Arp(arp)) => {
            assert_eq!(fast, None);
            let message = ArpPacketSlice::from_slice(&frame[ETHERNET..]).expect("etherparse reads it too");
            assert_eq!(message.operation().0, arp.operation);
            assert_eq!(
                (message.sender_protocol_addr(), message.target_protocol_addr()),
                (&arp.sender.octets()[..], &arp.target.octets()[..])
            );
            if let Some(reply) = arp_reply(&frame, MAC) {
                let Ok(Packet::Arp(answer)) = parse(&reply, reply.len()) else { panic!("a reply that is none") };
                assert_eq!((answer.operation, answer.sender, answer.target), (2, arp.target, arp.sender));
            }
        }
        Err(_) => assert_eq!(fast, None),
    }
}

/// What the snaplen takes may take an answer away, and never gives another one.
fn cut_frames_say_the_same_or_that_they_are_cut(frame: &[u8], wire_length: usize, whole: Result<Packet, ParseError>) {
    for length in [0, 13, 14, 33, 34, 41, 42, 47, 53, 54, 61, 62, frame.len() / 2, frame.len().saturating_sub(1)] {
        let cut = &frame[..length.min(frame.len())];
        let parsed = parse(cut, wire_length);
        assert!(parsed == whole || matches!(parsed, Err(ParseError::Cut { .. })), "{length}: {parsed:?} {whole:?}");
        let addresses = [source_address, destination_address];
        for address in addresses {
            assert!(address(cut).is_none_or(|found| Some(found) == address(frame)));
        }
        let (Ok(Packet::Ipv4(ipv4)), Some(fast)) = (parsed, FastHeaders::read(cut, wire_length)) else { continue };
        assert_eq!((fast.ipv4(), Ok(fast.transport())), (ipv4, transport(cut, &ipv4)));
    }
}

fn header_is_as_etherparse_reads_it(frame: &[u8], ipv4: &Ipv4) {
    let header = Ipv4HeaderSlice::from_slice(&frame[ETHERNET..]).expect("etherparse reads it too").to_header();
    assert!(sums_up(&frame[ETHERNET..][..header.header_len()]));
    let read = Ipv4 {
        source: header.source.into(),
        destination: header.destination.into(),
        protocol: Protocol(header.protocol.0),
        ttl: header.time_to_live,
        header_length: header.header_len() as u8,
        total_length: header.total_len,
        identification: header.identification,
        dont_fragment: header.dont_fragment,
        more_fragments: header.more_fragments,
        fragment_offset: header.fragment_offset.value() * 8,
    };
    assert_eq!(read, *ipv4);
    assert_eq!((source_address(frame), destination_address(frame)), (Some(ipv4.source), Some(ipv4.destination)));
    let readable = readable(frame).expect("what can be forwarded can be read");
    assert_eq!((readable.source, readable.destination), (ipv4.source, ipv4.destination));
    assert_eq!((readable.protocol, readable.total_length), (ipv4.protocol.0, ipv4.total_length));
    assert_eq!(readable.is_later_fragment, ipv4.is_later_fragment());
    if let (false, Ok(Transport::Tcp { flags, .. })) = (ipv4.is_later_fragment(), transport(frame, ipv4)) {
        assert!(readable_tcp_flags(frame).is_none_or(|read| read == flags));
    }
}

/// Whether a header bears the right checksum, word by word. etherparse forgets the reserved flag, so it is not asked.
fn sums_up(header: &[u8]) -> bool {
    let words = header.chunks(2).map(|word| u64::from(word[0]) << 8 | u64::from(word[1]));
    words.sum::<u64>() % 0xffff == 0
}

fn forwarded_packets_are_sound(frame: &[u8], ipv4: &Ipv4, wire_length: usize) {
    for hops in (0..=2).filter(|hops| *hops <= ipv4.ttl) {
        let mut forwarded = frame.to_vec();
        forward(&mut forwarded, MAC, MAC, hops);
        let expected = Ipv4 { ttl: ipv4.ttl - hops, ..*ipv4 };
        assert_eq!(parse(&forwarded, wire_length), Ok(Packet::Ipv4(expected)));
        assert_eq!(forwarded[26..], frame[26..]);
    }
    // A wrong checksum stays wrong.
    let mut wrong = frame.to_vec();
    wrong[25] ^= 1;
    forward(&mut wrong, MAC, MAC, 1);
    assert!(matches!(parse(&wrong, wire_length), Err(ParseError::Checksum { .. })));
}

fn fragments_together_are_the_packet(frame: &[u8], ipv4: &Ipv4, wire_length: usize) {
    for mtu in [68, 69, 576] {
        let mut pieces = Vec::new();
        fragment(frame, wire_length, mtu, |bytes, wire_length| pieces.push((bytes.to_vec(), wire_length)));
        let header_length = usize::from(ipv4.header_length);
        let data_length = usize::from(ipv4.total_length) - header_length;
        let (mut data, mut done) = (Vec::new(), 0);
        for (bytes, wire_length) in &pieces {
            let header = Ipv4HeaderSlice::from_slice(&bytes[ETHERNET..]).expect("a fragment has a header").to_header();
            assert!(sums_up(&bytes[ETHERNET..][..header.header_len()]));
            assert!(header.total_len <= mtu || pieces.len() == 1 && data_length == 0, "{header:?}");
            assert_eq!(*wire_length, ETHERNET + usize::from(header.total_len));
            let offset = usize::from(header.fragment_offset.value()) * 8;
            assert_eq!(offset, usize::from(ipv4.fragment_offset) + done);
            done += usize::from(header.total_len) - header.header_len();
            assert_eq!(header.more_fragments, done < data_length || ipv4.more_fragments);
            data.extend_from_slice(&bytes[ETHERNET + header.header_len()..]);
        }
        assert_eq!(done, data_length);
        let captured = &frame[ETHERNET + header_length..frame.len().min(ipv4.frame_length())];
        assert_eq!(data, captured);
    }
}

/// Of a whole packet of TCP or UDP whether its checksum is right; `None` where that cannot be told.
fn has_right_checksum(frame: &[u8], ipv4: &Ipv4) -> Option<bool> {
    let is_whole = !ipv4.more_fragments && !ipv4.is_later_fragment() && frame.len() >= ipv4.frame_length();
    let payload = frame.get(ETHERNET + usize::from(ipv4.header_length)..ipv4.frame_length()).filter(|_| is_whole)?;
    let is_summed = match ipv4.protocol {
        Protocol::TCP => true,
        Protocol::UDP => payload[6..8] != [0, 0],
        _ => false,
    };
    let mut summed = [ipv4.source.octets(), ipv4.destination.octets()].concat();
    summed.extend_from_slice(&[0, ipv4.protocol.0]);
    summed.extend_from_slice(&u16::try_from(payload.len()).ok()?.to_be_bytes());
    summed.extend_from_slice(payload);
    is_summed.then(|| internet_checksum(&summed) == 0)
}

fn mapped_checksums_stay_right(frame: &[u8], ipv4: &Ipv4, wire_length: usize) {
    let replacement = Ipv4Addr::new(10, 24, 1, 5);
    let mut mapped = frame.to_vec();
    let has_changed = map_addresses(&mut mapped, |address| (address == ipv4.source).then_some(replacement));
    assert_eq!(has_changed, mapped != frame);
    let destination = if ipv4.destination == ipv4.source { replacement } else { ipv4.destination };
    let expected = Ipv4 { source: replacement, destination, ..*ipv4 };
    assert_eq!(parse(&mapped, wire_length), Ok(Packet::Ipv4(expected)));
    if let Some(right) = has_right_checksum(frame, ipv4) {
        assert_eq!(has_right_checksum(&mapped, &expected), Some(right));
    }
}

fn answers_are_sound(frame: &[u8], wire_length: usize) {
    for kind in [IcmpError::TimeExceeded, IcmpError::FragmentationNeeded { mtu: 1400 }] {
        let (from, to) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        let mut error = Vec::new();
        push_icmp_error(&mut error, kind, &frame[ETHERNET..], from, to, MAC, MAC);
        assert!(matches!(parse(&error, error.len()), Ok(Packet::Ipv4(_))));
        assert_eq!(internet_checksum(&error[34..]), 0);
    }
    for answer in [PacketBuilder::reply_to(frame, wire_length), PacketBuilder::reverse_of(frame)].into_iter().flatten()
    {
        let answer = answer.build();
        assert!(matches!(parse(&answer, answer.len()), Ok(Packet::Ipv4(_))), "{answer:02x?}");
    }
}

/// What mends a capture may be asked of any bytes.
fn changes_leave_the_rest_alone(frame: &[u8]) {
    let lengths = Ipv4Lengths::read(frame);
    let changes: [fn(&mut [u8]); 3] =
        [|frame| raise_ttl(frame, 2), |frame| set_total_length(frame, 40), compute_header_checksum];
    for change in changes {
        let mut changed = frame.to_vec();
        change(&mut changed);
        let touched = |at: usize| matches!(at, 16 | 17 | 22 | 24 | 25);
        assert!(frame.iter().zip(&changed).enumerate().all(|(at, (old, new))| old == new || touched(at)));
        assert_eq!(Ipv4Lengths::read(&changed).is_some(), lengths.is_some());
    }
}
