//! Proxies, resolved. `routing` fills these in.

use std::collections::BTreeSet;

use serde::Serialize;

/// A front door.
#[derive(Clone, Debug, Serialize)]
pub struct Proxy {
    /// Its name.
    pub name: String,
    /// The program.
    pub engine: &'static str,
    /// Stem of its units: `randoms-edge`.
    pub unit: String,
    /// Hosts it runs on, by name.
    pub hosts: Vec<String>,
    /// File name of its configuration.
    pub file: &'static str,
    /// Where it listens, in the order of the descriptors it is given: first
    /// where it serves, then where it only redirects.
    pub listen: Vec<Bind>,
    /// Encryption: none or one.
    pub tls: Vec<Tls>,
    /// Limits on a client's requests: none or one.
    pub limits: Vec<Limit>,
    /// Addresses and networks of proxies in front whose report of a client counts.
    pub trusted_proxies: Vec<String>,
    /// Where the client address comes from: the `connection`, the header `x_forwarded_for` or the
    /// `proxy_protocol` of trusted proxies.
    pub client_address: &'static str,
    /// Media types that are compressed; none where nothing is.
    pub compressed_types: &'static [&'static str],
    /// Request headers that no client may set, because apps take them for those of a proxy.
    pub removed_headers: &'static [&'static str],
    /// The oldest operating system of its hosts, where all of theirs are written; empty otherwise.
    pub os: &'static str,
    /// Headers added to every answer, by name.
    pub headers: Vec<Header>,
    /// Lines of the engine's own, outside of the server.
    pub raw_global: Vec<String>,
    /// Lines of the engine's own, inside the server.
    pub raw_server: Vec<String>,
    /// Loopback port of the status page.
    pub status_port: u16,
    /// Whether answers carry the id of their request; not where `headers` says otherwise.
    pub tells_request_id: bool,
    /// Names it answers to, as nginx writes them; `_` for any.
    pub server_names: Vec<String>,
    /// The same where it answers to no others; empty for any.
    pub names: Vec<Name>,
    /// Largest request body in bytes.
    pub max_body: u64,
    /// Longest wait for a connection to an instance, in milliseconds.
    pub connect_timeout_ms: u64,
    /// How long it waits for an instance to respond.
    #[serde(flatten)]
    pub timeouts: ResponseTimeouts,
    /// How long replaced workers may go on after a reload, in seconds.
    pub drain_timeout_seconds: u64,
    /// Longest stop: as long as the slowest app's, in seconds.
    pub stop_timeout_seconds: u64,
    /// The sets of servers it balances over, by name.
    pub upstreams: Vec<Upstream>,
    /// Kernel settings that its connections to instances need: `tcp` where an instance can vanish
    /// without closing them, or `none`.
    pub kernel_settings: &'static str,
    /// Its pools with such instances, by name.
    pub vanishing_pools: BTreeSet<String>,
    /// Whether a pool of its routes has apps that bind their own port.
    pub has_separate_connections: bool,
    /// The widest retry policy of its routes: `safe` or `idempotent`.
    pub retries: &'static str,
    /// Most attempts of a request to any of its pools.
    pub tries: usize,
    /// The longest `Retry-After` of its limits and those of its routes; 0 where there is none.
    pub retry_after_seconds: u64,
    /// Its routes, longest path first.
    pub routes: Vec<Route>,
    /// Whether one of them, or a line of the engine's own, leaves no path over.
    pub takes_any_path: bool,
}

impl Proxy {
    /// Whether it writes its log into a file; that of `HAProxy` is the journal's.
    #[must_use]
    pub fn rotates(&self) -> bool {
        self.engine == "nginx"
    }
}

/// How long a proxy waits for an instance to respond, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ResponseTimeouts {
    /// Longest time between two reads of a response.
    pub read_timeout_ms: u64,
    /// Longest time between two writes of a request.
    pub send_timeout_ms: u64,
    /// Longest time between two transfers of an upgraded connection or event stream.
    pub tunnel_timeout_ms: u64,
    /// How long after its start a request may be sent again: shorter than the wait for a response,
    /// so that a late response is never requested twice.
    pub retry_timeout_ms: u64,
    /// The same for upgraded connections and event streams.
    pub tunnel_retry_timeout_ms: u64,
}

impl ResponseTimeouts {
    /// Longer than the kernel takes to find a vanished host (sysctl.conf of the proxy).
    const LONGEST_RETRY_MS: u64 = 15_000;

    /// With the times for retries that follow from the others.
    pub(super) fn new(read: u64, send: u64, tunnel: u64) -> Self {
        let retry = |wait: u64| wait.saturating_sub(1).clamp(1, Self::LONGEST_RETRY_MS);
        Self {
            read_timeout_ms: read,
            send_timeout_ms: send,
            tunnel_timeout_ms: tunnel,
            retry_timeout_ms: retry(read.min(send)),
            tunnel_retry_timeout_ms: retry(tunnel),
        }
    }
}

