//! The topology as it was written: what each key holds and where it stands.
//!
//! Reads nodes of `source`, tells faults to `diagnostic`; fills no default and
//! looks up no name. `validate` comes next.

pub mod address;
pub mod choice;
pub mod decode;
pub mod default;
pub mod foreign;
pub mod health;
pub mod image;
pub mod name;
pub mod network;
pub mod path;
pub mod quantity;
mod record;
mod renamed;
pub mod reserved;
pub mod schema;
pub mod text;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Source, Spanned, read};
use address::{Address, Listen, PortRange};
use choice::{
    Balance, CheckType, Count, Engine, Mode, Os, Retry, Runtime, Supervisor, Switch, Transport,
    Version, Weight, Workers,
};
use decode::{Decode, Named, NonEmpty, OneOrMany};
use foreign::{Command, Directive};
use health::{HostHeader, StatusRange};
use name::{AppName, HostName, PoolName, ProjectName, ProxyName, ServerName};
use network::Network;
use path::{FilePath, HostPath, InnerPath, UrlPath};
use quantity::{ByteSize, Duration, Rate};
use record::record;
use text::{EnvName, HeaderName, HeaderValue, Text};

record! {
    /// One service: its hosts, programs, processes and front doors.
    Topology, "a topology" {
        /// Version of the language; 1.
        expected version: Spanned<Version>,
        /// Prefix of every unit, and the folder under /opt, /etc and /var/log.
        expected project: Spanned<ProjectName>,
        /// Machines with an address.
        expected hosts: NonEmpty<Named<HostName, Host>>,
        /// Programs and how they are run.
        expected apps: NonEmpty<Named<AppName, App>>,
        /// Apps on ports of hosts.
        expected pools: NonEmpty<Named<PoolName, Pool>>,
        /// Front doors.
        optional proxies: Named<ProxyName, Proxy>,
    }
}

record! {
    /// A machine with an address.
    Host, "a host" {
        /// Address by which the other hosts and Ansible reach it.
        required address: Spanned<Address>,
        /// Processors of its VM. Default: 2.
        optional cpus: Spanned<Count>,
        /// Memory of its VM, and the bound that memory rules check. Default: 1GiB.
        optional memory: Spanned<ByteSize>,
        /// Share of the requests of its pools beside their other hosts. Default: 1.
        optional weight: Spanned<Weight>,
        /// Operating system, which decides between forms of directives. Default: forms that every supported one accepts.
        optional os: Spanned<Os>,
        /// For work in progress: apps may be watched here. Default: false.
        optional development: Spanned<Switch>,
    }
}

record! {
    /// A program and how it is run.
    App, "an app" {
        /// File to deploy, relative to the topology; a `.tar`, `.tar.gz` or `.tgz` is unpacked on the host.
        required artifact: Spanned<FilePath>,
        /// Command that makes the artifact, run in the topology's folder.
        optional build: Spanned<Command>,
        /// What is run of an artifact that is an archive, by its path inside.
        optional main: Spanned<InnerPath>,
        /// Arguments; `{port}` is the port of the instance. Default: none.
        optional args: Vec<Spanned<Text>>,
        /// Environment variables; `{port}` as in `args`. Default: none.
        optional env: Named<EnvName, Spanned<Text>>,
        /// File with more variables, relative to the topology; reaches the host readable by root alone.
        optional env_file: Spanned<FilePath>,
        /// What runs the artifact. Default: native.
        optional runtime: Spanned<Runtime>,
        /// The image that a container runs, one of those in its artifact; the tag is latest unless written.
        optional image: image::Written,
        /// Port that the image listens on whatever PORT says. Default: none, it listens on PORT itself.
        optional container_port: Spanned<address::Port>,
        /// Tells systemd when it is ready and alive (`sd_notify`). Default: true for native, false otherwise.
        optional sd_notify: Spanned<Switch>,
        /// Takes its listening socket from systemd (`LISTEN_FDS`). Default: true for native, false otherwise.
        optional socket_activation: Spanned<Switch>,
        /// Opens connections itself, to a database for example. Default: false where it takes its socket.
        optional outbound: Spanned<Switch>,
        /// Keeps files from one release to the next, in /var/lib/PROJECT/APP, told as `STATE_DIRECTORY`. Default: false.
        optional state_directory: Spanned<Switch>,
        /// How it is known to serve; a path alone is enough. Default: /health.
        optional health: Health,
        /// Longest time for a stop: requests in flight are answered within it. Default: 10s.
        optional stop_timeout: Spanned<Duration>,
        /// Longest time from start to ready. Default: 30s.
        optional ready_timeout: Spanned<Duration>,
        /// Most memory of one instance. Default: only the bound of all together, 90% of the host.
        optional memory: Spanned<ByteSize>,
        /// Most threads and processes of one instance. Default: 512.
        optional tasks_max: Spanned<Count>,
        /// Rolls a new version as soon as its file is put on the host; for hosts in development. Default: false.
        optional watch: Spanned<Switch>,
    }
}

