//! Resolved proxies. Built by `routing`.

use std::collections::BTreeSet;

use model::{Engine, StatusRanges};
use serde::Serialize;

/// A proxy: its listeners, upstreams, and routes.
#[derive(Clone, Debug, Serialize)]
pub struct Proxy {
    /// Name of the proxy.
    pub name: String,
    /// The program that runs as the proxy.
    pub engine: Engine,
    /// Stem of its unit names: `randoms-edge`.
    pub unit: String,
    /// Hosts it runs on, sorted by name.
    pub hosts: Vec<String>,
    /// File name of its configuration.
    pub file: &'static str,
    /// Listeners in the order of their file descriptors: those that serve requests, then those that
    /// redirect to HTTPS.
    pub listen: Vec<Bind>,
    /// TLS settings: none or one.
    pub tls: Vec<Tls>,
    /// Rate limit per client address: none or one.
    pub limits: Vec<Limit>,
    /// Addresses and networks of load balancers that may report the client address.
    pub trusted_proxies: Vec<String>,
    /// Source of the client address: the `connection`, or `x_forwarded_for` or `proxy_protocol` of
    /// trusted proxies.
    pub client_address: &'static str,
    /// Media types to compress; empty if compression is off.
    pub compressed_types: &'static [&'static str],
    /// Request headers to remove, because apps trust them as set by a proxy.
    pub removed_headers: &'static [&'static str],
    /// Oldest operating system of its hosts; empty unless every host sets `os`.
    pub os: &'static str,
    /// Response headers to add, sorted by name.
    pub headers: Vec<Header>,
    /// Raw lines in the engine's syntax, outside the server block.
    pub raw_global: Vec<String>,
    /// Raw lines in the engine's syntax, inside the server block.
    pub raw_server: Vec<String>,
    /// Loopback port of the status page.
    pub status_port: u16,
    /// Whether responses carry `X-Request-ID`; false if `headers` sets it.
    pub sends_request_id: bool,
    /// Server names in nginx syntax; `_` for any.
    pub server_names: Vec<String>,
    /// The same names, split for matching; empty if any name is accepted.
    pub accepted_names: Vec<ServerName>,
    /// Largest request body, in bytes.
    pub max_body: u64,
    /// Timeout of a connection to an instance, in milliseconds.
    pub connect_timeout_ms: u64,
    /// Timeouts of requests to instances.
    #[serde(flatten)]
    pub timeouts: ResponseTimeouts,
    /// Time that replaced workers have to finish in-flight requests after a reload, in seconds.
    pub drain_timeout_seconds: u64,
    /// Stop timeout: the longest of its apps, in seconds.
    pub stop_timeout_seconds: u64,
    /// Upstreams, sorted by name.
    pub upstreams: Vec<Upstream>,
    /// Kernel settings that it needs: `tcp` if an instance can leave half-open connections, or `none`.
    pub kernel_settings: &'static str,
    /// Pools whose instances can leave half-open connections, sorted by name.
    pub half_open_pools: BTreeSet<String>,
    /// Whether a pool of its routes has an app that binds its own port.
    pub has_separate_connections: bool,
    /// The widest retry policy of its routes: `safe` or `idempotent`.
    pub retries: &'static str,
    /// Maximum attempts per request.
    pub tries: usize,
    /// Longest `Retry-After` of its rate limits, in seconds; 0 if it has none.
    pub retry_after_seconds: u64,
    /// Routes, longest path first.
    pub routes: Vec<Route>,
    /// Whether a route or a raw line matches every path.
    pub has_catch_all: bool,
}

impl Proxy {
    /// Whether its logs need rotation. `HAProxy` logs to the journal.
    #[must_use]
    pub fn rotates(&self) -> bool {
        self.engine == Engine::Nginx
    }

    /// Whether it needs kernel settings.
    #[must_use]
    pub fn has_kernel_settings(&self) -> bool {
        self.kernel_settings == "tcp"
    }
}

/// Timeouts of requests to instances, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ResponseTimeouts {
    /// Timeout between two reads of a response.
    pub read_timeout_ms: u64,
    /// Timeout between two writes of a request.
    pub send_timeout_ms: u64,
    /// Idle timeout of an upgraded connection or event stream.
    pub tunnel_timeout_ms: u64,
    /// Time after which a request is not retried. Shorter than the response timeout, so that a
    /// request whose response times out is not repeated.
    pub retry_timeout_ms: u64,
    /// The same for upgraded connections and event streams.
    pub tunnel_retry_timeout_ms: u64,
}

impl ResponseTimeouts {
    /// Longer than the kernel needs to detect an unreachable host (sysctl.conf of the proxy).
    const MAX_RETRY_MS: u64 = 15_000;

    /// Derives the retry timeouts from the others.
    pub(super) fn new(read: u64, send: u64, tunnel: u64) -> Self {
        let retry = |wait: u64| wait.saturating_sub(1).clamp(1, Self::MAX_RETRY_MS);
        Self {
            read_timeout_ms: read,
            send_timeout_ms: send,
            tunnel_timeout_ms: tunnel,
            retry_timeout_ms: retry(read.min(send)),
            tunnel_retry_timeout_ms: retry(tunnel),
        }
    }
}

