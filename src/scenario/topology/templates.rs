//! Templates: keys that several instances have in common.

use super::ids;
use crate::diag::{Diagnostic, Label, Span};
use crate::scenario::decode::{Decoder, Fields, What};
use crate::scenario::schema::{self, names};
use crate::scenario::tree::TreeTable;
use hashbrown::{HashMap, HashSet};

/// The templates of a topology.
#[derive(Default)]
pub(super) struct Templates<'a> {
    by_name: HashMap<&'a str, Template<'a>, foldhash::fast::FixedState>,
    /// What was found about their values: each instance that uses one finds it again.
    found: HashSet<(Span, &'static str), foldhash::fast::FixedState>,
}

struct Template<'a> {
    table: TreeTable<'a>,
    /// The places of all that stands in it, once something was found.
    places: Option<HashSet<Span, foldhash::fast::FixedState>>,
}

impl<'a> Templates<'a> {
    /// The tables `[template.NAME]` of `roots`. Their keys are held against the list here, their values where an instance
    /// uses them.
    pub(super) fn of(decoder: &mut Decoder<'_>, roots: &[Fields<'a>]) -> Templates<'a> {
        let mut templates = Templates::default();
        let mut places: HashMap<&str, Span, foldhash::fast::FixedState> = HashMap::default();
        let sections = roots.iter().filter_map(|root| root.get("template"));
        let sections: Vec<TreeTable<'a>> = sections.filter_map(|section| section.table(decoder)).collect();
        for (name, item) in sections.into_iter().flat_map(Fields::entries) {
            let what = What::Object("template", name.value);
            let Some(fields) = item.fields(decoder, what, &names(&schema::TEMPLATE)) else { continue };
            if let Some(first) = places.insert(name.value, name.span) {
                ids::report_twice(decoder, name, first);
            } else {
                templates.by_name.insert(name.value, Template { table: fields.table(), places: None });
            }
        }
        templates
    }

    /// An instance with what its template says; `None` where there is no such template, which is reported.
    pub(super) fn apply(&self, decoder: &mut Decoder<'_>, fields: Fields<'a>) -> Option<Fields<'a>> {
        let Some(item) = fields.get("template") else { return Some(fields) };
        let name = item.string(decoder)?;
        if let Some(template) = self.by_name.get(name) {
            return Some(fields.with_template(template.table));
        }
        let problem = Diagnostic::error("unknown-id", format!("no template is called `{name}`"));
        let near = decoder.nearest(name, self.by_name.keys().copied());
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare it as [template.{name}]"),
        };
        decoder.report(problem.at(item.span, "declared nowhere").help(help));
        None
    }

    /// Says of the findings behind the first `count` which of them are about the template of an instance: once each.
    pub(super) fn attribute(&mut self, decoder: &mut Decoder<'_>, count: usize, fields: &Fields<'a>) {
        if decoder.finding_count() == count {
            return;
        }
        let Some(item) = fields.get("template") else { return };
        let Some(template) = item.as_string().and_then(|name| self.by_name.get_mut(name)) else { return };
        let places = template.places.get_or_insert_with(|| template.table.places().into_iter().collect());
        decoder.retain_findings(count, |finding| {
            let Some(place) = finding.labels.first().map(|label| label.span).filter(|place| places.contains(place))
            else {
                return true;
            };
            let is_new = self.found.insert((place, finding.id));
            finding.labels.push(Label { span: item.span, text: "used here".to_owned() });
            is_new
        });
    }
}