/// A name, or all names below one.
#[derive(Clone, Debug, Serialize)]
pub struct Name {
    /// The whole name; empty where `end` says all.
    pub whole: String,
    /// How it ends, for `*.example.org`: `.example.org`.
    pub end: String,
}

/// Encryption of a proxy.
#[derive(Clone, Debug, Serialize)]
pub struct Tls {
    /// Certificate chain, on the host.
    pub certificate: String,
    /// Private key, on the host.
    pub key: String,
    /// How long browsers remember to come encrypted, in seconds; none where `headers` says it.
    pub hsts_seconds: Vec<u64>,
    /// The port of the encrypted door, as a redirect names it: empty for 443.
    pub port_suffix: String,
}

/// A limit on the requests of one client address.
#[derive(Clone, Debug, Serialize)]
pub struct Limit {
    /// Its name, unique within its proxy: `clients`, `route2`.
    pub name: String,
    /// Requests.
    pub requests: u32,
    /// In a `s`econd or a `m`inute.
    pub unit: char,
    /// Requests that may come at once beyond it.
    pub burst: u16,
    /// The unit in which `HAProxy` counts: `us`, `ms` or `s`.
    pub tick: &'static str,
    /// How many of them a request takes.
    pub ticks: u64,
    /// How long a client is remembered after its last request, in seconds.
    pub memory_seconds: u64,
    /// After how many seconds a request beyond it may be sent again (`Retry-After`).
    pub retry_after_seconds: u64,
}

/// A header of an answer.
#[derive(Clone, Debug, Serialize)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// An address and a port to listen on.
#[derive(Clone, Debug, Serialize)]
pub struct Bind {
    /// `0.0.0.0:80`.
    pub socket: String,
    /// The port.
    pub port: u16,
    /// Whether it serves; otherwise it redirects to the one that does.
    pub serves: bool,
    /// Whether it is the port of the one before it, at the addresses of the other family.
    pub again: bool,
}

/// A pool as one way of balancing sees it.
#[derive(Clone, Debug, Serialize)]
pub struct Upstream {
    /// Its name: the pool's, with the way to balance unless that is `round_robin`.
    pub name: String,
    /// The pool.
    pub pool: String,
    /// Path that a health check requests.
    pub health_path: String,
    /// Host header of a health check.
    pub health_host: String,
    /// Status codes of a healthy instance: `200-299,401`.
    pub health_status: String,
    /// Time between two checks, in milliseconds.
    pub health_interval_ms: u64,
    /// Longest wait for the answer to one, in milliseconds.
    pub health_timeout_ms: u64,
    /// The way to balance.
    pub balance: &'static str,
    /// Its servers, by host and port.
    pub servers: Vec<Server>,
    /// Whether it has servers on several hosts, of which one can be lost while others serve.
    pub spans_hosts: bool,
    /// Whether a server can vanish without closing its connections: with its host, or with the network
    /// of its container.
    pub can_vanish: bool,
    /// Which methods share keepalive connections: `always` every one, `safe` those that are sent
    /// again when the connection closes, because the app binds its own port.
    pub reuse: &'static str,
    /// Most attempts of a request: two, and where a host can vanish one more than it has servers.
    pub tries: usize,
    /// Shared memory for its state, in KiB: 512 bytes and more a server.
    pub zone_kib: usize,
}

/// A socket that answers.
#[derive(Clone, Debug, Serialize)]
pub struct Server {
    /// Its host.
    pub host: String,
    /// A name that is unique in its upstream: `node1-8082`.
    pub name: String,
    /// Its host's share of the requests beside the others.
    pub weight: u16,
    /// `127.0.0.1:8082`, or the path of a unix socket.
    pub socket: String,
}

/// A path and where it goes.
#[derive(Clone, Debug, Serialize)]
pub struct Route {
    /// The path without a slash at its end; empty for `/`.
    pub path: String,
    /// Its place in the order of matching, from 1.
    pub number: usize,
    /// The upstream.
    pub upstream: String,
    /// The same for methods that do not share its keepalive connections.
    pub separate_upstream: String,
    /// The pool.
    pub pool: String,
    /// Whether the path is replaced.
    pub rewrites: bool,
    /// What replaces the path, without a slash at its end; empty for `/`.
    pub rewrite: String,
    /// Whether the route sets timeouts.
    pub has_timeouts: bool,
    /// How long the proxy waits here for an instance to respond.
    #[serde(flatten)]
    pub timeouts: ResponseTimeouts,
    /// Whether the route sets a largest body.
    pub has_max_body: bool,
    /// Largest request body in bytes.
    pub max_body: u64,
    /// Limits on a client's requests here: none or one.
    pub limits: Vec<Limit>,
    /// Which requests are sent again: `safe` or `idempotent`.
    pub retries: &'static str,
}
