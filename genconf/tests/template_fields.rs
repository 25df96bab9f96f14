//! Templates and `renderer.yaml` name only fields of the layout: Tera takes an unknown field in a
//! condition for false, and a filter on an unknown field selects nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use genconf::diagnostic::Diagnostics;
use genconf::source::Source;
use genconf::{generate, render};
use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("is readable") {
        let path = entry.expect("is readable").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// The names of all fields, at any depth, in the layouts of all topologies.
fn layout_fields() -> BTreeSet<String> {
    let renderers = render::embedded().expect("are valid");
    let mut topologies = files_below(&repository().join("topologies"));
    topologies.retain(|path| path.extension().is_some_and(|e| e == "yaml"));
    topologies.push(repository().join("topology.yaml"));
    // Fields of `loop`, which Tera sets.
    let mut fields = BTreeSet::from(["index0", "first"].map(str::to_owned));
    for path in topologies {
        let text = fs::read_to_string(&path).expect("is readable");
        let source = Source::new("topology.yaml", text);
        let generated = generate(&source, ".", &renderers, &mut Diagnostics::default());
        let layout = generated.expect("is valid").layout;
        collect(
            &serde_json::to_value(&layout).expect("is JSON"),
            &mut fields,
        );
    }
    fields
}

fn collect(value: &Value, fields: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                fields.insert(name.clone());
                collect(value, fields);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, fields)),
        _ => {}
    }
}

/// Expressions and conditions of a template: the text between `{{` and `}}`, and `{%` and `%}`.
fn tags(text: &str) -> Vec<&str> {
    let mut tags = Vec::new();
    for (open, close) in [("{{", "}}"), ("{%", "%}")] {
        let parts = text.split(open).skip(1);
        tags.extend(
            parts
                .filter_map(|part| part.split_once(close))
                .map(|(tag, _)| tag),
        );
    }
    tags
}

/// The fields that an expression reads: each name after a dot, outside of string literals.
fn fields_read(expression: &str) -> Vec<String> {
    let code: String = expression.split('"').step_by(2).collect();
    let names = code.split('.').skip(1).map(|rest| {
        let is_name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        rest.chars().take_while(is_name).collect::<String>()
    });
    names
        .filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
        .collect()
}

/// Field paths in the `where` of a `renderer.yaml`: `{ app.runtime: node, unit_per: port }`.
fn matched_fields(text: &str) -> Vec<String> {
    let conditions = text.split("where: {").skip(1);
    let conditions = conditions.filter_map(|rest| rest.split_once('}'));
    conditions
        .flat_map(|(condition, _)| condition.split(','))
        .filter_map(|pair| pair.split_once(':'))
        .flat_map(|(path, _)| path.trim().split('.').map(str::to_owned))
        .collect()
}

#[test]
fn every_field_in_a_template_exists() {
    let fields = layout_fields();
    let mut unknown = Vec::new();
    let mut checked = 0;
    let is_source = |path: &PathBuf| !path.components().any(|c| c.as_os_str() == "golden");
    for path in files_below(&repository().join("templates"))
        .into_iter()
        .filter(is_source)
    {
        let is_template = path.extension().is_some_and(|e| e == "tera");
        let is_specification = path.file_name().is_some_and(|n| n == "renderer.yaml");
        if !is_template && !is_specification {
            continue;
        }
        let text = fs::read_to_string(&path).expect("is readable");
        let mut read: Vec<String> = tags(&text).into_iter().flat_map(fields_read).collect();
        if is_specification {
            read.extend(matched_fields(&text));
        }
        checked += read.len();
        let missing = read.into_iter().filter(|name| !fields.contains(name));
        unknown.extend(missing.map(|name| format!("{}: {name}", path.display())));
    }
    assert_eq!(unknown, Vec::<String>::new());
    assert!(checked > 200, "only {checked} fields were checked");
}

#[test]
fn an_app_that_sends_notifications_has_a_watchdog_and_no_probe() {
    let renderers = render::embedded().expect("are valid");
    let text = fs::read_to_string(repository().join("topology.yaml")).expect("is readable");
    let source = Source::new("topology.yaml", text);
    let generated = generate(&source, ".", &renderers, &mut Diagnostics::default());
    let tree = generated.expect("is valid").tree;
    let mut services = 0;
    for (path, file) in tree.iter() {
        let path = path.as_str();
        assert!(!path.ends_with("-probe.timer"), "{path}");
        if path.starts_with("systemd/") && path.ends_with("@.service") {
            let unit = String::from_utf8_lossy(&file.bytes);
            for line in ["Type=notify\n", "NotifyAccess=main\n", "WatchdogSec="] {
                assert!(unit.contains(line), "{path} has no {line}");
            }
            services += 1;
        }
    }
    assert_eq!(services, 3, "one for each pool");
}
