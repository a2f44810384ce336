//! TCP connections: sequence and acknowledgment numbers, handshake and teardown.

use super::packets::{Segment, socket, tcp};
use super::tap::Tap;
use std::net::SocketAddrV4;

/// The time a packet takes from one end to the other, in microseconds.
const ONE_WAY: u64 = 210;

/// What a full segment carries.
const MAXIMUM_SEGMENT: usize = 1460;

/// One end of a connection.
struct End {
    at: SocketAddrV4,
    /// Sequence number of its next byte.
    next: u32,
    window: u16,
}

/// A connection being captured.
pub(crate) struct Tcp<'t> {
    tap: &'t mut Tap,
    /// The client and the server.
    ends: [End; 2],
    /// Bytes of payload in a full segment.
    segment: usize,
}

/// Which end sends.
#[derive(Clone, Copy)]
enum Side {
    Client,
    Server,
}

impl<'t> Tcp<'t> {
    /// A connection that was opened before the capture began.
    pub(crate) fn resume(tap: &'t mut Tap, client: &str, server: &str) -> Tcp<'t> {
        let mut end = |text, window| End { at: socket(text), next: tap.random(1 << 32) as u32, window };
        let ends = [end(client, 502), end(server, 509)];
        Tcp { tap, ends, segment: MAXIMUM_SEGMENT }
    }

    /// A connection, with its handshake.
    pub(crate) fn open(tap: &'t mut Tap, client: &str, server: &str) -> Tcp<'t> {
        let mut tcp = Tcp::resume(tap, client, server);
        tcp.ends[0].window = 29_200;
        tcp.ends[1].window = 28_960;
        tcp.send(Side::Client, "S", &[]);
        tcp.tap.pause(2 * ONE_WAY);
        tcp.send(Side::Server, "SA", &[]);
        tcp.ends[0].window = 229;
        tcp.ends[1].window = 227;
        tcp.tap.pause(30);
        tcp.send(Side::Client, "A", &[]);
        tcp.tap.pause(80);
        tcp
    }

    /// A connection that is refused silently: the SYN and its two repetitions, after one and two more seconds.
    pub(crate) fn open_in_vain(tap: &'t mut Tap, client: &str, server: &str) {
        let mut tcp = Tcp::resume(tap, client, server);
        tcp.ends[0].window = 29_200;
        for wait in [1_000_000, 2_000_000, 400_000] {
            tcp.send(Side::Client, "S", &[]);
            tcp.ends[0].next = tcp.ends[0].next.wrapping_sub(1);
            tcp.tap.pause(wait);
        }
    }

    /// A connection whose SYN+ACK is lost: the server repeats it, and so does the client its SYN.
    pub(crate) fn answered_in_vain(tap: &'t mut Tap, client: &str, server: &str) {
        let mut tcp = Tcp::resume(tap, client, server);
        (tcp.ends[0].window, tcp.ends[1].window) = (29_200, 28_960);
        for wait in [1_000_000, 2_000_000] {
            for from in [Side::Client, Side::Server] {
                tcp.send(from, if matches!(from, Side::Client) { "S" } else { "SA" }, &[]);
                tcp.tap.pause(40);
            }
            for end in &mut tcp.ends {
                end.next = end.next.wrapping_sub(1);
            }
            tcp.tap.pause(wait);
        }
    }

    /// Lets about `micros` pass.
    pub(crate) fn think(&mut self, micros: u64) -> &mut Self {
        self.tap.pause(micros);
        self
    }

    /// Lets exactly `seconds` pass since the last frame.
    pub(crate) fn rest(&mut self, seconds: u64) -> &mut Self {
        self.tap.rest(seconds);
        self
    }

    /// How many bytes a full segment carries from here on: more than the wire holds where the sender leaves the
    /// cutting to its NIC.
    pub(crate) fn segment_size(&mut self, bytes: usize) -> &mut Self {
        self.segment = bytes;
        self
    }

    /// The client sends `bytes`, and the server acknowledges them.
    pub(crate) fn ask(&mut self, bytes: &[u8]) -> &mut Self {
        self.data(Side::Client, bytes, true)
    }

    /// The server sends `bytes`, and the client acknowledges them.
    pub(crate) fn answer(&mut self, bytes: &[u8]) -> &mut Self {
        self.data(Side::Server, bytes, true)
    }

    /// The client sends `bytes`, and the answer to them acknowledges them.
    pub(crate) fn ask_only(&mut self, bytes: &[u8]) -> &mut Self {
        self.data(Side::Client, bytes, false)
    }

    /// The server sends `bytes`, and the client's next words acknowledge them.
    pub(crate) fn answer_only(&mut self, bytes: &[u8]) -> &mut Self {
        self.data(Side::Server, bytes, false)
    }

    fn data(&mut self, from: Side, bytes: &[u8], acknowledged: bool) -> &mut Self {
        let segments = bytes.chunks(self.segment);
        let count = segments.len();
        for (index, segment) in segments.enumerate() {
            let last = index + 1 == count;
            self.send(from, if last { "PA" } else { "A" }, segment);
            self.tap.pause(14);
            if acknowledged && (last || index % 2 == 1) {
                self.tap.pause(ONE_WAY);
                self.send(from.other(), "A", &[]);
                self.tap.pause(25);
            }
        }
        self.tap.pause(ONE_WAY);
        self
    }

    /// The client ends the connection, and the server does.
    pub(crate) fn close(&mut self) {
        self.end(Side::Client);
    }

    /// The server ends the connection, and the client does.
    pub(crate) fn close_by_server(&mut self) {
        self.end(Side::Server);
    }

    fn end(&mut self, first: Side) {
        self.send(first, "FA", &[]);
        self.tap.pause(2 * ONE_WAY);
        self.send(first.other(), "FA", &[]);
        self.tap.pause(35);
        self.send(first, "A", &[]);
    }

    /// The server will send its last `back` bytes once more.
    pub(crate) fn step_back_server(&mut self, back: usize) -> &mut Self {
        self.ends[1].next = self.ends[1].next.wrapping_sub(back as u32);
        self
    }

    fn send(&mut self, from: Side, flags: &str, payload: &[u8]) {
        let (own, peer) = (from as usize, from.other() as usize);
        let (source, destination) = (self.ends[own].at, self.ends[peer].at);
        let acknowledgment = if flags.contains('A') { self.ends[peer].next } else { 0 };
        let (sequence, window) = (self.ends[own].next, self.ends[own].window);
        tcp(self.tap, &Segment { source, destination, sequence, acknowledgment, flags, window, payload });
        let counted = payload.len() as u32 + u32::from(flags.contains(['S', 'F']));
        self.ends[own].next = sequence.wrapping_add(counted);
    }

    /// The capture, for what goes by beside the connection.
    pub(crate) fn tap(&mut self) -> &mut Tap {
        self.tap
    }

    /// The first 28 bytes of the last packet, from its IPv4 header on: what an ICMP error quotes.
    pub(crate) fn last_packet(&self) -> Vec<u8> {
        self.tap.records.last().expect("a segment was sent").bytes[14..14 + 28].to_vec()
    }
}

impl Side {
    fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}
