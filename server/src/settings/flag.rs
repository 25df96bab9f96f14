//! The flags a person types. They are read as text: a value is judged once,
//! wherever it came from, by the newtypes of this room.

/// A random-number HTTP service in fork and cluster layouts.
///
/// Each option can also be given as a variable `RANDOMS_<OPTION>` in the
/// environment or in a `.env` file of the working directory. A flag wins over
/// the environment, the environment over `.env`.
#[derive(Debug, Default, clap::Parser)]
#[command(name = "randoms", version)]
pub(crate) struct Flags {
    /// Port to bind on all addresses; 0 lets the kernel choose [default: 8080]
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
    /// Address to bind: `IP`, `IP:PORT` or `unix:/PATH`
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// `fork`: one process · `cluster`: workers behind one port [default: fork]
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// Number of cluster workers, or `max` for one per processor [default: max]
    #[arg(long, value_name = "N|max")]
    workers: Option<String>,
    /// Runtime threads of each process [default: 1]
    #[arg(long, value_name = "N")]
    threads: Option<String>,
    /// How long a stopping process may finish what it accepted [default: 10s]
    #[arg(long, value_name = "TIME")]
    drain: Option<String>,
    /// How long idle connections are left open for their peer to close after
    /// SIGTERM, within the time of `--drain` [default: 2s]
    #[arg(long, value_name = "TIME")]
    grace: Option<String>,
    /// Form of the log lines: `text` or `json` [default: text]
    #[arg(long, value_name = "FORM")]
    log: Option<String>,
    /// Connections open at once in each process [default: 20000]
    #[arg(long, value_name = "N")]
    max_connections: Option<String>,
    /// Bytes a request head may have [default: 16384]
    #[arg(long, value_name = "BYTES")]
    max_header: Option<String>,
    /// How long a request head or body may take to arrive, and an answer to
    /// be taken [default: 10s]
    #[arg(long, value_name = "TIME")]
    request_timeout: Option<String>,
    /// How long a connection may stay open without a request [default: 75s]
    #[arg(long, value_name = "TIME")]
    idle_timeout: Option<String>,
    /// First pause before a worker that keeps dying is replaced; doubles with
    /// each death, up to 64 times this [default: 100ms]
    #[arg(long, value_name = "TIME")]
    respawn: Option<String>,
}

impl Flags {
    /// The flag's value as typed, by the name of the setting.
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