/// The health of an app: its path, or a mapping with more.
#[derive(Clone, Debug)]
pub struct Health(pub HealthCheck);

record! {
    /// How an app is known to serve.
    HealthCheck, "a health check" {
        /// Path that a health check requests. Default: /health.
        optional path: Spanned<UrlPath>,
        /// Status codes of a healthy instance: one code or range, or a list of them. Redirects are not followed. Default: 200-299.
        optional status: OneOrMany<Spanned<StatusRange>>,
        /// Host header of a health check. Default: the first server name of a proxy that routes to the app, else localhost.
        optional host: Spanned<HostHeader>,
        /// Silence after which an instance is replaced. Default: 3s.
        optional timeout: Spanned<Duration>,
        /// Time between two probes. Default: 2s.
        optional interval: Spanned<Duration>,
        /// Who watches. Default: watchdog for an app that notifies, probe for others.
        optional r#type: Spanned<CheckType>,
    }
}

impl decode::Decode for Health {
    fn decode(node: &crate::source::Node, faults: &mut Diagnostics) -> Option<Self> {
        if node.text().is_none() {
            return HealthCheck::decode(node, faults).map(Self);
        }
        let path = Some(Spanned::<UrlPath>::decode(node, faults)?);
        Some(Self(HealthCheck {
            path,
            status: None,
            host: None,
            timeout: None,
            interval: None,
            r#type: None,
            unsure: Vec::new(),
        }))
    }
}

impl schema::Described for Health {
    fn describe() -> serde_json::Value {
        serde_json::json!({ "anyOf": [Spanned::<UrlPath>::describe(), HealthCheck::describe()] })
    }
}

record! {
    /// An app on some ports of some hosts.
    Pool, "a pool" {
        /// The app its instances run.
        required app: Spanned<AppName>,
        /// `fork`: a process for each port; `cluster`: workers share each port. Default: fork.
        optional mode: Spanned<Mode>,
        /// Hosts it runs on. Default: all.
        optional hosts: HostList,
        /// Ports and ranges of ports.
        expected ports: NonEmpty<Vec<Spanned<PortRange>>>,
        /// Workers behind each port of a cluster. Default: max.
        optional workers: Spanned<Workers>,
        /// Who is the master of a cluster's workers. Default: systemd.
        optional supervisor: Spanned<Supervisor>,
        /// TCP ports, or unix sockets numbered by the ports. Default: tcp.
        optional listen: Spanned<Transport>,
        /// Arguments of this pool, after those of the app. Default: none.
        optional args: Vec<Spanned<Text>>,
        /// Environment variables of this pool, over those of the app.
        optional env: Named<EnvName, Spanned<Text>>,
    }
}

record! {
    /// A front door.
    Proxy, "a proxy" {
        /// The program. Default: nginx.
        optional engine: Spanned<Engine>,
        /// Hosts it runs on. Default: all.
        optional hosts: HostList,
        /// Port, at every IPv4 and every IPv6 address, or address and port. Default: 80, with `tls` 443.
        optional listen: Spanned<Listen>,
        /// Encryption. Default: none.
        optional tls: Tls,
        /// Loopback port of the status page. Default: 9080 for the first proxy by name, 9081 for the next, and so on.
        optional status_port: Spanned<address::Port>,
        /// Names it answers to; a request for another one gets a 421. Default: any.
        optional server_name: NonEmpty<Vec<Spanned<ServerName>>>,
        /// How routes balance that do not say. Default: `round_robin`.
        optional balance: Spanned<Balance>,
        /// Largest request body; `HAProxy` does not limit bodies without a `Content-Length`. Default: 1MiB.
        optional max_body: Spanned<ByteSize>,
        /// Timeouts.
        optional timeouts: Timeouts,
        /// Most requests of one client address. Default: no limit.
        optional rate_limit: RateLimit,
        /// Load balancers and CDNs in front, as addresses or networks: the client address, scheme and host that they report are used, those of other clients are replaced. Default: none.
        optional trusted_proxies: NonEmpty<Vec<Spanned<Network>>>,
        /// Whether `trusted_proxies` report the client address by the PROXY protocol, and nothing else. Default: false.
        optional proxy_protocol: Spanned<Switch>,
        /// Compresses text for clients that accept gzip. Default: true.
        optional compress: Spanned<Switch>,
        /// Headers added to every answer, in place of the proxy's own where they have one name. Default: none.
        optional headers: Named<HeaderName, Spanned<HeaderValue>>,
        /// Lines of the engine's own language, printed as written. Default: none.
        optional raw: Raw,
        /// Which path goes to which pool.
        expected routes: NonEmpty<Vec<Route>>,
    }
}

record! {
    /// Encryption of a proxy.
    Tls, "tls" {
        /// Certificate chain in PEM, on the host.
        required certificate: Spanned<HostPath>,
        /// Private key in PEM, on the host; root alone need be able to read it.
        required key: Spanned<HostPath>,
        /// Where plain HTTP is answered with a redirect. Default: 80, at the address of `listen`.
        optional http_port: Spanned<Listen>,
        /// How long browsers remember to come encrypted (HSTS). Default: 24h.
        optional hsts: Spanned<Duration>,
    }
}

