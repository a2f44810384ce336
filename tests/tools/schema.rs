//! The schemas of `biplane schema`, and the files of the repository, in a validator of others.

use crate::bench::Bench;
use crate::schemas::{examples, schema, value_of};
use crate::trials::python;
use serde_json::{Value, json};

/// Holds what the schemas say of themselves, and their patterns.
pub(crate) fn another_validator_agrees() {
    let script = "import json, jsonschema, sys\n\
                  data = json.load(sys.stdin)\nfor of, schema in data['schemas'].items():\n\
                  \x20   jsonschema.Draft202012Validator.check_schema(schema)\n\
                  for name, of, value in data['files']:\n\
                  \x20   for error in jsonschema.Draft202012Validator(data['schemas'][of]).iter_errors(value):\n\
                  \x20       sys.exit(f'{name}: {error.message[:300]}')\n";
    let bench = Bench::new();
    let files: Vec<Value> = examples().into_iter().map(|(name, of, text)| json!([name, of, value_of(&text)])).collect();
    let schemas = json!({ "topology": schema(&bench, "topology"), "scenario": schema(&bench, "scenario") });
    let input = bench.path().join("input.json");
    std::fs::write(&input, json!({ "schemas": schemas, "files": files }).to_string()).unwrap();
    let told = python().args(["-c", script]).stdin(std::fs::File::open(input).unwrap()).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
}
