//! The topology: the value and the location of each key.
//!
//! This module decodes nodes of `source` and reports invalid ones to `diagnostic`. It applies no
//! defaults and resolves no names; `validate` checks the result.

pub mod address;
pub mod choice;
pub mod decode;
pub mod decoder;
pub mod default;
mod fields;
mod foreign;
pub mod health;
pub mod image;
pub mod invalid;
pub mod name;
pub mod network;
pub mod path;
pub mod quantity;
mod record;
mod renamed;
pub mod reserved;
pub mod schema;
pub mod text;
pub mod verbatim;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Kind, Node, Source, Spanned, read};
use address::{Address, Listen, PortRange};
use choice::{
    Balance, CheckType, Count, Engine, Mode, Os, Retry, Runtime, Supervisor, Switch, Transport,
    Version, Weight, Workers,
};
use decode::{Decode, Named, NonEmpty, OneOrMany};
use decoder::Decoder;
use health::{HostHeader, StatusRange};
use name::{AppName, HostName, PoolName, ProjectName, ProxyName, ServerName};
use network::Network;
use path::{ArtifactPath, FilePath, HostPath, InnerPath, KeyPath, UrlPath};
use quantity::{ByteSize, Duration, Rate};
use record::record;
use text::{EnvName, HeaderName, HeaderValue, Text};
use verbatim::{Command, Directive};

record! {
    /// One project: its hosts, apps, pools, and proxies.
    Topology, "topology" {
        /// Version of the topology format; 1.
        expected version: Spanned<Version>,
        /// Prefix of every systemd unit, and the directory under /opt, /etc, and /var/log.
        expected project: Spanned<ProjectName>,
        /// Hosts by name.
        expected hosts: NonEmpty<Named<HostName, Host>>,
        /// Apps by name.
        expected apps: NonEmpty<Named<AppName, App>>,
        /// Pools by name: apps on ports of hosts.
        expected pools: NonEmpty<Named<PoolName, Pool>>,
        /// Proxies by name.
        optional proxies: Named<ProxyName, Proxy>,
    }
}

record! {
    /// A host.
    Host, "host" {
        /// IP address that Ansible and the other hosts connect to.
        required address: Spanned<Address>,
        /// Number of CPUs. Default: 2.
        optional cpus: Spanned<Count>,
        /// Memory of the VM; if set, the memory limits of all instances must fit. Default: 1GiB.
        optional memory: Spanned<ByteSize>,
        /// Share of requests compared with the other hosts of a pool. Default: 1.
        optional weight: Spanned<Weight>,
        /// Operating system; selects directives that its nginx and HAProxy support. Default: directives that every supported system accepts.
        optional os: Spanned<Os>,
        /// Development host: allows apps with `watch: true`. Default: false.
        optional development: Spanned<Switch>,
    }
}

