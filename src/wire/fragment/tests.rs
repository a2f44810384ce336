use super::super::samples::framed;
use super::*;
use etherparse::{IpFragOffset, IpNumber, Ipv4Header};
use proptest::prelude::*;

/// What the link saw: the bytes captured and the length on the wire.
type Sent = (Vec<u8>, usize);

fn fragments(frame: &[u8], wire_len: usize, mtu: u16) -> Vec<Sent> {
    let mut sent = Vec::new();
    fragment(frame, wire_len, mtu, |frame, wire_len| sent.push((frame.to_vec(), wire_len)));
    sent
}

/// A UDP packet with the given options and data, as a frame.
fn packet(options: &[u8], data: &[u8], offset: u16, more: bool) -> Vec<u8> {
    let mut header = Ipv4Header::new(data.len() as u16, 64, IpNumber::UDP, [10, 24, 1, 5], [172, 16, 1, 20]).unwrap();
    header.identification = 0x1ea0;
    header.dont_fragment = false;
    header.more_fragments = more;
    header.fragment_offset = IpFragOffset::try_new(offset).unwrap();
    header.options = options.try_into().unwrap();
    header.set_payload_len(data.len()).unwrap();
    header.header_checksum = header.calc_header_checksum();
    framed(&[&header.to_bytes(), data].concat())
}

