//! The variables of an entry.

use serde_json::{Map, Value};

use super::value;
use crate::import::ports::{EACH, IS_EACH};
use crate::import::{Note, Setting};
use crate::topology::decode::Leaf as _;
use crate::topology::text::{EnvName, Text};

/// Variables that tell a program its own port, and not another's.
const PORTS: [&str; 7] = [
    "PORT",
    "APP_PORT",
    "SERVER_PORT",
    "HTTP_PORT",
    "API_PORT",
    "NODE_PORT",
    "LISTEN_PORT",
];

/// `env` with the chosen environment over it, as far as units can give it.
pub(super) fn environment(
    label: &str,
    entry: &Map<String, Value>,
    setting: &Setting,
    notes: &mut Vec<Note>,
) -> Vec<(String, String)> {
    let chosen = format!("env_{}", setting.environment);
    let maps = ["env", &chosen].map(|key| entry.get(key).and_then(Value::as_object));
    let merged: Map<String, Value> = maps
        .into_iter()
        .flatten()
        .flatten()
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let mut env = Vec::new();
    for (name, value) in &merged {
        let Some(text) = value::text(value) else {
            notes.push(Note::left(
                format!("{label}: `env.{name}`"),
                "it is not a text, a number or a boolean",
            ));
            continue;
        };
        if let Err(why) = EnvName::read(name)
            .map(|_| ())
            .and(Text::read(&text).map(|_| ()))
        {
            notes.push(Note::left(
                format!("{label}: `env.{name}`"),
                why.to_string(),
            ));
            continue;
        }
        if is_secret(name) {
            let why = "it looks like a secret and is printed as it is: move it to a file and name that as `env_file`";
            notes.push(Note::changed(format!("{label}: `env.{name}`"), why));
        }
        if text.contains(EACH) {
            notes.push(Note::changed(format!("{label}: `env.{name}`"), IS_EACH));
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

/// The variable that tells the port, and the port.
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
    let known = PORTS
        .iter()
        .find_map(|name| Some(((*name).to_owned(), Some(port(name)?))));
    known.or_else(|| {
        let port = entry.get("port").and_then(value::text)?.parse().ok()?;
        Some(("PORT".to_owned(), Some(port)))
    })
}
