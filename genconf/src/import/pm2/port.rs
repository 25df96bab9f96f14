//! The port of an entry: in its arguments, its variables, or its key `port`.

use serde_json::{Map, Value};

use super::value;
use crate::import::Finding;
use crate::import::port_argument::{PLACEHOLDER, addresses};
use crate::import::program::Program;

/// Variables with the port that the app listens on.
const PORT_VARIABLES: [&str; 12] = [
    "PORT",
    "APP_PORT",
    "SERVER_PORT",
    "HTTP_PORT",
    "API_PORT",
    "NODE_PORT",
    "LISTEN_PORT",
    "WEB_PORT",
    "UVICORN_PORT",
    "FLASK_RUN_PORT",
    "NITRO_PORT",
    "NUXT_PORT",
];

/// Variables with the address that the app listens on.
const ADDRESS_VARIABLES: [&str; 9] = [
    "LISTEN",
    "LISTEN_ADDR",
    "LISTEN_ADDRESS",
    "BIND",
    "BIND_ADDR",
    "BIND_ADDRESS",
    "ADDR",
    "HTTP_ADDR",
    "ASPNETCORE_URLS",
];

/// Reason to report a port that the port of the pool replaces.
const REPLACED: &str = "PORT is the port of each instance";

/// The port of an entry, and what the import did with the values that contain it.
#[derive(Clone, Debug, Default)]
pub(super) struct EntryPort {
    /// The port; `None` if the entry sets none.
    pub(super) port: Option<u16>,
    /// Arguments and variables with this port, except PORT.
    pub(super) values: Vec<String>,
    /// Other values for a port.
    pub(super) findings: Vec<Finding>,
}

impl EntryPort {
    /// Replaces the port in the arguments of `program` and in `env` with the placeholder, and removes
    /// PORT. Arguments precede variables, as in most frameworks.
    pub(super) fn take(
        label: &str,
        entry: &Map<String, Value>,
        program: &mut Program,
        env: &mut Vec<(String, String)>,
    ) -> Self {
        let argument = program.take_port();
        let variable = Variable::find(entry, env);
        let port = argument.as_ref().map(|found| found.port);
        let port = port
            .or_else(|| variable.as_ref()?.port)
            .or_else(|| key(entry));
        let mut values = Vec::new();
        let words = argument.and_then(|found| found.replaced);
        values.extend(words.map(|words| format!("argument `{words}`")));
        values.extend(variable.and_then(|found| found.replace_in(env, port)));
        let mut findings = Vec::new();
        if let Some(at) = env.iter().position(|(name, _)| name == "PORT") {
            let value = env.remove(at).1;
            findings.extend(other_value(&format!("{label}: `env.PORT`"), &value, port));
        }
        if let Some(value) = entry.get("port").filter(|value| !value.is_null()) {
            let value = value::text(value).unwrap_or_default();
            findings.extend(other_value(&format!("{label}: `port`"), &value, port));
        }
        Self {
            port,
            values,
            findings,
        }
    }
}

/// A finding about a value that is not the port of the entry.
fn other_value(subject: &str, value: &str, port: Option<u16>) -> Option<Finding> {
    match number(value) {
        None => {
            let reason = format!("`{value}` is not a port; {REPLACED}");
            Some(Finding::skipped(subject, reason))
        }
        written if written == port => None,
        Some(other) => Some(Finding::adjusted(format!("{subject}: {other}"), REPLACED)),
    }
}

fn number(text: &str) -> Option<u16> {
    text.trim().parse().ok().filter(|port| *port > 0)
}

/// The key `port`.
fn key(entry: &Map<String, Value>) -> Option<u16> {
    number(&value::text(entry.get("port")?)?)
}

/// A variable with a port.
struct Variable {
    name: String,
    /// The port; `None` if the value is not a port.
    port: Option<u16>,
    /// The value with the placeholder instead of the port.
    replacement: String,
}

impl Variable {
    /// The variable with the port: that of `increment_var`, or the first known one with a port.
    fn find(entry: &Map<String, Value>, env: &[(String, String)]) -> Option<Self> {
        let value = |name: &str| env.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let with_port = |name: &str, port: Option<u16>| Self {
            name: name.to_owned(),
            port,
            replacement: PLACEHOLDER.to_owned(),
        };
        let increment = value::first(entry, &["increment_var"]);
        if let Some(name) = increment.filter(|name| name != "PORT") {
            let port = value(&name).and_then(number);
            return Some(with_port(&name, port));
        }
        let mut ports = PORT_VARIABLES.iter();
        let port = ports.find_map(|name| Some(with_port(name, Some(number(value(name)?)?))));
        let mut addressed = ADDRESS_VARIABLES.iter();
        port.or_else(|| {
            addressed.find_map(|name| {
                let (port, replacement) = addresses(value(name)?)?;
                let name = (*name).to_owned();
                let port = Some(port);
                Some(Self {
                    name,
                    port,
                    replacement,
                })
            })
        })
    }

    /// Replaces the port in the variable if it is that of the entry. Returns the variable, unless it is
    /// PORT.
    fn replace_in(self, env: &mut [(String, String)], port: Option<u16>) -> Option<String> {
        self.port
            .filter(|own| Some(*own) == port && self.name != "PORT")?;
        let (_, value) = env.iter_mut().find(|(name, _)| *name == self.name)?;
        *value = self.replacement;
        Some(format!("variable `{}`", self.name))
    }
}
