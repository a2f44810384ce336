//! Worlds of tests, edited by object and key. An edit that meets nothing fails; a replacement in the text would change
//! nothing, or more than was meant.

use toml_edit::{Array, DocumentMut, TableLike, Value};

/// A topology that is being edited; the rest of its text stays as it is.
#[derive(Clone, Debug)]
pub(crate) struct EditedWorld(DocumentMut);

/// Begins with the topology in `text`.
#[track_caller]
pub(crate) fn edit(text: &str) -> EditedWorld {
    EditedWorld(text.parse().unwrap_or_else(|error| panic!("{error}")))
}

/// A list of `values`, each written as in a topology: rules, routes, quoted names.
#[track_caller]
pub(crate) fn list<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> Value {
    let values = values.into_iter().map(|text| match text.as_ref().parse::<Value>() {
        Ok(value) => value,
        Err(error) => panic!("{error}: {}", text.as_ref()),
    });
    Value::Array(values.collect::<Array>())
}

/// A list of names, addresses or prefixes.
pub(crate) fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Value {
    Value::Array(names.into_iter().collect::<Array>())
}

/// A custom route.
pub(crate) fn route(destination: &str, next_hop: &str) -> String {
    format!("{{ destination = \"{destination}\", next_hop = \"{next_hop}\" }}")
}

impl EditedWorld {
    /// The object at `path`: its section and id, as in `instance.web`.
    #[track_caller]
    fn object(&mut self, path: &str) -> &mut dyn TableLike {
        let (section, id) = path.split_once('.').unwrap_or_else(|| panic!("{path} is no section and id"));
        let section = self.0.get_mut(section).and_then(|section| section.as_table_like_mut());
        let object = section.and_then(|section| section.get_mut(id)?.as_table_like_mut());
        object.unwrap_or_else(|| panic!("the world has no {path}"))
    }

    /// Gives a key that an object has another value.
    #[track_caller]
    pub(crate) fn set(mut self, object: &str, key: &str, value: impl Into<Value>) -> EditedWorld {
        let known = self.object(object).get_mut(key).unwrap_or_else(|| panic!("{object} has no {key}"));
        *known = toml_edit::value(value);
        self
    }

    /// Gives an object a key that it does not have.
    #[track_caller]
    pub(crate) fn add(mut self, object: &str, key: &str, value: impl Into<Value>) -> EditedWorld {
        let before = self.object(object).insert(key, toml_edit::value(value));
        assert!(before.is_none(), "{object} has a {key}");
        self
    }

    /// Gives an object more keys, as the text of a topology has them.
    #[track_caller]
    pub(crate) fn extended(mut self, object: &str, keys: &str) -> EditedWorld {
        let more: DocumentMut = keys.parse().unwrap_or_else(|error| panic!("{error}: {keys}"));
        for (key, value) in more.iter() {
            let before = self.object(object).insert(key, value.clone());
            assert!(before.is_none(), "{object} has a {key}");
        }
        self
    }

    /// Takes a key out of an object that has it.
    #[track_caller]
    pub(crate) fn unset(mut self, object: &str, key: &str) -> EditedWorld {
        assert!(self.object(object).remove(key).is_some(), "{object} has no {key}");
        self
    }

    /// Takes an object out.
    #[track_caller]
    pub(crate) fn without(mut self, object: &str) -> EditedWorld {
        self.object(object);
        let (section, id) = object.split_once('.').expect("it was just found");
        self.0[section].as_table_like_mut().expect("it was just found").remove(id);
        self
    }

    /// Puts more objects, as the text of a topology, behind the others.
    pub(crate) fn with(self, objects: &str) -> EditedWorld {
        edit(&format!("{}\n{objects}", self.0))
    }

    /// Puts a comment behind the header of an object.
    #[track_caller]
    pub(crate) fn commented(mut self, object: &str, comment: &str) -> EditedWorld {
        self.object(object);
        let (section, id) = object.split_once('.').expect("it was just found");
        let table = self.0[section][id].as_table_mut().unwrap_or_else(|| panic!("{object} has no header"));
        table.decor_mut().set_suffix(format!(" # {comment}"));
        self
    }

