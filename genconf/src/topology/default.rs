//! What a key means when it is not written. Filled in by `layout`; rules that
//! must know them read them here.

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
/// `apps.*.health.host` of an app that no proxy with a server name routes to.
pub const HEALTH_HOST: &str = "localhost";
/// `apps.*.stop_timeout`.
pub const STOP_TIMEOUT: Duration = Duration::from_millis(10_000);
/// `apps.*.ready_timeout`.
pub const READY_TIMEOUT: Duration = Duration::from_millis(30_000);
/// `apps.*.health.timeout`.
pub const HEALTH_TIMEOUT: Duration = Duration::from_millis(3_000);
/// `apps.*.health.interval`.
pub const HEALTH_INTERVAL: Duration = Duration::from_millis(2_000);
/// `apps.*.tasks_max`: tokio alone may start 512 threads for blocking work.
pub const TASKS_MAX: u16 = 512;
/// `proxies.*.listen`.
pub const LISTEN: Listen = Listen::any(80);
/// `proxies.*.listen` with `tls`.
pub const LISTEN_TLS: Listen = Listen::any(443);
/// The port of `proxies.*.tls.http_port`; its address is that of the door.
pub const HTTP_PORT: u16 = 80;
/// `proxies.*.tls.hsts`.
pub const HSTS: Duration = Duration::from_millis(24 * 3_600_000);
/// `proxies.*.rate_limit.burst`.
pub const BURST: u16 = 20;
/// What `proxies.*.compress` compresses: text, and no event streams.
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
/// Request headers by which proxies report what the client asked for, in addition to those that a proxy sets.
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
/// Where status pages are met: on their own host only.
pub const STATUS_IP: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// `proxies.*.status_port` of the first proxy; each next one, by name, has the next port.
pub const FIRST_STATUS_PORT: u16 = 9080;
/// `proxies.*.max_body`.
pub const MAX_BODY: ByteSize = ByteSize::from_bytes(1 << 20);
/// `proxies.*.timeouts.connect`.
pub const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_000);
/// `proxies.*.timeouts.read`. A vanished host is found by TCP, not by this.
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
        self.unless_written(self.sd_notify.as_ref())
    }

    /// `apps.*.socket_activation`.
    #[must_use]
    pub fn uses_socket_activation(&self) -> bool {
        self.unless_written(self.socket_activation.as_ref())
    }

    /// `apps.*.outbound`; an app that opens its own port has one in any case.
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
        let written = self.health.as_ref().and_then(|h| h.0.r#type.as_ref());
        let usual = if self.notifies() {
            CheckType::Watchdog
        } else {
            CheckType::Probe
        };
        written.map_or(usual, |v| v.value)
    }

    /// A native program is expected to know systemd's protocols, others only when they say so.
    fn unless_written(&self, written: Option<&Spanned<Switch>>) -> bool {
        written.map_or(self.runs_on() == Runtime::Native, |s| s.value.into())
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
    /// `proxies.*.listen`, which TLS moves to 443.
    #[must_use]
    pub fn door(&self) -> Listen {
        let usual = if self.tls.is_some() {
            LISTEN_TLS
        } else {
            LISTEN
        };
        self.listen.as_ref().map_or(usual, |l| l.value)
    }

    /// `proxies.*.tls.http_port`; nowhere without TLS.
    #[must_use]
    pub fn redirect(&self) -> Option<Listen> {
        let written = self.tls.as_ref()?.http_port.as_ref();
        Some(written.map_or(self.door().at(HTTP_PORT), |l| l.value))
    }
}
