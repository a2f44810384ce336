//! Captures merged by their stamps, held against a merge that looks at all records again for each one.

use crate::capture::{Batch, CaptureFile, CaptureRange, Captures, LinkType, PcapWriter, Precision, Reader};
use crate::time::SimTime;
use proptest::prelude::*;
use std::path::PathBuf;

/// A record: its capture, its number there, and its stamp.
type Place = (usize, u64, u64);

/// The captures of records with these stamps; each frame says whose it is.
fn captures(stamps: &[Vec<u64>], cut: Option<usize>) -> Captures {
    let bytes = |(capture, stamps): (usize, &Vec<u64>)| {
        let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).unwrap();
        for (number, stamp) in (1_u64..).zip(stamps) {
            let frame = [&[0; 14][..], &(capture as u64).to_be_bytes(), &number.to_be_bytes()].concat();
            writer.write_record(SimTime::from_nanos(*stamp), &frame, 60).unwrap();
        }
        let mut bytes = writer.finish().unwrap();
        if cut == Some(capture) {
            bytes.pop();
        }
        bytes
    };
    let all: Vec<Vec<u8>> = stamps.iter().enumerate().map(bytes).collect();
    let files =
        (0..stamps.len()).map(|index| CaptureFile { path: PathBuf::from(index.to_string()), is_of_folder: false });
    let open = move |path: &std::path::Path| {
        let index: usize = path.to_str().unwrap().parse().unwrap();
        Reader::from_bytes(path.to_str().unwrap(), all[index].clone().into())
    };
    Captures::open(files.collect(), Box::new(open)).unwrap().merged()
}

/// Reads all records, `at_once` at a time: where each is from by what it says itself, and how many captures were damaged.
fn read(captures: &mut Captures, at_once: usize) -> (Vec<Place>, usize) {
    let (mut places, mut damaged) = (Vec::new(), 0);
    let mut batch = Batch::new();
    loop {
        let mut in_batch = 0;
        let read = captures.next_records(&mut batch, |batch, record, origin| {
            in_batch += 1;
            let bytes = batch.bytes(record);
            let word = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap());
            assert_eq!((word(14), word(22)), (origin.capture as u64, origin.number));
            assert_eq!((record.number, record.wire_len), (places.len() as u64 + 1, 60));
            places.push((origin.capture, origin.number, record.time.as_nanos()));
            in_batch == at_once
        });
        match read {
            Ok(0) => match captures.advance() {
                Ok(true) => {}
                Ok(false) => return (places, damaged),
                Err(error) => panic!("{error}"),
            },
            Ok(count) => assert_eq!(count, in_batch),
            Err(_) => {
                damaged += 1;
                if !captures.more_follow() {
                    return (places, damaged);
                }
            }
        }
    }
}

/// The lowest stamp among those that are next, of equal ones the first capture's, again and again.
fn expected(stamps: &[Vec<u64>]) -> Vec<Place> {
    let mut next = vec![0; stamps.len()];
    let mut places = Vec::new();
    loop {
        let heads = stamps.iter().enumerate().filter_map(|(capture, of)| Some((*of.get(next[capture])?, capture)));
        let Some((stamp, capture)) = heads.min() else { return places };
        next[capture] += 1;
        places.push((capture, next[capture] as u64, stamp));
    }
}

proptest! {
    #[test]
    fn the_lowest_stamp_goes_first_and_a_late_record_stays_behind_its_own_capture(
        mut stamps in prop::collection::vec(prop::collection::vec(0_u64..50, 0..200), 2..6),
        sorted in any::<bool>(),
        at_once in 1_usize..100,
    ) {
        if sorted {
            stamps.iter_mut().for_each(|of| of.sort_unstable());
        }
        let mut merged = captures(&stamps, None);
        let (places, damaged) = read(&mut merged, at_once);
        prop_assert_eq!(&places, &expected(&stamps));
        prop_assert_eq!(damaged, 0);
        let late = |of: &Vec<u64>| (1..of.len()).filter(|at| of[..*at].iter().any(|stamp| stamp > &of[*at])).count() as u64;
        let told: Vec<_> = merged.ranges().into_iter().map(|range| (range.before, range.records, range.late)).collect();
        let counted: Vec<_> = stamps.iter().map(|of| (None, of.len() as u64, late(of))).collect();
        prop_assert_eq!(told, counted);
        if sorted {
            prop_assert!(places.is_sorted_by_key(|place| place.2));
        }
    }
}

#[test]
fn damage_ends_its_own_capture_and_the_others_go_on() {
    let stamps = [vec![1, 4, 7], vec![2, 5, 8], vec![3, 6, 9]];
    let (places, damaged) = read(&mut captures(&stamps, Some(1)), 10);
    assert_eq!((places.iter().map(|place| place.2).collect::<Vec<_>>(), damaged), (vec![1, 2, 3, 4, 5, 6, 7, 9], 1));
}

#[test]
fn one_capture_alone_stays_as_it_is() {
    let mut one = captures(&[vec![5, 1, 3]], None);
    let (places, _) = read(&mut one, 10);
    assert_eq!(places.iter().map(|place| place.2).collect::<Vec<_>>(), [5, 1, 3]);
    let ranges: Vec<CaptureRange> = one.ranges();
    assert_eq!((ranges[0].before, ranges[0].late), (Some(0), 0));
}

#[test]
fn more_captures_than_can_be_open_are_refused() {
    let mut many = captures(&vec![vec![1]; 513], None);
    let error = many.advance().unwrap_err().to_string();
    assert_eq!(error, "the captures: more than 512, and --merge opens all of them at once: merge some of them first");
    assert!(!many.more_follow());
}
