//! The place where a capture is taken: a clock, and the frames that went by.

use biplane::time::SimTime;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// A Tuesday, shortly after nine in Hangzhou: 2020-05-12 01:05:00 UTC, in microseconds.
const START: u64 = 1_589_245_500_000_000;

/// The MAC address that instances know their gateway by.
pub(crate) const GATEWAY_MAC: [u8; 6] = [0xee, 0xff, 0xff, 0xff, 0xff, 0xff];

/// A frame that went by.
pub(crate) struct Record {
    pub(crate) time: SimTime,
    /// In captures of several interfaces: which one saw it.
    pub(crate) interface: u32,
    pub(crate) bytes: Vec<u8>,
}

/// What a capture has seen so far.
pub(crate) struct Tap {
    pub(crate) records: Vec<Record>,
    /// The interface that sees the next frames.
    pub(crate) interface: u32,
    /// The host that the capture is taken at: its own frames have not been routed yet.
    at: Ipv4Addr,
    micros: u64,
    /// State of the jitter: every capture has its own.
    noise: u64,
    identifications: BTreeMap<Ipv4Addr, u16>,
}

impl Tap {
    /// A capture taken at the host `at`. `name` seeds its jitter.
    pub(crate) fn new(name: &str, at: &str) -> Tap {
        let noise = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Tap {
            records: Vec::new(),
            interface: 0,
            at: address(at),
            micros: START,
            noise,
            identifications: BTreeMap::new(),
        }
    }

    /// Goes on at another host.
    pub(crate) fn move_to(&mut self, at: &str) {
        self.at = address(at);
    }

    /// A number below `below` that depends on what came before.
    pub(crate) fn random(&mut self, below: u64) -> u64 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        (self.noise >> 11) % below
    }

    /// Lets about `micros` pass: up to a quarter more.
    pub(crate) fn pause(&mut self, micros: u64) {
        self.micros += micros + self.random(micros / 4 + 1);
    }

    /// Lets exactly `seconds` pass since the last frame.
    pub(crate) fn rest(&mut self, seconds: u64) {
        self.micros += seconds * 1_000_000;
    }

    /// A frame goes by now.
    pub(crate) fn see(&mut self, bytes: Vec<u8>) {
        let time = SimTime::from_nanos(self.micros * 1000);
        self.records.push(Record { time, interface: self.interface, bytes });
    }

    /// The identification of the next packet that `source` sends.
    pub(crate) fn identification(&mut self, source: Ipv4Addr) -> u16 {
        let [.., c, d] = source.octets();
        let next = self.identifications.entry(source).or_insert(u16::from_be_bytes([c ^ 0x5a, d ^ 0xc3]));
        *next = next.wrapping_add(1);
        *next
    }

    /// The TTL that a packet of `source` has here: those of the far end were routed by two planes.
    pub(crate) fn ttl(&self, source: Ipv4Addr) -> u8 {
        if source == self.at { 64 } else { 62 }
    }

    /// Source and destination MAC addresses of a packet of `source` here.
    pub(crate) fn macs(&self, source: Ipv4Addr) -> ([u8; 6], [u8; 6]) {
        if source == self.at { (mac(source), GATEWAY_MAC) } else { (GATEWAY_MAC, mac(self.at)) }
    }
}

/// The MAC address of a host.
pub(crate) fn mac(address: Ipv4Addr) -> [u8; 6] {
    let [_, b, c, d] = address.octets();
    [0x00, 0x16, 0x3e, b, c, d]
}

/// The address in `text`.
pub(crate) fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap_or_else(|_| panic!("no address: {text}"))
}
