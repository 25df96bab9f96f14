//! The environment variables of an entry.

use serde_json::{Map, Value};

use super::value;
use crate::import::ports::{IS_PLACEHOLDER, PLACEHOLDER};
use crate::import::{Finding, Options};
use crate::topology::decode::Scalar as _;
use crate::topology::text::{EnvName, Text};

/// Variables with the port that the app listens on.
const PORT_VARIABLES: [&str; 7] = [
    "PORT",
    "APP_PORT",
    "SERVER_PORT",
    "HTTP_PORT",
    "API_PORT",
    "NODE_PORT",
    "LISTEN_PORT",
];

/// `env` overridden by the selected environment. Invalid variables are skipped.
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
        let Some(text) = value::text(value) else {
            findings.push(Finding::skipped(
                format!("{label}: `env.{name}`"),
                "expected a string, a number, or a boolean",
            ));
            continue;
        };
        if let Err(reason) = EnvName::read(name)
            .map(|_| ())
            .and(Text::read(&text).map(|_| ()))
        {
            findings.push(Finding::skipped(
                format!("{label}: `env.{name}`"),
                reason.to_string(),
            ));
            continue;
        }
        if is_secret(name) {
            let reason = "the value may be a secret and is in the topology: move it to a file and set `env_file`";
            findings.push(Finding::adjusted(format!("{label}: `env.{name}`"), reason));
        }
        if text.contains(PLACEHOLDER) {
            findings.push(Finding::adjusted(
                format!("{label}: `env.{name}`"),
                IS_PLACEHOLDER,
            ));
        }
        env.push((name.clone(), text));
    }
    env
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

/// The variable with the port, and the port.
pub(super) fn variable(
    entry: &Map<String, Value>,
    env: &[(String, String)],
) -> Option<(String, Option<u16>)> {
    let port = |name: &str| {
        let (_, value) = env.iter().find(|(n, _)| n == name)?;
        value.trim().parse::<u16>().ok().filter(|p| *p > 0)
    };
    let increment = value::first(entry, &["increment_var"]);
    if let Some(name) = increment.filter(|n| n != "PORT") {
        return Some((name.clone(), port(&name)));
    }
    let known = PORT_VARIABLES
        .iter()
        .find_map(|name| Some(((*name).to_owned(), Some(port(name)?))));
    known.or_else(|| {
        let port = entry.get("port").and_then(value::text)?.parse().ok()?;
        Some(("PORT".to_owned(), Some(port)))
    })
}
