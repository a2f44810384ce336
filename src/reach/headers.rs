//! Sets of headers: which protocols, with which ports.

use crate::net::Protocol;
use std::fmt::Write;

/// The ports from one to another, both inside.
pub type Ports = (u16, u16);

/// Every port.
pub const ALL_PORTS: Ports = (0, u16::MAX);

/// Protocols that nothing in the worlds in question tells apart. TCP and UDP are the first two and have ports; the last
/// class holds all protocols that no rule names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtocolClasses(Vec<Vec<Protocol>>);

impl ProtocolClasses {
    /// TCP, UDP, ICMP, each of `named`, and the rest.
    pub fn new(named: impl IntoIterator<Item = Protocol>) -> ProtocolClasses {
        let mut known: Vec<Protocol> = named.into_iter().filter(|protocol| !FIRST.contains(protocol)).collect();
        known.sort_unstable();
        known.dedup();
        known.splice(0..0, FIRST);
        let rest: Vec<Protocol> = (0..=u8::MAX).map(Protocol).filter(|protocol| !known.contains(protocol)).collect();
        let mut classes: Vec<Vec<Protocol>> = known.into_iter().map(|protocol| vec![protocol]).collect();
        classes.extend((!rest.is_empty()).then_some(rest));
        ProtocolClasses(classes)
    }

    /// The number of classes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never true.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The class of `protocol`.
    pub fn of(&self, protocol: Protocol) -> usize {
        self.0.iter().position(|class| class.contains(&protocol)).unwrap_or(0)
    }

    /// A protocol of a class, which stands for all of it.
    pub fn representative(&self, class: usize) -> Protocol {
        self.0[class][0]
    }

    /// What people call a class.
    fn name(&self, class: usize) -> String {
        match &self.0[class][..] {
            [one] => one.to_string(),
            _ => "other protocols".to_owned(),
        }
    }
}

const FIRST: [Protocol; 3] = [Protocol::TCP, Protocol::UDP, Protocol::ICMP];

/// Source ports beside the destination ports that belong to all of them, ascending, with a gap between each and the next.
type PortSlab = (Ports, Vec<Ports>);

/// A set of headers. Two sets of the same headers are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeaderSet {
    /// By class of protocols, ascending; none of a class without headers. Slabs ascend, and neighbours that touch differ.
    by_protocol: Vec<(u16, Vec<PortSlab>)>,
}

/// One header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HeaderPoint {
    /// The protocol.
    pub protocol: Protocol,
    /// Source and destination port; 0 where the protocol has none.
    pub ports: [u16; 2],
}

/// Headers of one class of protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderBox {
    /// Its place in the [`ProtocolClasses`].
    pub class: usize,
    /// Source ports; all of them where the protocol has none.
    pub source_ports: Ports,
    /// Destination ports, as `source_ports`.
    pub destination_ports: Ports,
}

impl HeaderSet {
    /// Every header.
    pub fn all(classes: &ProtocolClasses) -> HeaderSet {
        let slabs = || vec![(ALL_PORTS, vec![ALL_PORTS])];
        HeaderSet { by_protocol: (0..classes.len()).map(|class| (class as u16, slabs())).collect() }
    }

    /// The headers of all of `boxes`, which may overlap.
    pub fn of_boxes(boxes: &[HeaderBox]) -> HeaderSet {
        let mut classes: Vec<usize> = boxes.iter().map(|header| header.class).collect();
        classes.sort_unstable();
        classes.dedup();
        let slabs = |class: usize| {
            let of_class: Vec<&HeaderBox> = boxes.iter().filter(|header| header.class == class).collect();
            let sources = of_class.iter().map(|header| header.source_ports);
            merged(elementary(&sources).into_iter().map(|source| {
                let inside = of_class.iter().filter(|header| meets(header.source_ports, source));
                (source, normalized(inside.map(|header| header.destination_ports).collect()))
            }))
        };
        let by_protocol = classes.into_iter().map(|class| (class as u16, slabs(class)));
        HeaderSet { by_protocol: by_protocol.filter(|(_, slabs)| !slabs.is_empty()).collect() }
    }

