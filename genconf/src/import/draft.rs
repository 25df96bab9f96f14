//! An imported topology before it is printed.

use crate::topology::choice::{Balance, Retry, Runtime};
use crate::topology::quantity::{ByteSize, Duration};

/// A topology to print. The types of `topology` accept every value except comments.
#[derive(Clone, Debug, Default)]
pub struct TopologyDraft {
    /// Lines of the comment at the top.
    pub comments: Vec<String>,
    /// Project name.
    pub project: String,
    /// Hosts.
    pub hosts: Vec<HostDraft>,
    /// Apps.
    pub apps: Vec<AppDraft>,
    /// Pools.
    pub pools: Vec<PoolDraft>,
    /// Proxies.
    pub proxies: Vec<ProxyDraft>,
}

/// A host.
#[derive(Clone, Debug, Default)]
pub struct HostDraft {
    /// Name.
    pub name: String,
    /// IP address.
    pub address: String,
    /// CPUs, if the number of instances depends on them.
    pub cpus: Option<u16>,
    /// Whether the address is a placeholder.
    pub is_placeholder: bool,
}

/// An app that binds its own port.
#[derive(Clone, Debug, PartialEq)]
pub struct AppDraft {
    /// Name.
    pub name: String,
    /// Lines of its comment.
    pub comments: Vec<String>,
    /// File to deploy.
    pub artifact: String,
    /// Directory to archive, if the artifact is an archive.
    pub archive: Option<Archive>,
    /// Runtime.
    pub runtime: Runtime,
    /// Arguments.
    pub args: Vec<String>,
    /// Environment variables.
    pub env: Vec<(String, String)>,
    /// Environment file.
    pub env_file: Option<String>,
    /// Memory limit.
    pub memory: Option<ByteSize>,
    /// Stop timeout.
    pub stop_timeout: Option<Duration>,
    /// Start timeout.
    pub ready_timeout: Option<Duration>,
}

impl AppDraft {
    /// An app with a name, an artifact, and a runtime.
    #[must_use]
    pub fn new(name: String, artifact: String, runtime: Runtime) -> Self {
        Self {
            name,
            comments: Vec::new(),
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

/// A directory that is deployed as an archive.
#[derive(Clone, Debug, PartialEq)]
pub struct Archive {
    /// The directory, relative to the topology's.
    pub directory: String,
    /// The file in it to run.
    pub main: String,
    /// The command that builds the archive.
    pub build: String,
}

/// Mode of a pool.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PoolMode {
    /// One process per port.
    Fork,
    /// The app supervises its own workers.
    AppCluster,
}

/// A pool.
#[derive(Clone, Debug)]
pub struct PoolDraft {
    /// Name.
    pub name: String,
    /// Lines of its comment.
    pub comments: Vec<String>,
    /// Name of its app.
    pub app: String,
    /// Mode.
    pub mode: PoolMode,
    /// Hosts; empty for all.
    pub hosts: Vec<String>,
    /// Ports, sorted.
    pub ports: Vec<u16>,
}

/// A proxy.
#[derive(Clone, Debug, Default)]
pub struct ProxyDraft {
    /// Name.
    pub name: String,
    /// Lines of its comment.
    pub comments: Vec<String>,
    /// Hosts; empty for all.
    pub hosts: Vec<String>,
    /// Listen address.
    pub listen: Option<String>,
    /// Certificate, key, and HTTP listener to redirect.
    pub tls: Option<(String, String, Option<String>)>,
    /// Status port, if the default one is in use.
    pub status_port: Option<u16>,
    /// Server names.
    pub server_names: Vec<String>,
    /// Largest request body.
    pub max_body: Option<ByteSize>,
    /// Keys of `timeouts`.
    pub timeouts: Vec<(&'static str, Duration)>,
    /// Rate limit per client address.
    pub rate_limit: Option<RateLimitDraft>,
    /// Addresses of load balancers in front.
    pub trusted_proxies: Vec<String>,
    /// Whether load balancers use the PROXY protocol.
    pub proxy_protocol: bool,
    /// Whether compression is off.
    pub uncompressed: bool,
    /// Response headers.
    pub headers: Vec<(String, String)>,
    /// Lines of `raw.global`.
    pub raw_global: Vec<String>,
    /// Lines of `raw.server`.
    pub raw_server: Vec<String>,
    /// Routes.
    pub routes: Vec<RouteDraft>,
}

/// A rate limit per client address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RateLimitDraft {
    /// `10/s` or `300/m`.
    pub rate: String,
    /// Requests allowed above the rate.
    pub burst: u16,
}

/// A route.
#[derive(Clone, Debug, Default)]
pub struct RouteDraft {
    /// Path.
    pub path: String,
    /// Name of its pool.
    pub pool: String,
    /// Balancing method, unless it is `round_robin`.
    pub balance: Option<Balance>,
    /// Replacement of the path.
    pub rewrite: Option<String>,
    /// Keys of `timeouts` that differ from those of the proxy.
    pub timeouts: Vec<(&'static str, Duration)>,
    /// Largest request body, if it differs from that of the proxy.
    pub max_body: Option<ByteSize>,
    /// Rate limit per client address.
    pub rate_limit: Option<RateLimitDraft>,
    /// Requests that are retried, unless it is `safe`.
    pub retry: Option<Retry>,
}

/// Variables that contain options of a runtime, whose values can be joined.
const OPTION_VARIABLES: [&str; 2] = ["JAVA_TOOL_OPTIONS", "NODE_OPTIONS"];

/// Removes duplicate variables: options are joined, of other variables the last value is used.
pub(super) fn merge_duplicates(
    env: impl IntoIterator<Item = (String, String)>,
) -> Vec<(String, String)> {
    let mut merged: Vec<(String, String)> = Vec::new();
    for (name, value) in env {
        match merged.iter_mut().find(|(known, _)| *known == name) {
            Some((_, before)) if OPTION_VARIABLES.contains(&name.as_str()) => {
                before.push(' ');
                before.push_str(&value);
            }
            Some((_, before)) => *before = value,
            None => merged.push((name, value)),
        }
    }
    merged
}
