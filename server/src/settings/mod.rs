//! The settings: flags, `RANDOMS_*` variables, and `.env`. All invalid values are
//! reported together.

mod flag;
mod source;
mod value;

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

pub(crate) use flag::Flags;
use source::{EnvFile, Sources, variable_of};
pub use source::{Origin, SettingError};
pub use value::{Address, LogFormat, Mode, Workers};
use value::{Count, TimeSpan};

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

/// The settings of a process.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address to bind if no socket is passed.
    pub address: Address,
    /// A single process, or a supervisor with workers.
    pub mode: Mode,
    /// Number of workers of a cluster.
    pub workers: Workers,
    /// Number of runtime threads of a process.
    pub threads: usize,
    /// Maximum time from SIGTERM to the exit of the process.
    pub drain: Duration,
    /// Format of log lines.
    pub log: LogFormat,
    /// Limits on clients.
    pub limits: Limits,
    /// First restart delay of a worker that exits repeatedly.
    pub respawn: Duration,
}

/// Limits on clients.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Maximum number of open connections.
    pub connections: usize,
    /// Maximum size of a request head in bytes.
    pub header: usize,
    /// Maximum time to receive a request head or body, or until the client reads the response.
    pub request: Duration,
    /// Maximum time without a request on a connection.
    pub idle: Duration,
    /// Time for which idle connections stay open after SIGTERM, so that their peer closes them first.
    pub grace: Duration,
}

impl Settings {
    /// Reads the flags, the process environment, and `./.env`.
    pub(crate) fn load(flags: &Flags) -> Result<Self, Vec<SettingError>> {
        let mut errors = Vec::new();
        let file = EnvFile::read(Path::new(".env"), &mut errors);
        let sources = Sources {
            flags,
            environment: &|name| std::env::var(name).ok(),
            file: &file,
        };
        report_unknown(&file, &mut errors);
        Self::resolve(&sources, errors)
    }

    fn resolve(
        sources: &Sources<'_>,
        errors: Vec<SettingError>,
    ) -> Result<Self, Vec<SettingError>> {
        let mut reader = Reader { sources, errors };
        let settings = Self {
            address: reader.address(),
            mode: reader.read("mode", Mode::default()),
            workers: reader.read("workers", Workers::default()),
            threads: reader.read("threads", Count(1)).0,
            drain: reader.read("drain", TimeSpan(Duration::from_secs(10))).0,
            log: reader.read("log", LogFormat::default()),
            limits: reader.limits(),
            respawn: reader
                .read("respawn", TimeSpan(Duration::from_millis(100)))
                .0,
        };
        if reader.errors.is_empty() {
            Ok(settings)
        } else {
            Err(reader.errors)
        }
    }
}

/// Reports unknown names in `.env`. The environment is not checked, because
/// platforms such as Kubernetes set variables like `RANDOMS_SERVICE_HOST`.
fn report_unknown(file: &EnvFile, errors: &mut Vec<SettingError>) {
    for (name, line) in file.names() {
        let known = NAMES.iter().any(|setting| variable_of(setting) == name);
        if name.starts_with("RANDOMS_") && !known {
            errors.push(SettingError {
                origin: Origin::EnvLine(line, None),
                expected: format!("one of {}", known_variables()),
                found: name.to_owned(),
            });
        }
    }
}

fn known_variables() -> String {
    NAMES.map(variable_of).join(", ")
}

struct Reader<'a> {
    sources: &'a Sources<'a>,
    errors: Vec<SettingError>,
}

impl Reader<'_> {
    fn read<T>(&mut self, setting: &str, default: T) -> T
    where
        T: FromStr<Err = &'static str>,
    {
        let Some((value, origin)) = self.sources.find(setting) else {
            return default;
        };
        value.parse().unwrap_or_else(|expected| {
            self.report(origin, expected, value);
            default
        })
    }

    fn report(&mut self, origin: Origin, expected: &str, found: String) {
        self.errors.push(SettingError {
            origin,
            expected: expected.to_owned(),
            found,
        });
    }

    fn address(&mut self) -> Address {
        let port = match self.sources.find("port") {
            None => 8080,
            Some((value, origin)) => value.parse().unwrap_or_else(|_| {
                self.report(origin, "a number from 0 to 65535", value);
                0
            }),
        };
        match self.sources.find("listen") {
            None => match self.sources.host() {
                Some(ip) => Address::Tcp((ip, port).into()),
                None => Address::Any(port),
            },
            Some((value, origin)) => Address::parse(&value, port).unwrap_or_else(|expected| {
                self.report(origin, expected, value);
                Address::Any(port)
            }),
        }
    }

    fn limits(&mut self) -> Limits {
        Limits {
            connections: self.read("max-connections", Count(20_000)).0,
            header: self.read("max-header", Count(16_384)).0,
            request: self
                .read("request-timeout", TimeSpan(Duration::from_secs(10)))
                .0,
            // Longer than the 60 s for which nginx keeps an idle upstream connection
            // open by default (ngx_http_upstream_module, keepalive_timeout), so that
            // the proxy closes first and does not send on a closing connection.
            idle: self
                .read("idle-timeout", TimeSpan(Duration::from_secs(75)))
                .0,
            // Longer than the 300 ms after which the rendered proxies close an idle
            // upstream connection, with a margin for a stalled proxy.
            grace: self.read("grace", TimeSpan(Duration::from_secs(2))).0,
        }
    }
}

#[cfg(test)]
mod tests;
