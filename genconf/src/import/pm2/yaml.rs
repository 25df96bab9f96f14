//! Parses ecosystem files in YAML to JSON values.

use serde_json::{Map, Value};

use crate::import::ImportError;
use crate::source::{Entry, Kind, Node, Source, read as nodes};

/// The merge key of YAML 1.1.
const MERGE: &str = "<<";

/// Parses a file.
pub(super) fn read(source: &Source) -> Result<Value, ImportError> {
    match nodes(source) {
        Ok(root) => Ok(value(&root)),
        Err(error) => {
            let message = format!("invalid YAML: {}", error.message);
            Err(ImportError::new(message).at(source.position(error.span.start)))
        }
    }
}

/// Converts a node. Numbers remain strings, because every key accepts them.
fn value(node: &Node) -> Value {
    match &node.kind {
        _ if node.is_null() => Value::Null,
        Kind::Scalar { text, plain } => match text.as_str() {
            "true" if *plain => Value::Bool(true),
            "false" if *plain => Value::Bool(false),
            text => Value::String(text.to_owned()),
        },
        Kind::Sequence(nodes) => nodes.iter().map(|n| value(n)).collect(),
        Kind::Mapping(entries) => Value::Object(mapping(entries)),
    }
}

/// Converts a mapping. Its own keys override merged keys; of these, the first is used.
fn mapping(entries: &[Entry]) -> Map<String, Value> {
    let mut map = Map::new();
    let (merged, own): (Vec<_>, Vec<_>) = entries.iter().partition(|e| e.key.text() == Some(MERGE));
    for Entry { key, value: node } in own {
        if let Some(key) = key.text() {
            map.insert(key.to_owned(), value(node));
        }
    }
    for Entry { value: node, .. } in merged {
        let one = std::slice::from_ref(node);
        let all = if node.elements().is_empty() {
            one
        } else {
            node.elements()
        };
        for merged in all {
            if let Kind::Mapping(entries) = &merged.kind {
                for (key, value) in mapping(entries) {
                    map.entry(key).or_insert(value);
                }
            }
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_is_converted_to_json() {
        let text =
            "base: &b { a: 1, b: yes }\nn: ~\nt: true\nq: \"true\"\nm: { <<: *b, a: [2, false] }";
        let read = read(&Source::new("e.yml", text)).expect("is YAML");
        let expected = serde_json::json!({
            "base": { "a": "1", "b": "yes" },
            "n": null,
            "t": true,
            "q": "true",
            "m": { "a": ["2", false], "b": "yes" },
        });
        assert_eq!(read, expected);
    }
}
