//! What the server was told: flags, `RANDOMS_*` variables and `.env`, judged
//! once and reported all at once.

mod flag;
mod source;
mod value;

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

pub(crate) use flag::Flags;
use source::{EnvFile, Sources, variable_of};
pub use source::{Fault, Origin};
pub use value::{Address, LogForm, Mode, Workers};
use value::{Count, Span};

const NAMES: [&str; 13] = [
    "port",
    "listen",
    "mode",
    "workers",
    "threads",
    "drain",
    "grace",
    "log",
    "max-connections",
    "max-header",
    "request-timeout",
    "idle-timeout",
    "respawn",
];

/// Everything a process needs to know before it starts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen when no socket was handed over.
    pub address: Address,
    /// One process, or a master with workers.
    pub mode: Mode,
    /// Workers of a cluster.
    pub workers: Workers,
    /// Runtime threads of a process.
    pub threads: usize,
    /// The longest time from SIGTERM to the end of the process.
    pub drain: Duration,
    /// Form of the log lines.
    pub log: LogForm,
    /// What a client may take from a process.
    pub limits: Limits,
    /// First pause before a worker that keeps dying is replaced.
    pub respawn: Duration,
}

/// What a client may take from a process.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections open at once.
    pub connections: usize,
    /// Bytes of a request head.
    pub header: usize,
    /// Time for a head or body to arrive, or for an answer to be taken.
    pub request: Duration,
    /// Time a connection may stay open without a request.
    pub idle: Duration,
    /// Time idle connections are left open for their peer to close after SIGTERM.
    pub grace: Duration,
}

impl Settings {
    /// Reads the flags given, the process environment and `./.env`.
    pub(crate) fn load(flags: &Flags) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let file = EnvFile::read(Path::new(".env"), &mut faults);
        let sources = Sources {
            flags,
            environment: &|name| std::env::var(name).ok(),
            file: &file,
        };
        report_unknown(&file, &mut faults);
        Self::resolve(&sources, faults)
    }

    fn resolve(sources: &Sources<'_>, faults: Vec<Fault>) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader { sources, faults };
        let settings = Self {
            address: reader.address(),
            mode: reader.read("mode", Mode::default()),
            workers: reader.read("workers", Workers::default()),
            threads: reader.read("threads", Count(1)).0,
            drain: reader.read("drain", Span(Duration::from_secs(10))).0,
            log: reader.read("log", LogForm::default()),
            limits: reader.limits(),
            respawn: reader.read("respawn", Span(Duration::from_millis(100))).0,
        };
        if reader.faults.is_empty() {
            Ok(settings)
        } else {
            Err(reader.faults)
        }
    }
}

/// A misspelt name in `.env` would otherwise be silence. The environment is
/// not checked: platforms put `RANDOMS_SERVICE_HOST` and the like there.
fn report_unknown(file: &EnvFile, faults: &mut Vec<Fault>) {
    for (name, line) in file.names() {
        let known = NAMES.iter().any(|setting| variable_of(setting) == name);
        if name.starts_with("RANDOMS_") && !known {
            faults.push(Fault {
                origin: Origin::File(line, name.to_owned()),
                value: name.to_owned(),
                reason: format!("no such setting; known are {}", known_variables()),
            });
        }
    }
}

fn known_variables() -> String {
    NAMES.map(variable_of).join(", ")
}

struct Reader<'a> {
    sources: &'a Sources<'a>,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn read<T>(&mut self, setting: &str, default: T) -> T
    where
        T: FromStr<Err = &'static str>,
    {
        let Some((value, origin)) = self.sources.find(setting) else {
            return default;
        };
        value.parse().unwrap_or_else(|reason| {
            self.fault(origin, value, reason);
            default
        })
    }

    fn fault(&mut self, origin: Origin, value: String, reason: &str) {
        self.faults.push(Fault {
            origin,
            value,
            reason: reason.to_owned(),
        });
    }

    fn address(&mut self) -> Address {
        let port = match self.sources.find("port") {
            None => 8080,
            Some((value, origin)) => value.parse().unwrap_or_else(|_| {
                self.fault(origin, value, "expected a number from 0 to 65535");
                0
            }),
        };
        match self.sources.find("listen") {
            None => match self.sources.host() {
                Some(ip) => Address::Tcp((ip, port).into()),
                None => Address::Any(port),
            },
            Some((value, origin)) => Address::read(&value, port).unwrap_or_else(|reason| {
                self.fault(origin, value, reason);
                Address::Any(port)
            }),
        }
    }

    fn limits(&mut self) -> Limits {
        Limits {
            connections: self.read("max-connections", Count(20_000)).0,
            header: self.read("max-header", Count(16_384)).0,
            request: self
                .read("request-timeout", Span(Duration::from_secs(10)))
                .0,
            // Longer than the 60 s for which nginx keeps an idle upstream
            // connection (ngx_http_upstream_module, keepalive_timeout), so
            // that the proxy closes first and never sends into a closing one.
            idle: self.read("idle-timeout", Span(Duration::from_secs(75))).0,
            // Longer than the 300 ms after which the rendered proxies close an
            // idle upstream connection, with room for a proxy that is stalled.
            grace: self.read("grace", Span(Duration::from_secs(2))).0,
        }
    }
}

#[cfg(test)]
mod tests;
