//! Reference of the keys of topology.yaml, read from its JSON Schema.

use std::io;

use serde_json::Value;

use super::exit::Exit;
use super::streams::Streams;
use crate::topology::language_schema;

/// A key of the topology.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Key {
    /// Path from the root; `NAME` stands for a name that the user chooses.
    path: String,
    /// Description in the schema.
    description: String,
}

/// The keys with this path, or whose path ends with it. Names may be omitted: `pools.ports`.
pub(super) fn find(path: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    collect(&language_schema(), "", &mut keys);
    let wanted: Vec<&str> = path.split('.').collect();
    keys.retain(|key| {
        let steps: Vec<&str> = key.path.split('.').filter(|step| *step != NAME).collect();
        steps.ends_with(&wanted) || key.path == path
    });
    keys.dedup();
    keys
}

/// Stands for a name in a path.
const NAME: &str = "NAME";

/// Prints each key with its description.
pub(super) fn print(keys: &[Key], streams: &mut Streams<'_>) -> io::Result<Exit> {
    for key in keys {
        writeln!(streams.out, "{}\n    {}", key.path, key.description)?;
    }
    Ok(Exit::Success)
}

fn collect(schema: &Value, path: &str, keys: &mut Vec<Key>) {
    let join = |step: &str| match path {
        "" => step.to_owned(),
        _ => format!("{path}.{step}"),
    };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let description = property["description"].as_str().unwrap_or_default();
        keys.push(Key {
            path: join(name),
            description: description.to_owned(),
        });
        collect(property, &join(name), keys);
    }
    collect_below(schema, "additionalProperties", &join(NAME), keys);
    collect_below(schema, "items", path, keys);
    for choice in schema["anyOf"].as_array().into_iter().flatten() {
        collect(choice, path, keys);
    }
}

fn collect_below(schema: &Value, keyword: &str, path: &str, keys: &mut Vec<Key>) {
    if schema[keyword].is_object() {
        collect(&schema[keyword], path, keys);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_by_the_end_of_their_path() {
        let paths = |key: &str| find(key).into_iter().map(|k| k.path).collect::<Vec<_>>();
        assert_eq!(paths("pools.ports"), ["pools.NAME.ports"]);
        assert_eq!(paths("pools.NAME.ports"), ["pools.NAME.ports"]);
        assert_eq!(paths("no_such_key"), Vec::<String>::new());
    }
}