    /// The set as boxes that do not overlap.
    pub fn boxes(&self) -> impl Iterator<Item = HeaderBox> + '_ {
        self.by_protocol.iter().flat_map(|(class, slabs)| {
            slabs.iter().flat_map(move |(source_ports, destinations)| {
                destinations.iter().map(move |destination_ports| HeaderBox {
                    class: (*class).into(),
                    source_ports: *source_ports,
                    destination_ports: *destination_ports,
                })
            })
        })
    }

    /// True for no headers.
    pub fn is_empty(&self) -> bool {
        self.by_protocol.is_empty()
    }

    /// True where the set holds this header.
    pub fn contains(&self, class: usize, [source, destination]: [u16; 2]) -> bool {
        let point = |port| (port, port);
        self.boxes().any(|header| {
            header.class == class
                && meets(header.source_ports, point(source))
                && meets(header.destination_ports, point(destination))
        })
    }

    /// The headers of either set.
    #[must_use]
    pub fn union(&self, other: &HeaderSet) -> HeaderSet {
        HeaderSet::of_boxes(&self.boxes().chain(other.boxes()).collect::<Vec<_>>())
    }

    /// The headers of both sets.
    #[must_use]
    pub fn intersection(&self, other: &HeaderSet) -> HeaderSet {
        self.combined(other, |one, other| other.iter().flat_map(|ports| clipped(one, *ports)).collect())
    }

    /// The headers of this set that are not of the other one.
    #[must_use]
    pub fn difference(&self, other: &HeaderSet) -> HeaderSet {
        self.combined(other, |one, other| other.iter().fold(one.to_vec(), |left, ports| without(&left, *ports)))
    }

    /// Both sets' destination ports put together for each source port of this one.
    fn combined(&self, other: &HeaderSet, combine: impl Fn(&[Ports], &[Ports]) -> Vec<Ports>) -> HeaderSet {
        let of_class = |class: u16| other.by_protocol.iter().find(|(known, _)| *known == class);
        let by_protocol = self.by_protocol.iter().map(|(class, slabs)| {
            let others = of_class(*class).map_or(&[][..], |(_, slabs)| slabs);
            let sources = elementary(&slabs.iter().chain(others).map(|(source, _)| *source));
            let at = |slabs: &[PortSlab], source: Ports| -> Vec<Ports> {
                slabs.iter().find(|(slab, _)| meets(*slab, source)).map_or_else(Vec::new, |(_, ports)| ports.clone())
            };
            let combined = sources
                .into_iter()
                .map(|source| (source, normalized(combine(&at(slabs, source), &at(others, source)))));
            (*class, merged(combined))
        });
        HeaderSet { by_protocol: by_protocol.filter(|(_, slabs)| !slabs.is_empty()).collect() }
    }

    /// The set in words: `tcp/80, tcp/443, udp, icmp`; `everything` for all headers.
    pub fn text(&self, classes: &ProtocolClasses) -> String {
        if *self == HeaderSet::all(classes) {
            return "everything".to_owned();
        }
        let mut parts = Vec::new();
        for (class, slabs) in &self.by_protocol {
            let name = classes.name((*class).into());
            for (source, destinations) in slabs {
                for destination in destinations {
                    let mut part = name.clone();
                    if *destination != ALL_PORTS {
                        let _ = write!(part, "/{}", ports_text(*destination));
                    }
                    if *source != ALL_PORTS {
                        let _ = write!(part, " from port {}", ports_text(*source));
                    }
                    parts.push(part);
                }
            }
        }
        parts.join(", ")
    }
}

fn ports_text((first, last): Ports) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

/// True where some port lies in both.
pub(super) fn meets(one: Ports, other: Ports) -> bool {
    one.0 <= other.1 && other.0 <= one.1
}

/// The ranges between neighbouring ends of `ranges`, as far as they lie inside any of them.
fn elementary(ranges: &(impl Iterator<Item = Ports> + Clone)) -> Vec<Ports> {
    let mut starts: Vec<u32> = ranges.clone().flat_map(|(first, last)| [first.into(), u32::from(last) + 1]).collect();
    starts.sort_unstable();
    starts.dedup();
    let between = starts.windows(2).map(|pair| (pair[0] as u16, (pair[1] - 1) as u16));
    between.filter(|part| ranges.clone().any(|range| meets(range, *part))).collect()
}

