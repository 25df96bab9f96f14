//! The command-line flags. They are read as text: the types in `value.rs` validate
//! the values of all sources.

/// A random-number HTTP service in fork and cluster layouts.
///
/// Each option can also be set as a variable `RANDOMS_<OPTION>` in the
/// environment or in a `.env` file in the working directory. Flags override the
/// environment, and the environment overrides `.env`.
#[derive(Debug, Default, clap::Parser)]
#[command(name = "randoms", version)]
pub(crate) struct Flags {
    /// Listen on this port on all addresses; 0 selects a free port [default: 8080]
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
    /// Listen on this address: `IP`, `IP:PORT`, or `unix:/PATH`
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Run one process (`fork`) or several workers on one port (`cluster`)
    /// [default: fork]
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// Set the number of cluster workers; `max` is one per CPU [default: max]
    #[arg(long, value_name = "N|max")]
    workers: Option<String>,
    /// Set the number of runtime threads of each process [default: 1]
    #[arg(long, value_name = "N")]
    threads: Option<String>,
    /// Limit the time from SIGTERM to the exit of a process [default: 10s]
    #[arg(long, value_name = "TIME")]
    drain: Option<String>,
    /// Keep idle connections open for this time after SIGTERM, so that their peer
    /// closes them first; limited by `--drain` [default: 2s]
    #[arg(long, value_name = "TIME")]
    grace: Option<String>,
    /// Set the format of log lines: `text` or `json` [default: text]
    #[arg(long, value_name = "FORMAT")]
    log: Option<String>,
    /// Limit the number of open connections of each process [default: 20000]
    #[arg(long, value_name = "N")]
    max_connections: Option<String>,
    /// Limit the size of a request head in bytes [default: 16384]
    #[arg(long, value_name = "BYTES")]
    max_header: Option<String>,
    /// Limit the time to receive a request head or body, and the time until the
    /// client reads the response [default: 10s]
    #[arg(long, value_name = "TIME")]
    request_timeout: Option<String>,
    /// Limit the time without a request on a connection [default: 75s]
    #[arg(long, value_name = "TIME")]
    idle_timeout: Option<String>,
    /// Set the first restart delay of a worker that exits repeatedly; it doubles
    /// with each exit, up to 64 times this value [default: 100ms]
    #[arg(long, value_name = "TIME")]
    respawn: Option<String>,
}

impl Flags {
    /// Returns the value of a flag, by the name of the setting.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let value = match name {
            "port" => &self.port,
            "listen" => &self.listen,
            "mode" => &self.mode,
            "workers" => &self.workers,
            "threads" => &self.threads,
            "drain" => &self.drain,
            "grace" => &self.grace,
            "log" => &self.log,
            "max-connections" => &self.max_connections,
            "max-header" => &self.max_header,
            "request-timeout" => &self.request_timeout,
            "idle-timeout" => &self.idle_timeout,
            "respawn" => &self.respawn,
            _ => return None,
        };
        value.as_deref()
    }
}