record! {
    /// Most requests of one client, which is an IPv4 address or an IPv6 /64 network; more are answered 429.
    RateLimit, "a rate limit" {
        /// Requests for a second or a minute: `50/s`, `300/m`.
        required rate: Spanned<Rate>,
        /// Requests that may come at once beyond it. Default: 20.
        optional burst: Spanned<Count>,
    }
}

record! {
    /// Lines of the engine's own language and where they go.
    Raw, "raw" {
        /// In nginx's `http`, in `HAProxy`'s `global`.
        optional global: Vec<Spanned<Directive>>,
        /// In nginx's `server`, in `HAProxy`'s `frontend`.
        optional server: Vec<Spanned<Directive>>,
    }
}

record! {
    /// How long a proxy waits.
    Timeouts, "timeouts" {
        /// Longest time to connect to an instance; then another one is tried. Default: 1s.
        optional connect: Spanned<Duration>,
        /// Longest time between two reads of a response; then 504, without a retry. Default: 60s.
        optional read: Spanned<Duration>,
        /// Longest time between two writes of a request; `HAProxy` has `read` for both directions. Default: 60s.
        optional send: Spanned<Duration>,
        /// Longest time between two transfers of a websocket, or of a request that accepts `text/event-stream`. Default: 1h.
        optional tunnel: Spanned<Duration>,
        /// Longest life of connections to replaced workers after a reload. Default: 1h.
        optional drain: Spanned<Duration>,
    }
}

record! {
    /// How long a proxy waits for the instances of one route.
    RouteTimeouts, "the timeouts of a route" {
        /// Longest time between two reads of a response; then 504, without a retry. Default: as the proxy.
        optional read: Spanned<Duration>,
        /// Longest time between two writes of a request; `HAProxy` has `read` for both directions. Default: as the proxy.
        optional send: Spanned<Duration>,
        /// Longest time between two transfers of a websocket, or of a request that accepts `text/event-stream`. Default: as the proxy.
        optional tunnel: Spanned<Duration>,
    }
}

record! {
    /// A path on a proxy and the pool it goes to.
    Route, "a route" {
        /// Path and everything below it.
        required path: Spanned<UrlPath>,
        /// The pool that answers.
        required pool: Spanned<PoolName>,
        /// How to choose among its instances. Default: as the proxy.
        optional balance: Spanned<Balance>,
        /// What replaces the path before the request is passed on. Default: as it came.
        optional rewrite: Spanned<UrlPath>,
        /// Timeouts here. Default: as the proxy.
        optional timeouts: RouteTimeouts,
        /// Largest request body here. Default: as the proxy.
        optional max_body: Spanned<ByteSize>,
        /// Most requests of one client address here, in addition to the limit of the proxy. Default: no limit.
        optional rate_limit: RateLimit,
        /// Requests that are retried when the connection fails after they were sent: `safe` (GET, HEAD, OPTIONS) or `idempotent` (PUT and DELETE as well). Default: safe.
        optional retry: Spanned<Retry>,
    }
}

/// Hosts that something runs on.
pub type HostList = NonEmpty<Vec<Spanned<HostName>>>;

/// Whether `list` holds `host`; no list means every host.
#[must_use]
pub fn is_on(list: Option<&HostList>, host: &HostName) -> bool {
    list.is_none_or(|l| l.iter().any(|h| h.value == *host))
}

impl Pool {
    /// Whether it runs on `host`; not where that was told of as a fault.
    #[must_use]
    pub fn is_surely_on(&self, host: &HostName) -> bool {
        let is_known = self.hosts.is_some() || !self.is_unsure_of(&["hosts"]);
        is_known && is_on(self.hosts.as_ref(), host)
    }
}

impl Proxy {
    /// Whether it runs on `host`; not where that was told of as a fault.
    #[must_use]
    pub fn is_surely_on(&self, host: &HostName) -> bool {
        let is_known = self.hosts.is_some() || !self.is_unsure_of(&["hosts"]);
        is_known && is_on(self.hosts.as_ref(), host)
    }
}

/// Reads the topology in `source`. `None` when its top is not even a topology;
/// every fault is told either way.
pub fn parse(source: &Source, faults: &mut Diagnostics) -> Option<Topology> {
    let root = match read(source) {
        Ok(root) => root,
        Err(fault) => {
            faults.push(Diagnostic::error(Code::BadYaml, fault.span, fault.message));
            return None;
        }
    };
    Topology::decode(&root, faults)
}

/// The schema of the whole language, ready to print.
#[must_use]
pub fn language_schema() -> serde_json::Value {
    use schema::Described;
    let mut schema = Topology::describe();
    schema["$schema"] = serde_json::json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = serde_json::json!("genconf topology");
    schema
}
