//! Link headers: packets of every link type become Ethernet frames, or are counted.

use super::capture;
use super::input::Input;
use biplane::capture::{LinkType, PcapWriter, Precision};
use biplane::time::SimTime;

/// Those that are read, and one that is not.
const LINK_TYPES: [u16; 29] = [
    0, 1, 9, 12, 14, 50, 51, 100, 101, 104, 105, 107, 108, 113, 119, 127, 163, 166, 192, 204, 205, 206, 219, 228, 229,
    239, 258, 276, 147,
];

/// The first byte chooses the link type, the second how much more was on the wire; packets follow, each behind its
/// length.
pub(crate) fn become_ethernet(data: &[u8]) {
    let mut input = Input::new(data);
    let link_type = LinkType(*input.pick(&LINK_TYPES));
    let more = u32::from(input.byte());
    let mut writer = PcapWriter::new(Vec::new(), link_type, Precision::Nanos).expect("memory can be written to");
    while !input.is_empty() {
        let length = usize::from(input.byte());
        let packet = input.take(length);
        let wire_len = packet.len() as u32 + more;
        writer.write_record(SimTime::from_nanos(7), packet, wire_len).expect("memory can be written to");
    }
    capture::read_alike_in_any_pieces(&writer.finish().expect("memory can be written to"));
}