    /// Links an instance that has no link.
    #[track_caller]
    pub(crate) fn linked(self, instance: &str, vpc: &str) -> EditedWorld {
        self.add(&format!("instance.{instance}"), "linked_vpc", vpc)
    }

    /// Takes the link of an instance away.
    #[track_caller]
    pub(crate) fn unlinked(self, instance: &str) -> EditedWorld {
        self.unset(&format!("instance.{instance}"), "linked_vpc")
    }

    /// Turns ClassicLink of a VPC off.
    #[track_caller]
    pub(crate) fn without_classic_link(self, vpc: &str) -> EditedWorld {
        self.set(&format!("vpc.{vpc}"), "classic_link", false)
    }

    /// Stops an instance.
    #[track_caller]
    pub(crate) fn stopped(self, instance: &str) -> EditedWorld {
        self.add(&format!("instance.{instance}"), "state", "stopped")
    }

    /// Gives a group other ingress rules.
    #[track_caller]
    pub(crate) fn admitting<const N: usize>(self, group: &str, rules: [&str; N]) -> EditedWorld {
        self.set(&format!("security_group.{group}"), "ingress", list(rules))
    }

    /// The routes of a table: of `vpc.shop` or `route_table.vtb`.
    #[track_caller]
    fn routes(&mut self, table: &str) -> &mut Array {
        let routes = self.object(table).get_mut("routes").and_then(|routes| routes.as_array_mut());
        routes.unwrap_or_else(|| panic!("{table} has no routes"))
    }

    /// Adds a route to a table that has some, or an empty list of them.
    #[track_caller]
    pub(crate) fn routed(mut self, table: &str, destination: &str, next_hop: &str) -> EditedWorld {
        let route: Value = route(destination, next_hop).parse().expect("a route");
        self.routes(table).push(route);
        self
    }

    /// Takes the route to a destination out of a table.
    #[track_caller]
    pub(crate) fn unrouted(mut self, table: &str, destination: &str) -> EditedWorld {
        let routes = self.routes(table);
        let leads_there = |route: &Value| {
            let known = route.as_inline_table().and_then(|route| route.get("destination")?.as_str());
            known == Some(destination)
        };
        let found = routes.iter().position(leads_there).unwrap_or_else(|| panic!("{table} has none to {destination}"));
        routes.remove(found);
        self
    }

    /// Gives a rule of a group another field; rules count from 0.
    #[track_caller]
    pub(crate) fn set_rule(mut self, rule: (&str, &str, usize), field: &str, value: &str) -> EditedWorld {
        let (group, direction, index) = rule;
        let rules =
            self.object(&format!("security_group.{group}")).get_mut(direction).and_then(|rules| rules.as_array_mut());
        let rule = rules.and_then(|rules| rules.get_mut(index)?.as_inline_table_mut());
        let rule = rule.unwrap_or_else(|| panic!("{group} has no {direction} rule {index}"));
        rule.insert(field, value.into());
        self
    }

    /// Puts a rule, as the text of a topology has it, behind those of a group.
    #[track_caller]
    pub(crate) fn with_rule(mut self, group: &str, direction: &str, rule: &str) -> EditedWorld {
        let rule: Value = rule.parse().unwrap_or_else(|error| panic!("{error}: {rule}"));
        let group = format!("security_group.{group}");
        let rules = self.object(&group).get_mut(direction).and_then(|rules| rules.as_array_mut());
        rules.unwrap_or_else(|| panic!("{group} has no {direction} rules")).push(rule);
        self
    }

    /// Takes a rule of a group away; rules count from 0.
    #[track_caller]
    pub(crate) fn without_rule(mut self, group: &str, direction: &str, index: usize) -> EditedWorld {
        let rules =
            self.object(&format!("security_group.{group}")).get_mut(direction).and_then(|rules| rules.as_array_mut());
        rules.unwrap_or_else(|| panic!("{group} has no {direction} rules")).remove(index);
        self
    }

    /// The text of the topology.
    pub(crate) fn toml(&self) -> String {
        self.0.to_string()
    }
}
