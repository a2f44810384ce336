//! `biplane schema`: the schemas that editors read, held against every file of the repository.

use super::schemas::{examples, schema, value_of};
use super::world::edit;
use super::{Bench, SHOP};
use serde_json::{Value, json};

/// What is wrong with `value`, by the words of JSON Schema that the schemas use; any other word fails the test.
fn check(schema: &Value, value: &Value, root: &Value) -> Result<(), String> {
    let Value::Object(words) = schema else { return Err(format!("no schema: {schema}")) };
    let fits = |schema: &Value| check(schema, value, root);
    let wrong = |what: &str| Err(format!("{what}: {value}"));
    for (word, says) in words {
        let list = || says.as_array().unwrap().iter();
        let holds = match word.as_str() {
            "$schema" | "title" | "description" | "$defs" | "then" | "pattern" => true,
            "$ref" => {
                fits(root.pointer(says.as_str().unwrap().trim_start_matches('#')).unwrap())?;
                true
            }
            "type" => match says.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64() || value.is_u64(),
                "number" => value.is_number(),
                other => panic!("what is a {other}?"),
            },
            "enum" => list().any(|word| word == value),
            "const" => says == value,
            "minimum" => value.as_f64().is_none_or(|number| number >= says.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= says.as_f64().unwrap()),
            "minLength" => value.as_str().is_none_or(|text| text.chars().count() as u64 >= says.as_u64().unwrap()),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= says.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= says.as_u64().unwrap()),
            "items" => {
                value.as_array().into_iter().flatten().try_for_each(|item| check(says, item, root))?;
                true
            }
            "required" => list().all(|key| value.get(key.as_str().unwrap()).is_some()),
            "properties" => {
                for (key, schema) in says.as_object().unwrap() {
                    value.get(key).map_or(Ok(()), |inner| check(schema, inner, root))?;
                }
                true
            }
            "additionalProperties" => {
                let known = words.get("properties").and_then(Value::as_object);
                let others = value.as_object().into_iter().flatten();
                for (key, inner) in others.filter(|(key, _)| known.is_none_or(|known| !known.contains_key(*key))) {
                    match says {
                        Value::Bool(false) => return wrong(&format!("there is no key `{key}`")),
                        schema => check(schema, inner, root)?,
                    }
                }
                true
            }
            "allOf" => {
                list().try_for_each(fits)?;
                true
            }
            "not" => fits(says).is_err(),
            "anyOf" => list().any(|schema| fits(schema).is_ok()),
            "oneOf" => list().filter(|schema| fits(schema).is_ok()).count() == 1,
            "if" => {
                if fits(says).is_ok() {
                    fits(&words["then"])?;
                }
                true
            }
            other => panic!("the test does not know `{other}`"),
        };
        if !holds {
            return wrong(word);
        }
    }
    Ok(())
}

#[test]
fn every_file_of_the_repository_fits_its_schema() {
    let bench = Bench::new();
    let schemas = ["topology", "scenario"].map(|of| (of, schema(&bench, of)));
    let mut seen = [0, 0];
    for (name, of, text) in examples() {
        let place = schemas.iter().position(|(known, _)| *known == of).unwrap();
        let schema = &schemas[place].1;
        seen[place] += 1;
        // Which of several alternatives is meant, an error of the whole cannot say: steps are held one by one.
        check(schema, &value_of(&text), schema).unwrap_or_else(|why| panic!("{name}: {why}"));
    }
    assert!(seen[0] > 12 && seen[1] > 50, "{seen:?}");
}

#[test]
fn a_twin_that_differs_in_one_thing_does_not_fit() {
    let bench = Bench::new();
    let fits = |schema: &Value, text: &str| check(schema, &value_of(text), schema);
    let topology = schema(&bench, "topology");
    fits(&topology, SHOP).unwrap();
    let shop = || edit(SHOP);
    for twin in [
        shop().unset("vpc.vpc-shop", "classic_link").add("vpc.vpc-shop", "classic_linc", true),
        shop().set("vpc.vpc-shop", "classic_link", "yes"),
        shop().unset("vswitch.vsw-shop", "cidr"),
        shop().set("service.rm-orders", "kind", "mysql"),
        shop().set("instance.i-web", "security_groups", "sg-web"),
        shop().set("instance.i-web", "network", "vpc"),
        shop().unset("instance.i-app", "vswitch"),
        shop().admitting("sg-app", ["{ protocol = \"icmp\", destination = \"10.0.0.0/8\" }"]),
    ] {
        let twin = twin.toml();
        assert!(fits(&topology, &twin).is_err(), "{twin}");
        assert_ne!(bench.run(&["check", "shop.toml"]).code, 2);
    }
    let fleet = "include = [\"a.toml\"]\n[template.web]\nsecurity_groups = [\"a\"]\n[instance.a]\ntemplate = \"web\"\n\
                 private_ip = \"10.0.0.1\"\nname = \"n\"\ntags = { a = \"b\" }\n";
    fits(&topology, fleet).unwrap();
    for (right, wrong) in [
        ("include = [\"a.toml\"]", "include = \"a.toml\""),
        ("security_groups", "private_ip = \"10.0.0.2\"\nsecurity_groups"),
        ("template = \"web\"\n", ""),
        ("template = \"web\"", "template = \"web\"\nnetwork = \"classic\"\nvswitch = \"v\""),
        ("a = \"b\"", "a = 1"),
    ] {
        let twin = fleet.replacen(right, wrong, 1);
        assert!(fits(&topology, &twin).is_err(), "{twin}");
    }
    let scenario = schema(&bench, "scenario");
    let step = "title = \"t\"\ntopology = \"shop.toml\"\n[[step]]\nsend = { from = \"i-web\", tcp = \"1.2.3.4:5 > 6.7.8.9:10\" }\n\
                expect = { verdict = \"delivered\", to = \"i-app\" }\n[[step]]\n\
                apply = { operation = \"detach\", instance = \"i-web\", vpc = \"vpc-shop\" }\n[[step]]\nwait = \"1s\"\n";
    fits(&scenario, step).unwrap();
    for (right, wrong) in [
        ("title = \"t\"\n", ""),
        ("verdict = \"delivered\", to = \"i-app\"", "verdict = \"delivered\""),
        ("verdict = \"delivered\"", "verdict = \"arrived\""),
        ("wait = \"1s\"", "wait = 1"),
        ("wait = \"1s\"", "wait = \"1s\"\nexpect = {}"),
        (", vpc = \"vpc-shop\"", ""),
        ("operation = \"detach\"", "operation = \"unlink\""),
        ("expect = { verdict", "expects = { verdict"),
        ("to = \"i-app\" }", "to = \"i-app\", error = \"QuotaExceeded\" }"),
    ] {
        let twin = step.replacen(right, wrong, 1);
        assert!(fits(&scenario, &twin).is_err(), "{wrong}");
    }
    assert!(check(&json!({ "type": "integer" }), &json!(1.5), &Value::Null).is_err());
}
