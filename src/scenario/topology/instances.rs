//! Instances, of which a file may have a million: several threads read them.

use super::objects::{Objects, Pending};
use super::references::Kind;
use crate::model::{Instance, Table};
use std::ops::Range;

/// More threads than this would mostly hold memory.
const MOST_THREADS: usize = 8;

/// Instances that are worth starting a thread for, and how many a thread reads before they are put into the world.
const SHARE: usize = 8_192;

impl Objects<'_, '_, '_> {
    /// Decodes all instances. Where one of many has a mistake, all are read again one after the other, so that what is
    /// said about them does not depend on the number of threads.
    pub(super) fn instances(&mut self, keys: &[&str]) {
        let count = self.declared.count(Kind::Instance);
        if count > 2 * SHARE && self.instances_side_by_side(keys, count).is_some() {
            return;
        }
        self.world.instances = Table::default();
        self.each(Kind::Instance, keys, |objects, id, fields| {
            let instance = objects.instance(id, fields)?;
            objects.world.instances.insert(instance).ok().map(drop)
        });
    }

    /// `None` where an instance has a mistake.
    fn instances_side_by_side(&mut self, keys: &[&str], count: usize) -> Option<()> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        for round in (0..count).step_by(threads * SHARE) {
            let objects = &*self;
            let shares = (0..threads).map(|thread| round + thread * SHARE..round + (thread + 1) * SHARE);
            let read: Vec<_> = std::thread::scope(|scope| {
                let readers: Vec<_> =
                    shares.map(|share| scope.spawn(move || objects.share_of_instances(keys, share))).collect();
                readers.into_iter().map(|reader| reader.join().expect("a reader does not panic")).collect()
            });
            for share in read {
                for instance in share? {
                    self.world.instances.insert(instance).ok()?;
                }
            }
        }
        Some(())
    }

    /// The instances at some positions; `None` where one has a mistake.
    fn share_of_instances(&self, keys: &[&str], positions: Range<usize>) -> Option<Vec<Instance>> {
        let mut decoder = self.decoder.another();
        let mut reader = Objects {
            decoder: &mut decoder,
            declared: self.declared,
            world: self.world.clone(),
            pending: Pending::default(),
            texts: self.texts.clone(),
        };
        let mut read = Vec::with_capacity(positions.len());
        reader.each_of(Kind::Instance, positions, keys, |reader, id, fields| {
            read.push(reader.instance(id, fields)?);
            Some(())
        });
        decoder.found_nothing().then_some(read)
    }
}
