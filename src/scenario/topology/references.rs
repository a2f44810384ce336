//! Which ids the file declares, and what a reference to one leads to.

use super::ids;
use crate::diag::{Diagnostic, Span, Spanned, or_list, quoted_list};
use crate::model::{Identified, Key, NextHop, ObjectKind, Table, World};
use crate::scenario::decode::{Decoder, FEW, Fields, Item};
use crate::scenario::tree::TreeTable as Section;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Those that share one name space: what frames can enter, leave or be sent on by.
const ONE_NAME_SPACE: [ObjectKind; 4] =
    [ObjectKind::Instance, ObjectKind::Service, ObjectKind::Gateway, ObjectKind::Peering];

const fn article(kind: ObjectKind) -> &'static str {
    if matches!(kind, ObjectKind::Instance) { "an" } else { "a" }
}

/// The objects that the files of a topology declare, understood or not.
pub(super) struct Declared<'a> {
    /// By kind, in the order of the files.
    sections: [Vec<Section<'a>>; ObjectKind::ALL.len()],
    /// By kind and id, where there are several files; a tree finds the ids of one.
    places: Option<[HashMap<&'a str, Span, FixedState>; ObjectKind::ALL.len()]>,
}

impl<'a> Declared<'a> {
    /// The sections of `roots`. An id that is declared twice is reported.
    pub(super) fn of(decoder: &mut Decoder<'_>, roots: &[Fields<'a>]) -> Declared<'a> {
        let mut section = |kind: ObjectKind, root: &Fields<'a>| root.get(kind.name())?.table(decoder);
        let sections = ObjectKind::ALL.map(|kind| roots.iter().filter_map(|root| section(kind, root)).collect());
        let mut declared = Declared { sections, places: None };
        if roots.len() > 1 {
            declared.places = Some(ObjectKind::ALL.map(|kind| declared.places_of(decoder, kind)));
        }
        declared
    }

    fn places_of(&self, decoder: &mut Decoder<'_>, kind: ObjectKind) -> HashMap<&'a str, Span, FixedState> {
        let mut places = HashMap::default();
        for entry in self.sections[kind as usize].iter().flat_map(Section::entries) {
            let place = entry.key_span();
            let earlier = *places.entry(entry.key()).or_insert(place);
            if earlier != place {
                ids::report_twice(decoder, Spanned::new(entry.key(), place), earlier);
            }
        }
        places
    }

    /// The objects of one kind in the order of the files.
    pub(super) fn entries(&self, kind: ObjectKind) -> impl Iterator<Item = (Spanned<&'a str>, Item<'a>)> + use<'a> {
        self.sections[kind as usize].clone().into_iter().flat_map(Fields::entries)
    }

    fn place(&self, kind: ObjectKind, id: &str) -> Option<Span> {
        match &self.places {
            Some(places) => places[kind as usize].get(id).copied(),
            None => Some(self.sections[kind as usize].first()?.get(id)?.key_span()),
        }
    }

    /// True where such an object is declared, understood or not.
    pub(super) fn has(&self, kind: ObjectKind, id: &str) -> bool {
        self.place(kind, id).is_some()
    }

    /// Reports an id that its object cannot have.
    pub(super) fn check_id(&self, decoder: &mut Decoder<'_>, kind: ObjectKind, id: Spanned<&str>) {
        ids::check(decoder, id, article(kind), kind.noun());
        let shared = ONE_NAME_SPACE.contains(&kind);
        // The pair is reported at the one that stands later in the file.
        let others = ONE_NAME_SPACE.into_iter().filter(|other| shared && *other != kind);
        let earlier = others.filter_map(|other| Some((other, self.place(other, id.value)?)));
        if let Some((other, place)) = earlier.filter(|(_, place)| *place < id.span).min_by_key(|(_, place)| *place) {
            decoder.report(
                Diagnostic::error("duplicate-id", format!("two objects are called `{}`", id.value))
                    .at(id.span, format!("{} {} here", article(kind), kind.noun()))
                    .at(place, format!("{} {} of this id here", article(other), other.noun()))
                    .note("ids of instances, services, gateways and peerings are unique together"),
            );
        }
    }

    /// The object of `kind` that `item` names. Silent where it is declared but was not understood: that is reported
    /// at its declaration.
    pub(super) fn resolve<T: Identified>(
        &self,
        decoder: &mut Decoder<'_>,
        item: Item<'a>,
        kind: ObjectKind,
        table: &Table<T>,
    ) -> Option<Spanned<Key<T>>> {
        let id = item.string(decoder)?;
        let key = table.find(id);
        if key.is_none() && !self.has(kind, id) {
            self.report_unknown(decoder, item.span, id, &[kind], None);
        }
        Some(Spanned::new(key?, item.span))
    }

    /// What a custom route leads to.
    pub(super) fn next_hop(
        &self,
        decoder: &mut Decoder<'_>,
        item: Item<'a>,
        world: &World,
    ) -> Option<Spanned<NextHop>> {
        const KINDS: [ObjectKind; 3] = [ObjectKind::Instance, ObjectKind::Gateway, ObjectKind::Peering];
        let id = item.string(decoder)?;
        let next_hop = (world.instances.find(id).map(NextHop::Instance))
            .or_else(|| world.gateways.find(id).map(NextHop::Gateway))
            .or_else(|| world.peerings.find(id).map(NextHop::Peering));
        if next_hop.is_none() && !KINDS.iter().any(|kind| self.has(*kind, id)) {
            let what = "a next hop is an instance with `forwarding = true`, a gateway or a peering";
            self.report_unknown(decoder, item.span, id, &KINDS, Some(what));
        }
        Some(Spanned::new(next_hop?, item.span))
    }

    /// Reports a reference to `id`, which none of `kinds` has.
    pub(super) fn report_unknown(
        &self,
        decoder: &mut Decoder<'_>,
        span: Span,
        id: &str,
        kinds: &[ObjectKind],
        note: Option<&str>,
    ) {
        let nouns = kinds.iter().map(|kind| kind.noun());
        let mut problem = Diagnostic::error("unknown-id", format!("no {} is called `{id}`", or_list(nouns)));
        let other = ObjectKind::ALL.into_iter().find_map(|kind| Some((kind, self.place(kind, id)?)));
        problem = match (other, ids::RESERVED.iter().find(|(reserved, _)| *reserved == id)) {
            (Some((kind, place)), _) => problem
                .at(span, format!("this is {} {}", article(kind), kind.noun()))
                .at(place, format!("{} `{id}` is declared here", kind.noun())),
            (None, Some((_, stands_for))) => problem.at(span, format!("this is {stands_for}")),
            (None, None) if self.places.is_some() => problem.at(span, "declared nowhere in these files"),
            (None, None) => problem.at(span, "declared nowhere in this file"),
        };
        if let Some(note) = note {
            problem = problem.note(note);
        }
        let ids = |kind: &ObjectKind| self.sections[*kind as usize].iter().flat_map(Section::entries);
        let candidates = || kinds.iter().flat_map(ids).map(|entry| entry.key());
        if let Some(near) = decoder.nearest(id, candidates()) {
            problem = problem.help(format!("did you mean `{near}`?"));
        } else if candidates().next().is_none() {
            problem = problem.help(format!("declare it as [{}.{id}]", kinds[0].name()));
        } else if candidates().nth(FEW).is_none() && candidates().all(|id| id.len() <= MAX_LISTED) {
            let sorted = |kind| {
                let mut ids: Vec<&str> = ids(kind).map(|entry| entry.key()).collect();
                ids.sort_unstable();
                ids
            };
            problem = problem.help(format!("there are {}", quoted_list(kinds.iter().flat_map(sorted))));
        }
        decoder.report(problem);
    }
}

/// Up to how many bytes an id has that is listed: a file may have a long one and ten thousand references.
const MAX_LISTED: usize = 128;
