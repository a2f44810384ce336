//! The checksum of IPv4, TCP, UDP and ICMP: RFC 1071, updated in place by RFC 1624.

/// The complement of the ones' complement sum of `bytes` taken as 16-bit words in network order; an odd last byte is
/// the high half of a word. Over bytes that hold a right checksum the result is 0.
pub fn internet_checksum(bytes: &[u8]) -> u16 {
    // Carries come back round, so that words of 32 bits sum up to the same; 2^32 of them fit.
    let mut sum = 0u64;
    let mut words = bytes.chunks_exact(4);
    for word in &mut words {
        sum += u64::from(u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
    }
    let mut last = [0; 4];
    last[..words.remainder().len()].copy_from_slice(words.remainder());
    sum += u64::from(u32::from_be_bytes(last));
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The checksum after one 16-bit word under it changed from `old_word` to `new_word`: RFC 1624, equation 3.
///
/// A wrong checksum stays wrong by the same amount. Ones' complement has two zeros: a stored 0xffff (what no sender
/// computes over a header) may come back as 0x0000, which verifies alike.
#[inline]
pub fn adjust(checksum: u16, old_word: u16, new_word: u16) -> u16 {
    let sum = u32::from(!checksum) + u32::from(!old_word) + u32::from(new_word);
    // Three words make a carry of at most 2, so that two folds do.
    let sum = (sum & 0xffff) + (sum >> 16);
    !(((sum & 0xffff) + (sum >> 16)) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_rfc_1071_has_its_sum_and_one_changed_byte_another() {
        // RFC 1071, section 3: the sum is ddf2.
        assert_eq!(internet_checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        assert_eq!(internet_checksum(&[0x00, 0x02, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf3);
        assert_eq!(internet_checksum(&[]), 0xffff);
        assert_eq!(internet_checksum(&[0x12]), !0x1200);
    }

    #[test]
    fn the_example_of_rfc_1624_gives_zero_where_the_older_equation_gave_all_ones() {
        // RFC 1624, section 4.
        assert_eq!(adjust(0xdd2f, 0x5555, 0x3285), 0x0000);
        assert_eq!(adjust(0xdd2f, 0x5555, 0x5555), 0xdd2f);
    }

    proptest! {
        #[test]
        fn an_updated_checksum_is_the_one_computed_afresh(
            mut words in prop::collection::vec(any::<u16>(), 1..30),
            at: prop::sample::Index,
            new: u16,
        ) {
            // A first word that is not 0, as every IPv4 header has one.
            words.insert(0, 0x4500);
            let bytes = |words: &[u16]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>();
            let old_checksum = internet_checksum(&bytes(&words));
            let at = 1 + at.index(words.len() - 1);
            let old = std::mem::replace(&mut words[at], new);
            prop_assert_eq!(adjust(old_checksum, old, new), internet_checksum(&bytes(&words)));
        }

        #[test]
        fn the_sum_is_etherparses(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let sum = etherparse::checksum::Sum16BitWords::new().add_slice(&bytes).ones_complement();
            prop_assert_eq!(internet_checksum(&bytes), u16::from_be(sum));
        }

        #[test]
        fn a_wrong_checksum_stays_wrong(checksum in 0u16..0xffff, error in 1u16..0xffff, old: u16, new: u16) {
            let wrong = ((u32::from(checksum) + u32::from(error)) % 0xffff) as u16;
            prop_assert_ne!(adjust(wrong, old, new) % 0xffff, adjust(checksum, old, new) % 0xffff);
        }
    }
}
