//! Interfaces of a capture, and the clocks their packets are stamped by.

use super::error::CaptureProblem;
use super::link::LinkType;
use crate::time::SimTime;
use std::collections::HashMap;

/// The most interfaces that a section of a pcapng may describe. One counts once more for every `NAME_UNIT` bytes of
/// its name.
pub const MAX_INTERFACES: u32 = 65_536;

/// The most different interfaces that a file may describe in all its sections.
const MAX_DIFFERENT: u32 = 4 * MAX_INTERFACES;

const NAME_UNIT: usize = 256;

/// An interface that packets of a capture were taken from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Interface {
    /// Its name, where the capture tells one; plain pcap never does.
    pub name: Option<String>,
    /// Link type of its packets in the file; frames are handed out as Ethernet.
    pub link_type: LinkType,
    /// The most that was captured of a packet, in bytes; 0 for no limit. What the file says, not a promise.
    pub snaplen: u32,
}

impl Interface {
    fn weight(&self) -> u32 {
        1 + (self.name.as_ref().map_or(0, String::len) / NAME_UNIT) as u32
    }
}

/// The interfaces of a capture, each once: the sections of captures put together often describe the same ones, so that
/// a file's memory does not grow with them.
#[derive(Default)]
pub(super) struct InterfaceTable {
    list: Vec<Interface>,
    /// By place in the section and description.
    known: HashMap<(u32, Interface), u32>,
    weight: u32,
    /// What the interfaces of the current section weigh, and how many they are.
    section: (u32, u32),
}

impl InterfaceTable {
    /// Those met so far.
    pub(super) fn list(&self) -> &[Interface] {
        &self.list
    }

    /// Begins a section, or a file behind another one.
    pub(super) fn begin_section(&mut self) {
        self.section = (0, 0);
    }

    /// The index of the section's next interface.
    pub(super) fn add(&mut self, interface: Interface) -> Result<u32, CaptureProblem> {
        let weight = interface.weight();
        let (section, place) = self.section;
        if section + weight > MAX_INTERFACES {
            return Err(CaptureProblem::TooManyInterfaces { limit: MAX_INTERFACES, of: "a section" });
        }
        self.section = (section + weight, place + 1);
        let key = (place, interface);
        if let Some(index) = self.known.get(&key) {
            return Ok(*index);
        }
        if self.weight + weight > MAX_DIFFERENT {
            return Err(CaptureProblem::TooManyInterfaces { limit: MAX_DIFFERENT, of: "all sections" });
        }
        self.weight += weight;
        let index = self.list.len() as u32;
        self.list.push(key.1.clone());
        self.known.insert(key, index);
        Ok(index)
    }
}

/// The unit and the start of a pcapng interface's stamps (`if_tsresol`, `if_tsoffset`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InterfaceClock {
    pub(super) resolution: Resolution,
    /// Seconds to add to every stamp.
    pub(super) offset: i64,
}

/// Length of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    /// A tick is this many nanoseconds.
    Nanos(u64),
    /// A nanosecond is this many ticks.
    PerNano(u64),
    /// A second is two to this power of ticks.
    Binary(u32),
}

impl Resolution {
    /// The resolution that the byte of `if_tsresol` means: a negative power of 10, or of 2 with the top bit set.
    pub(super) const fn from_option(value: u8) -> Resolution {
        let exponent = (value & 0x7f) as u32;
        if value & 0x80 != 0 {
            return Resolution::Binary(exponent);
        }
        if exponent <= 9 {
            return Resolution::Nanos(10_u64.pow(9 - exponent));
        }
        match 10_u64.checked_pow(exponent - 9) {
            Some(ticks) => Resolution::PerNano(ticks),
            // No stamp has so many ticks that a nanosecond would come of it; nor of these.
            None => Resolution::Binary(127),
        }
    }
}

impl InterfaceClock {
    /// Microseconds since 1970, unless the interface says otherwise.
    pub(super) const DEFAULT: InterfaceClock = InterfaceClock { resolution: Resolution::Nanos(1000), offset: 0 };

    /// The time that a stamp of `ticks` means; what lies before 1970 or past the end of the clock saturates.
    #[inline]
    pub(super) fn time(&self, ticks: u64) -> SimTime {
        // At most 2^64 ticks of 10^9 ns, and as much again for the offset: far below 2^127.
        let nanos = match self.resolution {
            Resolution::Nanos(nanos) => u128::from(ticks) * u128::from(nanos),
            Resolution::PerNano(per_nano) => u128::from(ticks / per_nano),
            Resolution::Binary(exponent) => (u128::from(ticks) * 1_000_000_000) >> exponent,
        };
        let nanos = nanos.cast_signed() + i128::from(self.offset) * 1_000_000_000;
        SimTime::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(option: u8, offset: i64, ticks: u64) -> u64 {
        InterfaceClock { resolution: Resolution::from_option(option), offset }.time(ticks).as_nanos()
    }

    #[test]
    fn powers_of_ten_from_seconds_to_attoseconds_become_nanoseconds() {
        assert_eq!(nanos(0, 0, 7), 7_000_000_000);
        assert_eq!(nanos(3, 0, 7), 7_000_000);
        assert_eq!(nanos(6, 0, 1_500_000), 1_500_000_000);
        assert_eq!(nanos(9, 0, 1_500_000_001), 1_500_000_001);
        assert_eq!(nanos(12, 0, 1_999), 1);
        assert_eq!(nanos(18, 0, u64::MAX), 18_446_744_073);
        assert_eq!(nanos(28, 0, u64::MAX), 1);
        assert_eq!(nanos(29, 0, u64::MAX), 0);
        assert_eq!(nanos(127, 0, u64::MAX), 0);
    }

    #[test]
    fn powers_of_two_become_nanoseconds_without_losing_a_bit_on_the_way() {
        assert_eq!(nanos(0x80, 0, 7), 7_000_000_000);
        assert_eq!(nanos(0x80 | 10, 0, 1536), 1_500_000_000);
        assert_eq!(nanos(0x80 | 32, 0, (1_500_000_000 << 32) | (1 << 31)), 1_500_000_000_500_000_000);
        assert_eq!(nanos(0x80 | 64, 0, u64::MAX), 999_999_999);
        assert_eq!(nanos(0xff, 0, u64::MAX), 0);
    }

    #[test]
    fn offsets_shift_by_seconds_and_saturate_at_both_ends() {
        assert_eq!(nanos(6, 10, 1), 10_000_001_000);
        assert_eq!(nanos(6, -10, 10_000_001), 1000);
        assert_eq!(nanos(6, -10, 1), 0);
        assert_eq!(nanos(0, i64::MIN, u64::MAX), u64::MAX);
        assert_eq!(nanos(0, i64::MAX, u64::MAX), u64::MAX);
        assert_eq!(nanos(0, i64::MIN, 1), 0);
    }
}