record! {
    /// An app: a program and how it runs.
    App, "app" {
        /// File to deploy, relative to the topology; a `.tar`, `.tar.gz`, or `.tgz` archive is unpacked on the host.
        required artifact: Spanned<ArtifactPath>,
        /// Command that builds the artifact, run in the directory of the topology.
        optional build: Spanned<Command>,
        /// Path of the program inside the archive.
        optional main: Spanned<InnerPath>,
        /// Arguments; `{port}` is replaced with the port of the instance. Default: none.
        optional args: Vec<Spanned<Text>>,
        /// Environment variables; `{port}` as in `args`. Default: none.
        optional env: Named<EnvName, Spanned<Text>>,
        /// File with more variables, relative to the topology; only root can read it on the host.
        optional env_file: Spanned<FilePath>,
        /// Program that runs the artifact. Default: native.
        optional runtime: Spanned<Runtime>,
        /// Image of a container, one of those in its artifact. Default tag: latest.
        optional image: image::SpannedImage,
        /// Port that the image listens on. Default: the port in `PORT`.
        optional container_port: Spanned<address::Port>,
        /// Sends `READY=1` and `WATCHDOG=1` to systemd (`sd_notify(3)`). Default: true for native, false otherwise.
        optional sd_notify: Spanned<Switch>,
        /// Uses socket activation (`LISTEN_FDS`). Default: true for native, false otherwise.
        optional socket_activation: Spanned<Switch>,
        /// Opens outbound connections, for example to a database. Default: false with socket activation, true otherwise.
        optional outbound: Spanned<Switch>,
        /// Provides a persistent directory, /var/lib/PROJECT/APP, in `STATE_DIRECTORY`. Default: false.
        optional state_directory: Spanned<Switch>,
        /// Health check: a path, or a mapping. Default: /health.
        optional health: Health,
        /// Time limit for a stop, including in-flight requests. Default: 10s.
        optional stop_timeout: Spanned<Duration>,
        /// Time limit from start to ready. Default: 30s.
        optional ready_timeout: Spanned<Duration>,
        /// Memory limit of one instance. Default: only the limit of all instances, 90% of the host.
        optional memory: Spanned<ByteSize>,
        /// Maximum number of threads and processes of one instance. Default: 512.
        optional tasks_max: Spanned<Count>,
        /// Deploys a new version when its file changes on the host; requires `development: true` on the host. Default: false.
        optional watch: Spanned<Switch>,
    }
}

/// The health check of an app: a path, or a mapping.
#[derive(Clone, Debug)]
pub struct Health(pub HealthCheck);

record! {
    /// The health check of an app.
    HealthCheck, "health check" {
        /// Path of the request. Default: /health.
        optional path: Spanned<UrlPath>,
        /// Status codes of a healthy instance: one code or range, or a list of them. Redirects are not followed. Default: 200-299.
        optional status: OneOrMany<Spanned<StatusRange>>,
        /// Host header of the request. Default: the first server name of a proxy that routes to the app, else localhost.
        optional host: Spanned<HostHeader>,
        /// Time without a successful check after which an instance is restarted. Default: 3s.
        optional timeout: Spanned<Duration>,
        /// Time between two checks. Default: 2s.
        optional interval: Spanned<Duration>,
        /// `watchdog`: the app sends `WATCHDOG=1`; `probe`: the monitor of the host requests the path. Default: watchdog with `sd_notify: true`, else probe.
        optional r#type: Spanned<CheckType>,
    }
}

impl Decode for Health {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        match node.kind {
            Kind::Mapping(_) => return HealthCheck::decode(node, decoder).map(Self),
            Kind::Sequence(_) => {
                decoder.wrong_shape(node, "a URL path or a mapping", &Self::example());
                return None;
            }
            Kind::Scalar { .. } => {}
        }
        if let Some(text @ ("true" | "false")) = node.text() {
            let invalid =
                invalid::Invalid::must("be a URL path or a mapping", "write `health: /health`");
            let span = node.span;
            decoder.invalid_value(&Spanned { value: text, span }, invalid);
            return None;
        }
        let path = Some(Spanned::<UrlPath>::decode(node, decoder)?);
        Some(Self(HealthCheck {
            path,
            status: None,
            host: None,
            timeout: None,
            interval: None,
            r#type: None,
            invalid: Vec::new(),
        }))
    }

    fn example() -> String {
        default::HEALTH.to_owned()
    }
}

impl schema::Described for Health {
    fn describe() -> serde_json::Value {
        serde_json::json!({ "anyOf": [Spanned::<UrlPath>::describe(), HealthCheck::describe()] })
    }
}

record! {
    /// An app on ports of hosts.
    Pool, "pool" {
        /// App of the instances.
        required app: Spanned<AppName>,
        /// `fork`: one process per port; `cluster`: several workers share each port. Default: fork.
        optional mode: Spanned<Mode>,
        /// Hosts that run it. Default: all.
        optional hosts: HostList,
        /// Ports and port ranges.
        expected ports: NonEmpty<Vec<Spanned<PortRange>>>,
        /// Workers per port of a cluster; `max` is one per CPU. Default: max.
        optional workers: Spanned<Workers>,
        /// Process that starts the workers of a cluster: `systemd` or the `app`. Default: systemd.
        optional supervisor: Spanned<Supervisor>,
        /// `tcp`: TCP ports; `unix`: Unix sockets named by the port numbers. Default: tcp.
        optional listen: Spanned<Transport>,
        /// Arguments of this pool, after those of the app. Default: none.
        optional args: Vec<Spanned<Text>>,
        /// Environment variables of this pool; they override those of the app. Default: none.
        optional env: Named<EnvName, Spanned<Text>>,
    }
}

