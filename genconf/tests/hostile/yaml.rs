//! Readers of YAML: `serde_yaml` here, `PyYAML` in a separate process.

use serde_json::Value;
use serde_yaml::Value as Yaml;

use crate::token::{Token, token};

/// `text` as `serde_yaml` reads it, in the format of the `PyYAML` reader.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    plain(serde_yaml::from_str(text).map_err(|e| e.to_string())?)
}

fn plain(value: Yaml) -> Result<Value, String> {
    Ok(match value {
        Yaml::Tagged(tagged) if tagged.tag == "!unsafe" => {
            serde_json::json!({ "!unsafe": plain(tagged.value)? })
        }
        Yaml::Tagged(tagged) => return Err(format!("the tag {}", tagged.tag)),
        Yaml::Mapping(entries) => {
            let named = |(key, value): (Yaml, Yaml)| match key {
                Yaml::String(key) => Ok((key, plain(value)?)),
                other => Err(format!("the key {other:?} is not text")),
            };
            Value::Object(
                entries
                    .into_iter()
                    .map(named)
                    .collect::<Result<_, String>>()?,
            )
        }
        Yaml::Sequence(items) => {
            Value::Array(items.into_iter().map(plain).collect::<Result<_, _>>()?)
        }
        other => serde_json::to_value(other).map_err(|e| e.to_string())?,
    })
}

/// The texts of the template that Ansible evaluates.
const OWN: [&str; 2] = [
    "{{ genconf_apps }}",
    "{{ lookup('env', 'ANSIBLE_SSH_ARGS') or '-C -o ControlMaster=auto -o ControlPersist=60s' }} \
     -o ServerAliveInterval=5 -o ServerAliveCountMax=3",
];

/// The value as a flat list, entries in the order of their keys.
pub(crate) fn tokens(value: &Value) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    flatten(value, &mut tokens)?;
    Ok(tokens)
}

fn flatten(value: &Value, tokens: &mut Vec<Token>) -> Result<(), String> {
    match value {
        Value::Object(entries) => {
            if let Some(Value::String(text)) = entries.get("!unsafe") {
                tokens.push(token("text", text.as_str()));
                return Ok(());
            }
            tokens.push(token("{", ""));
            for (key, inner) in entries {
                tokens.push(token("key", key.as_str()));
                flatten(inner, tokens)?;
            }
            tokens.push(token("}", ""));
        }
        Value::Array(items) => {
            tokens.push(token("[", ""));
            items.iter().try_for_each(|inner| flatten(inner, tokens))?;
            tokens.push(token("]", ""));
        }
        Value::String(text)
            if !OWN.contains(&text.as_str())
                && ["{{", "{%", "{#"].iter().any(|o| text.contains(o)) =>
        {
            return Err(format!("Ansible would evaluate {text:?}"));
        }
        Value::String(text) => tokens.push(token("text", text.as_str())),
        other => tokens.push(token("number", other.to_string())),
    }
    Ok(())
}
