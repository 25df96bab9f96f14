//! The schema, the reference topology, and the examples have the same keys.
#![allow(clippy::print_stderr)] // A skipped test prints the reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use genconf::source::{Kind, Node, Source, read};
use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn committed() -> PathBuf {
    repository().join("genconf/schema/topology.schema.json")
}

#[test]
fn the_committed_schema_is_up_to_date() {
    let made = format!("{:#}\n", genconf::topology::language_schema());
    if std::env::var_os("BLESS").is_some() {
        fs::write(committed(), &made).expect("a file can be written");
    }
    let committed = fs::read_to_string(committed()).unwrap_or_default();
    assert!(
        made == committed,
        "genconf/schema/topology.schema.json is out of date; run make bless"
    );
}

/// The keys of a schema as paths; `*` is a name or an element.
fn schema_keys(schema: &Value, path: &str, keys: &mut BTreeSet<String>) {
    for (key, below) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        keys.insert(path.clone());
        schema_keys(below, &path, keys);
    }
    for inner in [&schema["additionalProperties"], &schema["items"]] {
        if inner.is_object() {
            schema_keys(inner, &format!("{path}.*"), keys);
        }
    }
    for either in schema["anyOf"].as_array().into_iter().flatten() {
        schema_keys(either, path, keys);
    }
}

/// The keys of a file, with `*` for names.
fn file_keys(node: &Node, schema: &Value, path: &str, keys: &mut BTreeSet<String>) {
    match &node.kind {
        Kind::Scalar { .. } => {}
        Kind::Sequence(elements) => {
            for element in elements {
                file_keys(element, &schema["items"], &format!("{path}.*"), keys);
            }
        }
        Kind::Mapping(entries) => {
            let schema = match schema["anyOf"].as_array() {
                Some(either) => either
                    .iter()
                    .find(|s| s["properties"].is_object())
                    .unwrap_or(schema),
                None => schema,
            };
            for entry in entries {
                let key = entry.key.text().expect("keys are text");
                let (path, below) = match &schema["properties"][key] {
                    Value::Null => (format!("{path}.*"), &schema["additionalProperties"]),
                    below => (format!("{path}.{key}"), below),
                };
                if !path.ends_with(".*") {
                    keys.insert(path.clone());
                }
                file_keys(&entry.value, below, &path, keys);
            }
        }
    }
}

#[test]
fn the_reference_topology_has_every_key() {
    let schema = genconf::topology::language_schema();
    let mut expected = BTreeSet::new();
    schema_keys(&schema, "", &mut expected);
    let text =
        fs::read_to_string(repository().join("topologies/reference.yaml")).expect("is readable");
    let root = read(&Source::new("reference.yaml", text)).expect("is YAML");
    let mut found = BTreeSet::new();
    file_keys(&root, &schema, "", &mut found);
    assert_eq!(found, expected);
}

/// Editors show these descriptions.
#[test]
fn every_key_has_a_description() {
    fn check(schema: &Value, path: &str) {
        for (key, below) in schema["properties"].as_object().into_iter().flatten() {
            let text = below["description"].as_str().unwrap_or_default();
            assert!(text.ends_with('.'), "{path}.{key} has no description");
            check(below, &format!("{path}.{key}"));
        }
        if schema["additionalProperties"].is_object() {
            check(&schema["additionalProperties"], path);
        }
        if schema["items"].is_object() {
            check(&schema["items"], path);
        }
    }
    check(&genconf::topology::language_schema(), "");
}

#[test]
fn an_independent_validator_accepts_every_example() {
    const VALIDATE: &str = "
import json, sys, yaml, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
wrong = 0
for path in sys.argv[2:]:
    for error in validator.iter_errors(yaml.safe_load(open(path))):
        print(path, list(error.absolute_path), error.message)
        wrong += 1
sys.exit(wrong > 0)
";
    let has = |code: &str| {
        let run = Command::new("/usr/bin/python3")
            .args(["-c", code])
            .stderr(Stdio::null())
            .status();
        run.is_ok_and(|s| s.success())
    };
    if !has("import jsonschema, yaml") {
        assert!(
            std::env::var_os("CI").is_none(),
            "python3-jsonschema and python3-yaml are missing"
        );
        eprintln!("skipped: python3-jsonschema or python3-yaml is not installed");
        return;
    }
    let directory = fs::read_dir(repository().join("topologies")).expect("is readable");
    let examples = directory
        .map(|e| e.expect("is readable").path())
        .filter(|p| p.extension().is_some_and(|e| e == "yaml"));
    let examples: Vec<_> = examples
        .chain([repository().join("topology.yaml")])
        .collect();
    let run = Command::new("/usr/bin/python3")
        .args(["-c", VALIDATE])
        .arg(committed())
        .args(examples)
        .output();
    let run = run.expect("python3 starts");
    assert!(
        run.status.success(),
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
}