record! {
    /// A proxy.
    Proxy, "proxy" {
        /// Program of the proxy. Default: nginx.
        optional engine: Spanned<Engine>,
        /// Hosts that run it. Default: all.
        optional hosts: HostList,
        /// Port on every IPv4 and IPv6 address, or address and port. Default: 80, with `tls` 443.
        optional listen: Spanned<Listen>,
        /// TLS settings. Default: no TLS.
        optional tls: Tls,
        /// Port of the status page on 127.0.0.1. Default: 9080 for the first proxy by name, 9081 for the next, and so on.
        optional status_port: Spanned<address::Port>,
        /// Server names; requests for any other name get `421`. Default: any name.
        optional server_name: NonEmpty<Vec<Spanned<ServerName>>>,
        /// Load balancing method of routes without `balance`. Default: `round_robin`.
        optional balance: Spanned<Balance>,
        /// Maximum size of a request body; HAProxy does not limit bodies without a `Content-Length`. Default: 1MiB.
        optional max_body: Spanned<ByteSize>,
        /// Timeouts.
        optional timeouts: Timeouts,
        /// Request limit per client address. Default: no limit.
        optional rate_limit: RateLimit,
        /// Addresses or networks of load balancers and CDNs in front. The client address, scheme, and host from their headers are used; those of other clients are replaced. Default: none.
        optional trusted_proxies: NonEmpty<Vec<Spanned<Network>>>,
        /// `trusted_proxies` send the client address with the PROXY protocol. Default: false.
        optional proxy_protocol: Spanned<Switch>,
        /// Compresses text responses for clients that accept gzip. Default: true.
        optional compress: Spanned<Switch>,
        /// Headers added to every response; they replace headers of the proxy with the same name. Default: none.
        optional headers: Named<HeaderName, Spanned<HeaderValue>>,
        /// Raw directives of the engine, not validated. Default: none.
        optional raw: Raw,
        /// Routes from paths to pools.
        expected routes: NonEmpty<Vec<Route>>,
    }
}

record! {
    /// TLS settings of a proxy.
    Tls, "tls" {
        /// Path of the PEM certificate chain on the host.
        required certificate: Spanned<HostPath>,
        /// Path of the PEM private key on the host; only root must be able to read it.
        required key: Spanned<KeyPath>,
        /// Port, or address and port, that redirects HTTP to HTTPS. Default: 80 on the address of `listen`.
        optional http_port: Spanned<Listen>,
        /// `max-age` of the HSTS header. Default: 24h.
        optional hsts: Spanned<Duration>,
    }
}

record! {
    /// Request limit per client, an IPv4 address or an IPv6 /64 network; requests beyond it get `429`.
    RateLimit, "rate_limit" {
        /// Requests per second or minute: `50/s`, `300/m`.
        required rate: Spanned<Rate>,
        /// Requests allowed at once beyond the rate. Default: 20.
        optional burst: Spanned<Count>,
    }
}

record! {
    /// Raw directives of the engine by section.
    Raw, "raw" {
        /// Section `http` of nginx, `global` of HAProxy.
        optional global: Vec<Spanned<Directive>>,
        /// Section `server` of nginx, `frontend` of HAProxy.
        optional server: Vec<Spanned<Directive>>,
    }
}