fn numbered(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// Header and data of a fragment as etherparse reads it, after the checks that hold for each: it fits, its checksum is
/// right, its length is told, and what it shares with the others is there.
fn read(sent: &Sent, mtu: u16) -> (Ipv4Header, Vec<u8>) {
    let (frame, wire_len) = sent;
    let (header, data) = Ipv4Header::from_slice(&frame[14..]).unwrap();
    assert!(header.total_len <= mtu.max(68) && *wire_len == 14 + usize::from(header.total_len));
    assert_eq!(header.header_checksum, header.calc_header_checksum());
    assert_eq!((header.identification, header.time_to_live, header.protocol), (0x1ea0, 64, IpNumber::UDP));
    assert_eq!((header.source, header.destination), ([10, 24, 1, 5], [172, 16, 1, 20]));
    (header, data.to_vec())
}

proptest! {
    #[test]
    fn fragments_fit_and_make_the_datagram_again(
        length in 0usize..4000,
        words in 0usize..=10,
        mtu in 68u16..1600,
        offset in 0u16..4000,
        more: bool,
    ) {
        let data = numbered(length);
        // Strict source routes: copied into every fragment.
        let options: Vec<u8> = [137, 4, 4, 0].repeat(words);
        let frame = packet(&options, &data, offset, more);
        let sent = fragments(&frame, frame.len(), mtu);
        let mut at = 0;
        for (number, one) in sent.iter().enumerate() {
            let (header, data_of_one) = read(one, mtu);
            prop_assert_eq!(usize::from(header.fragment_offset.value()), usize::from(offset) + at / 8);
            prop_assert_eq!(&data_of_one[..], &data[at..at + data_of_one.len()]);
            prop_assert_eq!(header.options.as_slice(), &options[..]);
            let last = number + 1 == sent.len();
            prop_assert!(last || data_of_one.len() % 8 == 0);
            // Full up: another 8 bytes would not have fitted.
            prop_assert!(last || usize::from(header.total_len) + 8 > usize::from(mtu));
            prop_assert_eq!(header.more_fragments, !last || more);
            at += data_of_one.len();
        }
        prop_assert_eq!(at, length);
    }

    #[test]
    fn a_cut_frame_gives_the_fragments_of_the_whole_one_as_far_as_it_goes(
        length in 0usize..4000,
        captured in 34usize..4000,
        mtu in 68u16..1600,
    ) {
        let frame = packet(&[], &numbered(length), 0, false);
        let captured = captured.min(frame.len());
        let whole = fragments(&frame, frame.len(), mtu);
        let cut = fragments(&frame[..captured], frame.len(), mtu);
        prop_assert_eq!(whole.len(), cut.len());
        let mut left = captured - 34;
        for ((whole, wire_len), (cut, cut_wire_len)) in whole.iter().zip(&cut) {
            prop_assert_eq!(wire_len, cut_wire_len);
            let share = left.min(whole.len() - 34);
            prop_assert_eq!(&whole[..34 + share], &cut[..]);
            left -= share;
        }
        prop_assert_eq!(left, 0);
    }

    #[test]
    fn no_bytes_stop_the_cutting(
        mut frame in prop::collection::vec(any::<u8>(), 0..200),
        wire_len in 0usize..70000,
        mtu: u16,
    ) {
        let mut count = 0;
        fragment(&frame, wire_len, mtu, |_, _| count += 1);
        prop_assert!(count >= 1);
        if frame.len() > 14 {
            frame[14] = 0x46;
            fragment(&frame, 70000, mtu, |_, _| count += 1);
        }
    }
}

#[test]
fn a_packet_of_the_mtu_stays_whole_without_its_padding_and_one_byte_more_is_cut() {
    let mut fits = packet(&[], &numbered(1480), 0, false);
    let expected = fits.clone();
    fits.extend([0; 4]);
    assert_eq!(fragments(&fits, fits.len(), 1500), [(expected, 1514)]);

    let long = packet(&[], &numbered(1481), 0, false);
    let sent = fragments(&long, long.len(), 1500);
    let lengths: Vec<usize> = sent.iter().map(|(_, wire_len)| *wire_len).collect();
    assert_eq!(lengths, [1514, 35]);
}

#[test]
fn options_without_the_copy_bit_stay_in_the_first_fragment() {
    // Record route (7, not copied), no operation, router alert (148, copied), end of list.
    let options = [7, 7, 4, 0, 0, 0, 0, 1, 148, 4, 0, 0, 0, 0, 0, 0];
    let frame = packet(&options, &numbered(200), 0, false);
    let sent = fragments(&frame, frame.len(), 136);
    let (first, data) = read(&sent[0], 136);
    assert_eq!((first.options.as_slice(), data.len()), (&options[..], 96));
    let (second, data) = read(&sent[1], 136);
    assert_eq!((second.options.as_slice(), data.len()), (&[148, 4, 0, 0][..], 104));
    assert_eq!((sent.len(), second.fragment_offset.value(), second.more_fragments), (2, 12, false));
}

#[test]
fn copying_stops_at_a_malformed_option() {
    for (options, copied) in [
        ([137, 3, 4, 148, 4, 0, 0, 0], &[137, 3, 4, 148, 4, 0, 0, 0][..]),
        ([137, 3, 4, 148, 1, 0, 0, 0], &[137, 3, 4, 0][..]),
        ([137, 3, 4, 148, 6, 0, 0, 0], &[137, 3, 4, 0][..]),
        ([137, 9, 4, 148, 4, 0, 0, 0], &[][..]),
        ([0, 148, 4, 0, 0, 0, 0, 0], &[][..]),
    ] {
        let frame = packet(&options, &numbered(200), 0, false);
        let (second, _) = read(&fragments(&frame, frame.len(), 136)[1], 136);
        assert_eq!(second.options.as_slice(), copied, "{options:?}");
    }
}

#[test]
fn what_lies_past_the_last_offset_is_left_out() {
    let last = fragments(&packet(&[], &numbered(1600), 8_191, false), 1634, 1500);
    let places: Vec<u16> = last.iter().map(|(bytes, _)| word(&bytes[14..], 6).unwrap()).collect();
    assert_eq!(places, [0x3fff], "one fragment, at offset 65,528, with more behind it");
    let within = fragments(&packet(&[], &numbered(1600), 7_500, false), 1634, 1500);
    assert_eq!(within.len(), 2);
}

#[test]
fn an_mtu_below_the_least_still_carries_eight_bytes() {
    let frame = packet(&[], &numbered(20), 0, false);
    let lengths: Vec<usize> = fragments(&frame, frame.len(), 0).iter().map(|(_, wire_len)| *wire_len).collect();
    assert_eq!(lengths, [42, 42, 38]);
    // Without data there is nothing to cut, and nothing may get lost.
    let empty = packet(&[1; 40], &[], 0, false);
    assert_eq!(fragments(&empty, empty.len(), 0), [(empty, 74)]);
}

#[test]
fn lengths_that_are_none_of_an_ipv4_packet_are_not_cut() {
    let good = packet(&[], &numbered(200), 0, false);
    assert_eq!(fragments(&good, good.len(), 100).len(), 3);
    let mut header_length = good.clone();
    header_length[14] = 0x44;
    let mut total_length = good.clone();
    total_length[17] += 1;
    for frame in [header_length, total_length, good[..33].to_vec()] {
        let wire_len = good.len();
        assert_eq!(fragments(&frame, wire_len, 100), [(frame, wire_len)]);
    }
}
