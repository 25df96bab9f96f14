//! Default values. `layout` applies them; rules of `validate` read them.

use std::net::{IpAddr, Ipv4Addr};

use super::address::Listen;
use super::choice::{CheckType, Retry, Runtime, Switch};
use super::health::StatusRange;
use super::quantity::{ByteSize, Duration};
use super::{App, Proxy, Route};
use crate::source::Spanned;

/// `hosts.*.cpus`.
pub const CPUS: u16 = 2;
/// `hosts.*.weight`.
pub const WEIGHT: u16 = 1;
/// `hosts.*.memory`.
pub const HOST_MEMORY: ByteSize = ByteSize::from_bytes(1 << 30);
/// `apps.*.health`.
pub const HEALTH: &str = "/health";
/// `apps.*.health.status`.
pub const HEALTH_STATUS: StatusRange = StatusRange::SUCCESSFUL;
/// `apps.*.health.host` without a server name of a proxy that routes to the app.
pub const HEALTH_HOST: &str = "localhost";
/// `apps.*.stop_timeout`.
pub const STOP_TIMEOUT: Duration = Duration::from_millis(10_000);
/// `apps.*.ready_timeout`.
pub const READY_TIMEOUT: Duration = Duration::from_millis(30_000);
/// `apps.*.health.timeout`.
pub const HEALTH_TIMEOUT: Duration = Duration::from_millis(3_000);
/// `apps.*.health.interval`.
pub const HEALTH_INTERVAL: Duration = Duration::from_millis(2_000);
/// `apps.*.tasks_max`. Tokio starts up to 512 threads for blocking work.
pub const TASKS_MAX: u16 = 512;
/// `proxies.*.listen`.
pub const LISTEN: Listen = Listen::any(80);
/// `proxies.*.listen` with `tls`.
pub const LISTEN_TLS: Listen = Listen::any(443);
/// The port of `proxies.*.tls.http_port`; the address is that of `listen`.
pub const HTTP_PORT: u16 = 80;
/// `proxies.*.tls.hsts`.
pub const HSTS: Duration = Duration::from_millis(24 * 3_600_000);
/// `proxies.*.rate_limit.burst`.
pub const BURST: u16 = 20;
/// Content types that `proxies.*.compress` compresses: text without event streams.
pub const COMPRESSED_TYPES: &[&str] = &[
    "application/atom+xml",
    "application/javascript",
    "application/json",
    "application/ld+json",
    "application/manifest+json",
    "application/problem+json",
    "application/rss+xml",
    "application/wasm",
    "application/xhtml+xml",
    "application/xml",
    "image/svg+xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/javascript",
    "text/markdown",
    "text/plain",
    "text/xml",
];
/// Request headers with information about the original request that a proxy removes, in addition to
/// those that it sets.
pub const REMOVED_HEADERS: &[&str] = &[
    "Forwarded",
    "Front-End-Https",
    "Proxy",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Scheme",
    "X-Forwarded-Server",
    "X-Forwarded-Ssl",
    "X-Original-Host",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Url-Scheme",
];
/// The address of status pages: reachable on the same host only.
pub const STATUS_IP: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// `proxies.*.status_port` of the first proxy by name; each next proxy has the next port.
pub const FIRST_STATUS_PORT: u16 = 9080;
/// `proxies.*.max_body`.
pub const MAX_BODY: ByteSize = ByteSize::from_bytes(1 << 20);
/// `proxies.*.timeouts.connect`.
pub const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_000);
/// `proxies.*.timeouts.read`. TCP detects an unreachable host earlier.
pub const READ_TIMEOUT: Duration = Duration::from_millis(60_000);
/// `proxies.*.timeouts.send`.
pub const SEND_TIMEOUT: Duration = Duration::from_millis(60_000);
/// `proxies.*.timeouts.tunnel`.
pub const TUNNEL_TIMEOUT: Duration = Duration::from_millis(3_600_000);
/// `proxies.*.timeouts.drain`.
pub const DRAIN_TIMEOUT: Duration = Duration::from_millis(3_600_000);

/// Defaults that depend on another key of the same app.
impl App {
    /// `apps.*.runtime`.
    #[must_use]
    pub fn runs_on(&self) -> Runtime {
        self.runtime.as_ref().map_or(Runtime::Native, |r| r.value)
    }

    /// `apps.*.sd_notify`.
    #[must_use]
    pub fn notifies(&self) -> bool {
        self.native_default(self.sd_notify.as_ref())
    }

    /// `apps.*.socket_activation`.
    #[must_use]
    pub fn uses_socket_activation(&self) -> bool {
        self.native_default(self.socket_activation.as_ref())
    }

    /// `apps.*.outbound`; always true for an app that binds its own port.
    #[must_use]
    pub fn allows_outbound(&self) -> bool {
        !self.uses_socket_activation() || self.outbound.as_ref().is_some_and(|n| n.value.into())
    }

    /// `apps.*.watch`.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.watch.as_ref().is_some_and(|w| w.value.into())
    }

    /// `apps.*.state_directory`.
    #[must_use]
    pub fn has_state_directory(&self) -> bool {
        self.state_directory
            .as_ref()
            .is_some_and(|s| s.value.into())
    }

    /// `apps.*.health.type`.
    #[must_use]
    pub fn check_type(&self) -> CheckType {
        let set = self.health.as_ref().and_then(|h| h.0.r#type.as_ref());
        let default = if self.notifies() {
            CheckType::Watchdog
        } else {
            CheckType::Probe
        };
        set.map_or(default, |v| v.value)
    }

    /// A switch whose default is true for native programs only.
    fn native_default(&self, switch: Option<&Spanned<Switch>>) -> bool {
        switch.map_or(self.runs_on() == Runtime::Native, |s| s.value.into())
    }
}

impl Proxy {
    /// `proxies.*.compress`.
    #[must_use]
    pub fn compressed_types(&self) -> &'static [&'static str] {
        let is_on = self.compress.as_ref().is_none_or(|c| c.value.into());
        if is_on { COMPRESSED_TYPES } else { &[] }
    }

    /// `proxies.*.proxy_protocol`.
    #[must_use]
    pub fn takes_proxy_protocol(&self) -> bool {
        self.proxy_protocol.as_ref().is_some_and(|p| p.value.into())
    }
}

impl Route {
    /// `proxies.*.routes.*.retry`.
    #[must_use]
    pub fn retries(&self) -> Retry {
        self.retry.as_ref().map_or(Retry::Safe, |r| r.value)
    }
}

/// Defaults that depend on another key of the same proxy.
impl Proxy {
    /// `proxies.*.listen`; the default depends on `tls`.
    #[must_use]
    pub fn listener(&self) -> Listen {
        let default = if self.tls.is_some() {
            LISTEN_TLS
        } else {
            LISTEN
        };
        self.listen.as_ref().map_or(default, |l| l.value)
    }

    /// `proxies.*.tls.http_port`; `None` without TLS.
    #[must_use]
    pub fn http_listener(&self) -> Option<Listen> {
        let set = self.tls.as_ref()?.http_port.as_ref();
        Some(set.map_or(self.listener().at(HTTP_PORT), |l| l.value))
    }
}