record! {
    /// Timeouts of a proxy.
    Timeouts, "timeouts" {
        /// Timeout for connecting to an instance; the next instance is tried afterwards. Default: 1s.
        optional connect: Spanned<Duration>,
        /// Timeout between two reads of a response; afterwards `504` without a retry. Default: 60s.
        optional read: Spanned<Duration>,
        /// Timeout between two writes of a request; HAProxy uses `read` for both directions. Default: 60s.
        optional send: Spanned<Duration>,
        /// Timeout between two transfers of a WebSocket, or of a request that accepts `text/event-stream`. Default: 1h.
        optional tunnel: Spanned<Duration>,
        /// Time limit for connections of old worker processes after a reload. Default: 1h.
        optional drain: Spanned<Duration>,
    }
}

record! {
    /// Timeouts of a route.
    RouteTimeouts, "timeouts" {
        /// Timeout between two reads of a response; afterwards `504` without a retry. Default: that of the proxy.
        optional read: Spanned<Duration>,
        /// Timeout between two writes of a request; HAProxy uses `read` for both directions. Default: that of the proxy.
        optional send: Spanned<Duration>,
        /// Timeout between two transfers of a WebSocket, or of a request that accepts `text/event-stream`. Default: that of the proxy.
        optional tunnel: Spanned<Duration>,
    }
}

record! {
    /// A route from a path to a pool.
    Route, "route" {
        /// Path; includes all paths below it.
        required path: Spanned<UrlPath>,
        /// Pool that receives the requests.
        required pool: Spanned<PoolName>,
        /// Load balancing method. Default: that of the proxy.
        optional balance: Spanned<Balance>,
        /// Path that replaces `path` in forwarded requests. Default: unchanged.
        optional rewrite: Spanned<UrlPath>,
        /// Timeouts of the route. Default: those of the proxy.
        optional timeouts: RouteTimeouts,
        /// Maximum size of a request body. Default: that of the proxy.
        optional max_body: Spanned<ByteSize>,
        /// Request limit per client address, in addition to that of the proxy. Default: no limit.
        optional rate_limit: RateLimit,
        /// Requests that are retried if the connection fails after they were sent: `safe` (GET, HEAD, OPTIONS) or `idempotent` (also PUT and DELETE). Default: safe.
        optional retry: Spanned<Retry>,
    }
}

/// Hosts that run a pool or a proxy.
pub type HostList = NonEmpty<Vec<Spanned<HostName>>>;

/// Whether `list` has `host`; no list means every host.
#[must_use]
pub fn is_on(list: Option<&HostList>, host: &HostName) -> bool {
    list.is_none_or(|l| l.iter().any(|h| h.value == *host))
}

impl Pool {
    /// Whether it runs on `host`; false if `hosts` is invalid.
    #[must_use]
    pub fn runs_on_host(&self, host: &HostName) -> bool {
        let is_known = self.hosts.is_some() || !self.has_invalid(&["hosts"]);
        is_known && is_on(self.hosts.as_ref(), host)
    }
}

impl Proxy {
    /// Whether it runs on `host`; false if `hosts` is invalid.
    #[must_use]
    pub fn runs_on_host(&self, host: &HostName) -> bool {
        let is_known = self.hosts.is_some() || !self.has_invalid(&["hosts"]);
        is_known && is_on(self.hosts.as_ref(), host)
    }
}

/// Parses the topology in `source` and reports all errors. `None` if the root is not a mapping, or
/// if it is a file of another tool.
pub fn parse(source: &Source, diagnostics: &mut Diagnostics) -> Option<Topology> {
    let root = match read(source) {
        Ok(root) => root,
        Err(error) => {
            let code = Code::BadYaml;
            diagnostics.push(Diagnostic::error(
                code,
                error.span,
                error.message,
                error.help,
            ));
            return None;
        }
    };
    if let Some(diagnostic) = foreign::foreign_file(&root) {
        diagnostics.push(diagnostic);
        return None;
    }
    Topology::decode(&root, &mut Decoder::new(diagnostics))
}

/// The JSON Schema of the topology.
#[must_use]
pub fn language_schema() -> serde_json::Value {
    use schema::Described;
    let mut schema = Topology::describe();
    schema["$schema"] = serde_json::json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = serde_json::json!("genconf topology");
    schema
}