/// The same ports in order, with a gap between each range and the next.
fn normalized(mut ports: Vec<Ports>) -> Vec<Ports> {
    ports.sort_unstable();
    let mut joined: Vec<Ports> = Vec::with_capacity(ports.len());
    for (first, last) in ports {
        match joined.last_mut() {
            Some(open) if u32::from(first) <= u32::from(open.1) + 1 => open.1 = open.1.max(last),
            _ => joined.push((first, last)),
        }
    }
    joined
}

fn clipped(ports: &[Ports], to: Ports) -> Vec<Ports> {
    let inside = ports.iter().filter(|range| meets(**range, to));
    inside.map(|range| (range.0.max(to.0), range.1.min(to.1))).collect()
}

fn without(ports: &[Ports], taken: Ports) -> Vec<Ports> {
    let below = taken.0.checked_sub(1).map_or_else(Vec::new, |last| clipped(ports, (0, last)));
    let above = taken.1.checked_add(1).map_or_else(Vec::new, |first| clipped(ports, (first, u16::MAX)));
    [below, above].concat()
}

/// The slabs with any ports, neighbours of the same ports as one.
fn merged(slabs: impl Iterator<Item = PortSlab>) -> Vec<PortSlab> {
    let mut all: Vec<PortSlab> = Vec::new();
    for (source, ports) in slabs.filter(|(_, ports)| !ports.is_empty()) {
        match all.last_mut() {
            Some((open, known)) if *known == ports && u32::from(open.1) + 1 == u32::from(source.0) => open.1 = source.1,
            _ => all.push((source, ports)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Random;

    fn header(random: &mut Random) -> HeaderBox {
        let mut ports = || {
            let [one, other] = [(); 2].map(|()| random.below(6) as u16);
            (one.min(other), one.max(other))
        };
        let (source_ports, destination_ports) = (ports(), ports());
        HeaderBox { class: random.below(2), source_ports, destination_ports }
    }

    fn points() -> impl Iterator<Item = (usize, [u16; 2])> {
        (0..2).flat_map(|class| (0..7).flat_map(move |one| (0..7).map(move |other| (class, [one, other]))))
    }

    #[test]
    fn sets_of_headers_are_sets_of_points_whatever_boxes_they_are_made_of() {
        let mut random = Random::new(5);
        for _ in 0..300 {
            let [one, other] = [(); 2].map(|()| {
                let boxes: Vec<HeaderBox> = (0..random.below(5)).map(|_| header(&mut random)).collect();
                (HeaderSet::of_boxes(&boxes), boxes)
            });
            let (union, both) = (one.0.union(&other.0), one.0.intersection(&other.0));
            let left = one.0.difference(&other.0);
            for (class, ports) in points() {
                let holds = |boxes: &[HeaderBox]| {
                    boxes.iter().any(|header| {
                        let [source, destination] = ports;
                        header.class == class
                            && meets(header.source_ports, (source, source))
                            && meets(header.destination_ports, (destination, destination))
                    })
                };
                let [in_one, in_other] = [holds(&one.1), holds(&other.1)];
                assert_eq!(one.0.contains(class, ports), in_one);
                assert_eq!(union.contains(class, ports), in_one || in_other);
                assert_eq!(both.contains(class, ports), in_one && in_other);
                assert_eq!(left.contains(class, ports), in_one && !in_other);
            }
            let rebuilt = left.union(&both);
            assert_eq!(rebuilt, one.0, "equal sets are equal, whatever they were made of");
        }
    }

    #[test]
    fn a_set_of_headers_reads_as_rules_are_written() {
        let classes = ProtocolClasses::new([Protocol::GRE, Protocol::TCP]);
        let set = |class, source_ports, destination_ports| HeaderBox { class, source_ports, destination_ports };
        let boxes = [
            set(0, ALL_PORTS, (80, 80)),
            set(0, ALL_PORTS, (443, 445)),
            set(1, (53, 53), ALL_PORTS),
            set(3, ALL_PORTS, ALL_PORTS),
        ];
        assert_eq!(HeaderSet::of_boxes(&boxes).text(&classes), "tcp/80, tcp/443-445, udp from port 53, gre");
        assert_eq!(HeaderSet::all(&classes).text(&classes), "everything");
        let rest = HeaderSet::of_boxes(&[set(4, ALL_PORTS, ALL_PORTS)]);
        assert_eq!(rest.text(&classes), "other protocols");
        assert_eq!((classes.of(Protocol(50)), classes.of(Protocol::ICMP), classes.len()), (4, 2, 5));
    }
}
