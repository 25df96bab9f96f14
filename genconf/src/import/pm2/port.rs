//! The port of an entry: in its arguments, its variables, or its key `port`.

use serde_json::{Map, Value};

use super::value;
use crate::import::listen_address::addresses;
use crate::import::port_argument::{PLACEHOLDER, PortArgument};
use crate::import::ports::FIRST;
use crate::import::program::Program;
use crate::import::{Finding, bind_address, shell_command};

/// Variables with the port that the app listens on.
const PORT_VARIABLES: [&str; 26] = [
    "PORT",
    "APP_PORT",
    "SERVER_PORT",
    "HTTP_PORT",
    "API_PORT",
    "NODE_PORT",
    "LISTEN_PORT",
    "WEB_PORT",
    "SERVICE_PORT",
    "APPLICATION_PORT",
    "BACKEND_PORT",
    "FRONTEND_PORT",
    "EXPRESS_PORT",
    "FASTIFY_PORT",
    "NEST_PORT",
    "NEXT_PORT",
    "NITRO_PORT",
    "NUXT_PORT",
    "UVICORN_PORT",
    "FLASK_RUN_PORT",
    "STREAMLIT_SERVER_PORT",
    "PM2_SERVE_PORT",
    "SOCKET_PORT",
    "WEBSOCKET_PORT",
    "WS_PORT",
    "port",
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

/// Variables with arguments of the app.
const ARGUMENT_VARIABLES: [&str; 1] = ["GUNICORN_CMD_ARGS"];

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
        let variables = Variable::all(entry, env);
        let port = argument.as_ref().map(|found| found.port);
        let port = port
            .or_else(|| variables.first()?.port)
            .or_else(|| key(entry));
        let mut values = Vec::new();
        let words = argument.into_iter().flat_map(|found| found.replaced);
        values.extend(words.map(|words| format!("argument `{words}`")));
        let mut findings = addresses_of(label, program);
        for variable in variables.into_iter().filter(|found| found.port == port) {
            values.extend(variable.replace_in(label, env, &mut findings));
        }
        if port.is_none() {
            findings.extend(possible_ports(label, env));
        }
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

/// Findings about addresses in the arguments that the proxy does not connect to.
fn addresses_of(label: &str, program: &mut Program) -> Vec<Finding> {
    let found = program.adjust_addresses().into_iter();
    let subject = |words: String| format!("{label}: argument `{words}`");
    found
        .map(|(words, reason)| Finding::adjusted(subject(words), reason))
        .collect()
}

/// Findings about variables that can be the port of an entry without one. Most are ports of other
/// servers, so they are imported without a change.
fn possible_ports<'e>(
    label: &'e str,
    env: &'e [(String, String)],
) -> impl Iterator<Item = Finding> + use<'e> {
    let is_port = |(name, value): &&(String, String)| {
        name.to_ascii_uppercase().ends_with("PORT") && number(value).is_some_and(|p| p >= FIRST)
    };
    env.iter().filter(is_port).map(move |(name, value)| {
        let subject = format!("{label}: `env.{name}`");
        let reason = format!(
            "if the app listens on this port, set `ports: [{value}]` in its pool and `{name}: \"{PLACEHOLDER}\"` in its `env`"
        );
        Finding::adjusted(subject, reason)
    })
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

/// A port, or that of `${PORT:-3000}`.
fn number(text: &str) -> Option<u16> {
    let port = text.trim().parse().ok().filter(|port| *port > 0);
    port.or_else(|| shell_command::default_port(text))
}

/// The port in arguments, and the arguments with the placeholder. Those with quotes are not changed.
fn in_arguments(line: &str) -> Option<(u16, String)> {
    let mut words: Vec<_> = line.split(' ').map(str::to_owned).collect();
    let argument = PortArgument::of_option(&words).filter(|_| !line.contains(['"', '\'', '\\']))?;
    let port = argument.port;
    argument.replace_in(&mut words);
    Some((port, words.join(" ")))
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
    /// The variables with a port. The first one is that of `increment_var`, which can have none.
    fn all(entry: &Map<String, Value>, env: &[(String, String)]) -> Vec<Self> {
        let increment = value::first(entry, &["increment_var"]);
        let increment = increment.filter(|name| name != "PORT").map(|name| {
            let value = env.iter().find(|(known, _)| *known == name);
            let port = value.and_then(|(_, value)| number(value));
            let replacement = PLACEHOLDER.to_owned();
            Self {
                name,
                port,
                replacement,
            }
        });
        let is_other = |found: &Self| {
            increment
                .as_ref()
                .is_none_or(|first| first.name != found.name)
        };
        let known: Vec<_> = Self::known(env).filter(is_other).collect();
        increment.into_iter().chain(known).collect()
    }

    /// Known variables with a port.
    fn known(env: &[(String, String)]) -> impl Iterator<Item = Self> + use<'_> {
        let value = |name: &str| env.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let found = |name: &str, (port, replacement): (u16, String)| Self {
            name: name.to_owned(),
            port: Some(port),
            replacement,
        };
        let plain = move |name: &&str| {
            let port = number(value(name)?)?;
            Some(found(name, (port, PLACEHOLDER.to_owned())))
        };
        let ports = PORT_VARIABLES.iter().filter_map(plain);
        let addressed = ADDRESS_VARIABLES
            .iter()
            .filter_map(move |name| Some(found(name, addresses(value(name)?)?)));
        let arguments = ARGUMENT_VARIABLES
            .iter()
            .filter_map(move |name| Some(found(name, in_arguments(value(name)?)?)));
        ports.chain(addressed).chain(arguments)
    }

    /// Replaces the port in the variable. Returns the variable, unless it is PORT.
    fn replace_in(
        self,
        label: &str,
        env: &mut [(String, String)],
        findings: &mut Vec<Finding>,
    ) -> Option<String> {
        self.port.filter(|_| self.name != "PORT")?;
        let (name, value) = env.iter_mut().find(|(name, _)| *name == self.name)?;
        let mut address = [self.replacement];
        for (_, reason) in bind_address::adjust(&mut address) {
            findings.push(Finding::adjusted(format!("{label}: `env.{name}`"), reason));
        }
        [*value] = address;
        Some(format!("variable `{}`", self.name))
    }
}
