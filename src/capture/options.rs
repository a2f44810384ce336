//! Options of pcapng blocks; of packets: which way a packet passed, and its comments.

use super::order::ByteOrder;

const OPT_COMMENT: u16 = 1;
const EPB_FLAGS: u16 = 2;
#[cfg(feature = "cli")]
const EPB_PACKETID: u16 = 5;
const EPB_QUEUE: u16 = 6;

/// The option of a packet that says where it stood before it was put into another capture: the number of its capture (4
/// bytes, little endian) and its number there (8). The first half of the codes is the format's, the second everyone's own.
pub(super) const EPB_TAKEN_FROM: u16 = 0x8b01;
pub(super) const EPB_SENT: u16 = 0x8b02;

/// How the comment to search for begins that an output capture has in every packet; the one to read follows it.
const OWN_COMMENT: &[u8] = b"biplane: ";

/// The options of one block, in the byte order of its section.
#[derive(Clone, Copy)]
pub(super) struct BlockOptions<'a> {
    pub(super) order: ByteOrder,
    pub(super) bytes: &'a [u8],
}

/// What the options of a packet say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    /// The two bits of the direction: 1 is inbound, 2 outbound.
    pub(super) direction: u32,
    /// True where this program wrote one of the comments.
    pub(super) is_annotated: bool,
    /// True where there is a comment that this program did not write.
    pub(super) has_comments: bool,
    /// True where the packet is from a queue.
    pub(super) has_queue: bool,
}

/// What a packet says of itself that was put into a capture with others of its queue.
#[cfg(feature = "cli")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PacketLabel {
    /// The number that copies of one packet share.
    pub(crate) packet_id: u64,
    /// The queue.
    pub(crate) queue: u32,
    /// Which capture it was taken from, and its number there.
    pub(crate) taken_from: Option<(u32, u64)>,
    /// When it left its sender, in nanoseconds.
    pub(crate) sent: Option<u64>,
}

impl<'a> BlockOptions<'a> {
    /// All of them, read once.
    pub(super) fn summary(self) -> Summary {
        let mut summary = Summary::default();
        for (code, value) in self.iter() {
            match (code, value) {
                (EPB_FLAGS, &[a, b, c, d]) => summary.direction = self.order.u32([a, b, c, d]) & 3,
                (OPT_COMMENT, comment) if comment.starts_with(OWN_COMMENT) => summary.is_annotated = true,
                // That an earlier annotation may end here is seen by readers of the comments.
                (OPT_COMMENT, _) => summary.has_comments = true,
                (EPB_QUEUE, _) => summary.has_queue = true,
                _ => {}
            }
        }
        summary
    }

    /// The comments, but for the two of an earlier annotation: what is written about the packet now replaces them.
    pub(super) fn comments(self) -> impl Iterator<Item = &'a [u8]> {
        let mut follows_own = false;
        self.all_comments().filter(move |comment| {
            let is_own = comment.starts_with(OWN_COMMENT);
            let is_kept = !is_own && !follows_own;
            follows_own = is_own;
            is_kept
        })
    }

    /// What the packet says of itself, where it has a number and a queue.
    #[cfg(feature = "cli")]
    pub(super) fn label(self) -> Option<PacketLabel> {
        let order = self.order;
        let packet_id = self.value(EPB_PACKETID)?.try_into().ok().map(|bytes| order.u64(bytes))?;
        let queue = self.value(EPB_QUEUE)?.try_into().ok().map(|bytes| order.u32(bytes))?;
        let taken_from = self.value(EPB_TAKEN_FROM).and_then(|value| {
            let (capture, number) = value.split_first_chunk()?;
            Some((u32::from_le_bytes(*capture), u64::from_le_bytes(number.try_into().ok()?)))
        });
        let sent = self.value(EPB_SENT).and_then(|value| value.try_into().ok()).map(u64::from_le_bytes);
        Some(PacketLabel { packet_id, queue, taken_from, sent })
    }

    /// All comments.
    pub(super) fn all_comments(self) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(|(code, _)| *code == OPT_COMMENT).map(|(_, comment)| comment)
    }

    /// The value of the first option with this code.
    pub(super) fn value(self, code: u16) -> Option<&'a [u8]> {
        self.iter().find(|(found, _)| *found == code).map(|(_, value)| value)
    }

    /// Codes and values up to the end, or to what is no option.
    fn iter(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let BlockOptions { order, bytes: mut rest } = self;
        std::iter::from_fn(move || {
            let (&[c0, c1, n0, n1], tail) = rest.split_first_chunk()?;
            let (code, length) = (order.u16([c0, c1]), usize::from(order.u16([n0, n1])));
            let value = tail.get(..length).filter(|_| code != 0)?;
            rest = tail.get(length.next_multiple_of(4)..).unwrap_or_default();
            Some((code, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(list: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (code, value) in list {
            bytes.extend(code.to_be_bytes());
            bytes.extend((value.len() as u16).to_be_bytes());
            bytes.extend_from_slice(value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    fn of(bytes: &[u8]) -> BlockOptions<'_> {
        BlockOptions { order: ByteOrder::Big, bytes }
    }

    #[test]
    fn an_earlier_annotation_is_told_apart_from_what_stood_there_before() {
        let bytes = options(&[
            (1, b"mine"),
            (1, b"biplane: verdict=answered from=web-1"),
            (1, b"frame 1 from web-1: answered by the fabric"),
            (1, b"added behind"),
            (2, &[0, 0, 0, 2]),
        ]);
        assert_eq!(
            of(&bytes).summary(),
            Summary { direction: 2, is_annotated: true, has_comments: true, has_queue: false }
        );
        assert_eq!(of(&bytes).comments().collect::<Vec<_>>(), [b"mine" as &[u8], b"added behind"]);
    }

    #[test]
    fn options_that_are_cut_or_ended_are_read_as_far_as_they_go() {
        let whole = options(&[(1, b"first"), (0, b""), (1, b"behind the end")]);
        assert_eq!(of(&whole).comments().collect::<Vec<_>>(), [b"first"]);
        for length in 0..whole.len() {
            assert_eq!(of(&whole[..length]).comments().count(), usize::from(length >= 9), "{length}");
        }
    }
}
