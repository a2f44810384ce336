//! Where an attribute that is not known yet will come from: the configuration of a plan says which resource it names.

use super::document::{Configuration, ConfiguredModule, Expression, Resource};
use std::collections::BTreeMap;

/// How many variables and outputs a reference is followed through.
const MAX_STEPS: usize = 32;

/// What a module is called with.
type ModuleArguments = BTreeMap<String, Expression>;

/// The modules and resources that references lead to.
pub(super) struct References<'c> {
    /// Modules by their path without keys: `""`, `module.net`.
    modules: BTreeMap<String, (&'c ConfiguredModule, Option<&'c ModuleArguments>)>,
    /// Resources by their address without keys: the whole address, its keys, and the id.
    resources: BTreeMap<String, Vec<ResourceInstance>>,
}

/// One of the resources that a block stands for.
#[derive(Clone)]
pub(super) struct ResourceInstance {
    keys: Vec<String>,
    pub(super) id: String,
}

impl<'c> References<'c> {
    pub(super) fn of(configuration: Option<&'c Configuration>, resources: &[Resource<'_>]) -> References<'c> {
        let mut references = References { modules: BTreeMap::new(), resources: BTreeMap::new() };
        if let Some(configuration) = configuration {
            references.add_module(String::new(), &configuration.root_module, None);
        }
        for resource in resources {
            let (address, keys) = without_keys(&resource.address);
            let id = resource.name();
            references.resources.entry(address).or_default().push(ResourceInstance { keys, id });
        }
        references
    }

    fn add_module(&mut self, path: String, module: &'c ConfiguredModule, arguments: Option<&'c ModuleArguments>) {
        for (name, call) in &module.module_calls {
            self.add_module(below(&path, &format!("module.{name}")), &call.module, Some(&call.expressions));
        }
        self.modules.insert(path, (module, arguments));
    }

    /// The ids that an attribute of a resource will hold, as far as the configuration says.
    pub(super) fn ids(&self, address: &str, attribute: &str) -> Vec<String> {
        let (stripped, keys) = without_keys(address);
        let (path, own) = split_module(&stripped);
        let Some((module, _)) = self.modules.get(path) else { return Vec::new() };
        let Some(resource) = module.resources.iter().find(|resource| resource.address == own) else {
            return Vec::new();
        };
        let named = |name: &str| name.replace('_', "") == attribute;
        let Some((_, expression)) = resource.expressions.iter().find(|(name, _)| named(name)) else {
            return Vec::new();
        };
        let mut ids = Vec::new();
        for reference in &expression.references {
            for instance in self.follow(path, reference, MAX_STEPS) {
                ids.extend(self.chosen(&instance, &keys));
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        ids.retain(|id| seen.insert(id.clone()));
        ids
    }

    /// The addresses of resources, without keys, that a reference in a module leads to, each with the key it names.
    fn follow(&self, path: &str, reference: &str, steps: usize) -> Vec<(String, Option<String>)> {
        let Some(steps) = steps.checked_sub(1) else { return Vec::new() };
        let (stripped, keys) = without_keys(reference);
        let parts: Vec<&str> = stripped.split('.').collect();
        match parts[..] {
            ["var", name, ..] => {
                let (Some((_, Some(arguments))), Some(parent)) = (self.modules.get(path), parent(path)) else {
                    return Vec::new();
                };
                let Some(expression) = arguments.get(name) else { return Vec::new() };
                expression.references.iter().flat_map(|reference| self.follow(parent, reference, steps)).collect()
            }
            ["module", name, output, ..] => {
                let inner = below(path, &format!("module.{name}"));
                let Some(output) = self.modules.get(&inner).and_then(|(module, _)| module.outputs.get(output)) else {
                    return Vec::new();
                };
                output
                    .expression
                    .references
                    .iter()
                    .flat_map(|reference| self.follow(&inner, reference, steps))
                    .collect()
            }
            ["local" | "each" | "count" | "path" | "self" | "data" | "terraform", ..] => Vec::new(),
            [kind, name, ..] => {
                let address = below(path, &format!("{kind}.{name}"));
                if self.resources.contains_key(&address) {
                    vec![(address, keys.into_iter().next())]
                } else {
                    Vec::new()
                }
            }
            _ => Vec::new(),
        }
    }

    /// Which of the resources of a block a reference means: the one of the key that it names, the only one, the one with
    /// the referrer's own key; all where nothing says which.
    fn chosen(&self, (address, key): &(String, Option<String>), own: &[String]) -> Vec<String> {
        let Some(instances) = self.resources.get(address) else { return Vec::new() };
        let of_key = |key: &String| {
            instances.iter().filter(|one| one.keys.last() == Some(key)).map(|one| one.id.clone()).collect::<Vec<_>>()
        };
        if let [one] = &instances[..] {
            return vec![one.id.clone()];
        }
        if let Some(named) = key.as_ref().map(of_key).filter(|named| !named.is_empty()) {
            return named;
        }
        let same = |one: &&ResourceInstance| {
            !own.is_empty() && one.keys.len() <= own.len() && own.starts_with(&one.keys) || one.keys == own
        };
        let same: Vec<String> = instances.iter().filter(same).map(|one| one.id.clone()).collect();
        if !same.is_empty() {
            return same;
        }
        if let Some(named) = own.last().map(of_key).filter(|named| !named.is_empty()) {
            return named;
        }
        instances.iter().map(|one| one.id.clone()).collect()
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The path of the module around a module.
fn parent(path: &str) -> Option<&str> {
    if path.is_empty() {
        return None;
    }
    Some(path.rfind("module.").map_or("", |at| path[..at].trim_end_matches('.')))
}

/// The path of a resource's module, and its address in it.
fn split_module(address: &str) -> (&str, &str) {
    let mut at = 0;
    while let Some(rest) = address[at..].strip_prefix("module.") {
        let Some(dot) = rest.find('.') else { break };
        at += "module.".len() + dot + 1;
    }
    (address[..at].trim_end_matches('.'), &address[at..])
}

/// An address without the keys in brackets, and the keys.
pub(super) fn without_keys(address: &str) -> (String, Vec<String>) {
    let (mut stripped, mut keys) = (String::new(), Vec::new());
    let mut rest = address;
    while let Some(at) = rest.find('[') {
        stripped.push_str(&rest[..at]);
        let inside = &rest[at + 1..];
        let end = match inside.strip_prefix('"') {
            Some(quoted) => quoted.find("\"]").map(|end| end + 2),
            None => inside.find(']'),
        };
        let Some(end) = end else { return (stripped, keys) };
        keys.push(inside[..end].trim_matches('"').to_owned());
        rest = inside.get(end + 1..).unwrap_or("");
    }
    stripped.push_str(rest);
    (stripped, keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let (stripped, keys) = without_keys("module.net[\"a.b\"].alicloud_vswitch.vsw[0]");
        assert_eq!(
            (stripped.as_str(), keys),
            ("module.net.alicloud_vswitch.vsw", vec!["a.b".to_owned(), "0".to_owned()])
        );
        assert_eq!(split_module(&stripped), ("module.net", "alicloud_vswitch.vsw"));
        assert_eq!(split_module("module.a.module.b.alicloud_vpc.v"), ("module.a.module.b", "alicloud_vpc.v"));
        assert_eq!([parent("module.a.module.b"), parent("module.a"), parent("")], [Some("module.a"), Some(""), None]);
        assert_eq!(without_keys("a[\"unclosed").0, "a");
    }
}
