//! What was understood of a foreign file, before it is printed.

use crate::topology::choice::{Balance, Retry, Runtime};
use crate::topology::quantity::{ByteSize, Duration};

/// Everything that is printed. Every text in it has passed its type of
/// `topology`, save comments.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Its first comment, line by line.
    pub about: Vec<String>,
    /// Prefix of every unit.
    pub project: String,
    /// Machines.
    pub hosts: Vec<HostPlan>,
    /// Programs.
    pub apps: Vec<AppPlan>,
    /// Programs on ports.
    pub pools: Vec<PoolPlan>,
    /// Front doors.
    pub proxies: Vec<ProxyPlan>,
}

/// A machine.
#[derive(Clone, Debug, Default)]
pub struct HostPlan {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Processors, where they were asked about.
    pub cpus: Option<u16>,
    /// Whether the address is made up.
    pub guess: bool,
}

/// A program that opens its own port.
#[derive(Clone, Debug, PartialEq)]
pub struct AppPlan {
    /// Its name.
    pub name: String,
    /// Comments above it.
    pub about: Vec<String>,
    /// File to deploy.
    pub artifact: String,
    /// The folder that becomes this file, where it is an archive.
    pub archive: Option<Archive>,
    /// What runs it.
    pub runtime: Runtime,
    /// Arguments.
    pub args: Vec<String>,
    /// Variables.
    pub env: Vec<(String, String)>,
    /// File with more of them.
    pub env_file: Option<String>,
    /// Bound of memory.
    pub memory: Option<ByteSize>,
    /// Longest stop.
    pub stop_timeout: Option<Duration>,
    /// Longest start.
    pub ready_timeout: Option<Duration>,
}

impl AppPlan {
    /// An app with nothing but a name, a file and what runs it.
    #[must_use]
    pub fn new(name: String, artifact: String, runtime: Runtime) -> Self {
        Self {
            name,
            about: Vec::new(),
            artifact,
            archive: None,
            runtime,
            args: Vec::new(),
            env: Vec::new(),
            env_file: None,
            memory: None,
            stop_timeout: None,
            ready_timeout: None,
        }
    }
}

/// A folder that is deployed as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Archive {
    /// The folder, as seen from the topology's own.
    pub folder: String,
    /// The file in it that is run.
    pub main: String,
    /// The command that makes the archive.
    pub build: String,
}

/// How a pool's processes share its ports.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sharing {
    /// One process for each port.
    Fork,
    /// The app is the master of its own workers.
    OwnCluster,
}

/// A program on ports.
#[derive(Clone, Debug)]
pub struct PoolPlan {
    /// Its name.
    pub name: String,
    /// Comments above it.
    pub about: Vec<String>,
    /// The app it runs.
    pub app: String,
    /// Mode.
    pub sharing: Sharing,
    /// Hosts; empty means all.
    pub hosts: Vec<String>,
    /// Ports, sorted.
    pub ports: Vec<u16>,
}

/// A front door.
#[derive(Clone, Debug, Default)]
pub struct ProxyPlan {
    /// Its name.
    pub name: String,
    /// Comments above it.
    pub about: Vec<String>,
    /// Hosts; empty means all.
    pub hosts: Vec<String>,
    /// Where it listens.
    pub listen: Option<String>,
    /// Certificate, key, and where plain HTTP is redirected from.
    pub tls: Option<(String, String, Option<String>)>,
    /// Status port, where the usual one is taken.
    pub status: Option<u16>,
    /// Names it answers to.
    pub server_names: Vec<String>,
    /// Largest body.
    pub max_body: Option<ByteSize>,
    /// Keys of `timeouts`.
    pub timeouts: Vec<(&'static str, Duration)>,
    /// Most requests of one client address.
    pub rate_limit: Option<RateLimitPlan>,
    /// Load balancers in front.
    pub trusted_proxies: Vec<String>,
    /// Whether they report the client address by the PROXY protocol.
    pub proxy_protocol: bool,
    /// Whether compression is switched off.
    pub uncompressed: bool,
    /// Headers of answers.
    pub headers: Vec<(String, String)>,
    /// Paths.
    pub routes: Vec<RoutePlan>,
}

/// Most requests of one client address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RateLimitPlan {
    /// `10/s` or `300/m`.
    pub rate: String,
    /// Requests that may come at once beyond it.
    pub burst: u16,
}

/// A path and its pool.
#[derive(Clone, Debug, Default)]
pub struct RoutePlan {
    /// The path.
    pub path: String,
    /// The pool.
    pub pool: String,
    /// How it balances, where that is not in turn.
    pub balance: Option<Balance>,
    /// What replaces the path.
    pub rewrite: Option<String>,
    /// Keys of `timeouts` that differ from those of the proxy.
    pub timeouts: Vec<(&'static str, Duration)>,
    /// Largest body, where it differs from that of the proxy.
    pub max_body: Option<ByteSize>,
    /// Most requests of one client address.
    pub rate_limit: Option<RateLimitPlan>,
    /// Which requests are sent again, where that is not `safe`.
    pub retry: Option<Retry>,
}

/// Variables that a runtime reads options from, so that two values can stand side by side.
const OPTIONS: [&str; 2] = ["JAVA_TOOL_OPTIONS", "NODE_OPTIONS"];

/// Each variable once: options are joined, of everything else the last value counts.
pub(super) fn once(env: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut merged: Vec<(String, String)> = Vec::new();
    for (name, value) in env {
        match merged.iter_mut().find(|(known, _)| *known == name) {
            Some((_, before)) if OPTIONS.contains(&name.as_str()) => {
                before.push(' ');
                before.push_str(&value);
            }
            Some((_, before)) => *before = value,
            None => merged.push((name, value)),
        }
    }
    merged
}
