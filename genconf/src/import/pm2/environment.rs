//! The environment variables of an entry.

use serde_json::{Map, Value};

use super::value;
use crate::import::port_argument::{IS_PLACEHOLDER, PLACEHOLDER};
use crate::import::shell_command::Assignments;
use crate::import::{Finding, Options, reserved_variable, secret};
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
    let maps = ["env", &selected].map(|key| {
        let value = entry.get(key).filter(|value| !value.is_null())?;
        if !value.is_object() {
            let subject = format!("{label}: `{key}`");
            let reason = "expected a mapping of names and values: write `env: { PORT: 3000 }`";
            findings.push(Finding::skipped(subject, reason));
        }
        value.as_object()
    });
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
        if secret::is_secret(name, &text) {
            findings.push(Finding::adjusted(&subject, secret::REASON));
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

/// Adds the variables at the start of a shell command to `env`.
pub(super) fn add_assigned(
    label: &str,
    assignments: &Assignments,
    env: &mut Vec<(String, String)>,
    findings: &mut Vec<Finding>,
) {
    for (name, reason) in &assignments.skipped {
        findings.push(Finding::skipped(format!("{label}: `{name}`"), *reason));
    }
    let port = assignments.port.iter();
    let port = port.map(|value| ("PORT".to_owned(), value.clone()));
    for (name, value) in assignments.env.iter().cloned().chain(port) {
        if secret::is_secret(&name, &value) {
            let subject = format!("{label}: `{name}`");
            findings.push(Finding::adjusted(subject, secret::REASON));
        }
        if let Some(at) = env.iter().position(|(known, _)| *known == name)
            && env.remove(at).1 != value
        {
            let subject = format!("{label}: `env.{name}`");
            let reason = "the command sets another value, which is imported";
            findings.push(Finding::skipped(subject, reason));
        }
        env.push((name, value));
    }
}