/// A server name to match: exact, or by suffix.
#[derive(Clone, Debug, Serialize)]
pub struct ServerName {
    /// The exact name; empty for a wildcard.
    pub exact: String,
    /// Suffix of a wildcard: `.example.org` for `*.example.org`; empty for an exact name.
    pub suffix: String,
}

/// TLS settings of a proxy.
#[derive(Clone, Debug, Serialize)]
pub struct Tls {
    /// Certificate chain, on the host.
    pub certificate: String,
    /// Private key, on the host.
    pub key: String,
    /// `max-age` of Strict-Transport-Security, in seconds; empty if `headers` sets the header.
    pub hsts_seconds: Vec<u64>,
    /// Port of the TLS listener in a redirect URL: `:8443`; empty for 443.
    pub port_suffix: String,
}

/// A rate limit per client address.
#[derive(Clone, Debug, Serialize)]
pub struct Limit {
    /// Name, unique within the proxy: `clients`, `route2`.
    pub name: String,
    /// Requests per unit of time.
    pub requests: u32,
    /// Unit of time: `s` or `m`.
    pub unit: char,
    /// Requests allowed above the rate.
    pub burst: u16,
    /// Unit of time of `HAProxy`'s counter: `us`, `ms`, or `s`.
    pub tick: &'static str,
    /// Ticks per request.
    pub ticks: u64,
    /// Lifetime of a client's counter after its last request, in seconds.
    pub expire_seconds: u64,
    /// `Retry-After` of a rejected request, in seconds.
    pub retry_after_seconds: u64,
}

/// A response header.
#[derive(Clone, Debug, Serialize)]
pub struct Header {
    /// Name of the header.
    pub name: String,
    /// Value of the header.
    pub value: String,
}

/// A listener: an address and a port.
#[derive(Clone, Debug, Serialize)]
pub struct Bind {
    /// Address and port: `0.0.0.0:80`.
    pub socket: String,
    /// The port.
    pub port: u16,
    /// Whether it serves requests; otherwise it redirects to HTTPS.
    pub serves: bool,
    /// Whether it repeats the previous listener's port for the other address family.
    pub repeats_port: bool,
}

/// A pool with a balancing method.
#[derive(Clone, Debug, Serialize)]
pub struct Upstream {
    /// Name: that of the pool, with the balancing method unless it is `round_robin`.
    pub name: String,
    /// The pool.
    pub pool: String,
    /// Path of the health check.
    pub health_path: String,
    /// Host header of the health check.
    pub health_host: String,
    /// Status codes of a healthy instance: `200-299,401`.
    pub health_status: StatusRanges,
    /// Interval between health checks, in milliseconds.
    pub health_interval_ms: u64,
    /// Timeout of a health check, in milliseconds.
    pub health_timeout_ms: u64,
    /// Balancing method.
    pub balance: &'static str,
    /// Servers, by port and host.
    pub servers: Vec<Server>,
    /// Whether it has servers on more than one host.
    pub spans_hosts: bool,
    /// Whether a server can disappear without closing its TCP connections: its host fails, or its
    /// container loses its network.
    pub can_leave_half_open: bool,
    /// Methods that reuse keepalive connections: `always` for all, `safe` for those that are retried
    /// when the connection closes, because the app binds its own port.
    pub reuse: &'static str,
    /// Maximum attempts per request: two, or one per port and one more if it spans hosts.
    pub tries: usize,
    /// Size of the shared memory zone, in KiB: 2 per server, rounded up to a multiple of 64.
    pub zone_kib: usize,
}

/// A server of an upstream.
#[derive(Clone, Debug, Serialize)]
pub struct Server {
    /// Name of its host.
    pub host: String,
    /// Name, unique in its upstream: `node1-8082`.
    pub name: String,
    /// Weight of its host.
    pub weight: u16,
    /// `127.0.0.1:8082`, or the path of a unix socket.
    pub socket: String,
}

/// A path prefix and its upstream.
#[derive(Clone, Debug, Serialize)]
pub struct Route {
    /// Path without a trailing slash; empty for `/`.
    pub path: String,
    /// Position in the matching order, from 1.
    pub number: usize,
    /// The upstream.
    pub upstream: String,
    /// Upstream for methods that do not reuse keepalive connections.
    pub separate_upstream: String,
    /// The pool.
    pub pool: String,
    /// Whether the path is rewritten.
    pub rewrites: bool,
    /// Replacement of the path, without a trailing slash; empty for `/`.
    pub rewrite: String,
    /// Whether the route sets timeouts.
    pub has_timeouts: bool,
    /// Timeouts of requests on this route.
    #[serde(flatten)]
    pub timeouts: ResponseTimeouts,
    /// Whether the route sets `max_body`.
    pub has_max_body: bool,
    /// Largest request body, in bytes.
    pub max_body: u64,
    /// Rate limit per client address: none or one.
    pub limits: Vec<Limit>,
    /// Requests that are retried: `safe` or `idempotent`.
    pub retries: &'static str,
}
