//! The environment variables of an entry.

use serde_json::{Map, Value};

use super::value;
use crate::import::port_argument::{IS_PLACEHOLDER, PLACEHOLDER};
use crate::import::{Finding, Options, reserved_variable};
use crate::topology::decode::Scalar as _;
use crate::topology::text::{EnvName, Text};

/// `env` overridden by the selected environment. Invalid and reserved variables are skipped, except
/// PORT.
pub(super) fn environment(
    label: &str,
    entry: &Map<String, Value>,
    options: &Options,
    findings: &mut Vec<Finding>,
) -> Vec<(String, String)> {
    let selected = format!("env_{}", options.environment);
    let maps = ["env", &selected].map(|key| entry.get(key).and_then(Value::as_object));
    let merged: Map<String, Value> = maps
        .into_iter()
        .flatten()
        .flatten()
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let mut env = Vec::new();
    for (name, value) in &merged {
        let subject = format!("{label}: `env.{name}`");
        let text = match variable(name, value) {
            Ok(text) => text,
            Err(reason) => {
                findings.push(Finding::skipped(subject, reason));
                continue;
            }
        };
        if is_secret(name) {
            let reason = "the value may be a secret and is in the topology: move it to a file and set `env_file`";
            findings.push(Finding::adjusted(&subject, reason));
        }
        if text.contains(PLACEHOLDER) {
            findings.push(Finding::adjusted(&subject, IS_PLACEHOLDER));
        }
        env.push((name.clone(), text));
    }
    env
}

/// The value of a variable, or the reason to skip it.
fn variable(name: &str, value: &Value) -> Result<String, String> {
    if let Some(reason) = reserved_variable::reason(name) {
        return Err(reason.to_owned());
    }
    let text = value::text(value);
    let text = text.ok_or("expected a string, a number, or a boolean")?;
    EnvName::read(name).map_err(|reason| reason.to_string())?;
    Text::read(&text).map_err(|reason| reason.to_string())?;
    Ok(text)
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    [
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "TOKEN",
        "API_KEY",
        "PRIVATE_KEY",
    ]
    .iter()
    .any(|word| name.contains(word))
}
