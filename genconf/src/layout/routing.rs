//! Resolves proxies: listeners, routes, limits, and timeouts.

use std::collections::{BTreeSet, HashMap};

use super::pool::{self, Pool};
use super::proxy::{
    Bind, Header, Limit, Proxy, ResponseTimeouts, Route, ServerName, Tls, Upstream,
};
use super::upstream::{half_open_pools, upstream_name};
use super::{limit, naming};
use crate::source::Spanned;
use crate::topology::address::Listen;
use crate::topology::choice::{Engine, Os, Retry};
use crate::topology::decode::Named;
use crate::topology::path::UrlPath;
use crate::topology::quantity::Duration;
use crate::topology::text::{HeaderName, HeaderValue};
use crate::topology::verbatim::Directive;
use crate::topology::{self, Topology, default, is_on};

pub(super) fn resolve_all(topology: &Topology, pools: &[Pool]) -> Vec<Proxy> {
    let mut written: Vec<_> = topology.proxies.iter().flat_map(Named::iter).collect();
    written.sort_by_key(|(name, _)| &name.value);
    let pools: HashMap<&str, &Pool> = pools.iter().map(|p| (p.name.as_str(), p)).collect();
    written
        .into_iter()
        .zip(default::FIRST_STATUS_PORT..)
        .map(|((name, proxy), status)| {
            Resolver {
                topology,
                pools: &pools,
                proxy,
            }
            .resolve(name.value.as_str(), status)
        })
        .collect()
}

/// Server name that stands for any name, as in nginx.
const ANY_NAME: &str = "_";

/// Splits server names for matching; empty if any name is accepted.
fn accepted_names(written: &[String]) -> Vec<ServerName> {
    if written.iter().any(|name| name == ANY_NAME) {
        return Vec::new();
    }
    let name = |text: &String| match text.strip_prefix('*') {
        Some(suffix) => ServerName {
            exact: String::new(),
            suffix: suffix.to_owned(),
        },
        None => ServerName {
            exact: text.clone(),
            suffix: String::new(),
        },
    };
    written.iter().map(name).collect()
}

pub(super) struct Resolver<'t> {
    pub(super) topology: &'t Topology,
    pub(super) pools: &'t HashMap<&'t str, &'t Pool>,
    pub(super) proxy: &'t topology::Proxy,
}

impl Resolver<'_> {
    fn resolve(&self, name: &str, default_status_port: u16) -> Proxy {
        let proxy = self.proxy;
        let engine = proxy.engine.as_ref().map_or(Engine::Nginx, |e| e.value);
        let written = proxy.server_name.as_ref();
        let server_names: Vec<String> = written.map_or_else(
            || vec![ANY_NAME.to_owned()],
            |names| names.iter().map(|n| n.value.as_str().to_owned()).collect(),
        );
        let directives = |list: Option<&Vec<Spanned<Directive>>>| {
            list.into_iter()
                .flatten()
                .map(|d| d.value.as_str().to_owned())
                .collect()
        };
        let status_port = proxy.status_port.as_ref();
        let raw = proxy.raw.as_ref();
        let raw_server: Vec<String> = directives(raw.and_then(|e| e.server.as_ref()));
        let upstreams = self.upstreams();
        let routes = self.routes(&upstreams);
        let half_open_pools = half_open_pools(&upstreams);
        let own_limits = limits("clients", proxy.rate_limit.as_ref());
        Proxy {
            name: name.to_owned(),
            engine: engine.into(),
            unit: naming::stem(self.topology.project.value.as_str(), name),
            hosts: pool::hosts(self.topology, |host| is_on(proxy.hosts.as_ref(), host)),
            file: file(engine),
            listen: self.binds(),
            tls: proxy.tls.iter().map(|tls| self.tls(tls)).collect(),
            trusted_proxies: trusted_proxies(proxy),
            client_address: client_address(proxy),
            compressed_types: proxy.compressed_types(),
            removed_headers: default::REMOVED_HEADERS,
            os: self.os(),
            headers: headers(proxy.headers.as_ref()),
            raw_global: directives(raw.and_then(|r| r.global.as_ref())),
            sends_request_id: !self.sets_header("X-Request-ID"),
            status_port: status_port.map_or(default_status_port, |s| s.value.number()),
            accepted_names: accepted_names(&server_names),
            server_names,
            max_body: self.max_body(),
            connect_timeout_ms: self.timeout(|t| t.connect.as_ref(), default::CONNECT_TIMEOUT),
            timeouts: self.response_timeouts(None),
            drain_timeout_seconds: self
                .timeout(|t| t.drain.as_ref(), default::DRAIN_TIMEOUT)
                .div_ceil(1_000),
            stop_timeout_seconds: self.longest_stop_timeout(),
            has_separate_connections: upstreams.iter().any(|u| u.reuse == "safe"),
            retries: widest_retry(&routes),
            tries: upstreams.iter().map(|u| u.tries).max().unwrap_or(1),
            retry_after_seconds: longest_retry(&own_limits, &routes),
            limits: own_limits,
            kernel_settings: kernel_settings(&half_open_pools),
            half_open_pools,
            upstreams,
            has_catch_all: routes.iter().any(|route| route.path.is_empty())
                || raw_server.iter().any(|line| is_catch_all(line)),
            raw_server,
            routes,
        }
    }

    fn max_body(&self) -> u64 {
        let written = self.proxy.max_body.as_ref();
        written.map_or(default::MAX_BODY, |b| b.value).bytes()
    }

    /// Oldest operating system of its hosts; empty unless every host sets `os`.
    fn os(&self) -> &'static str {
        let hosts = self.topology.hosts.iter();
        let hosts = hosts.filter(|(name, _)| is_on(self.proxy.hosts.as_ref(), &name.value));
        let written: Option<Vec<Os>> = hosts
            .map(|(_, host)| host.os.as_ref().map(|os| os.value))
            .collect();
        match written {
            Some(all) if all.contains(&Os::Debian12) => Os::Debian12.word(),
            Some(all) if !all.is_empty() => Os::Debian13.word(),
            _ => "",
        }
    }

    /// Timeouts of a route, or of the proxy where the route sets none.
    fn response_timeouts(&self, route: Option<&topology::RouteTimeouts>) -> ResponseTimeouts {
        let own = |pick: fn(&topology::RouteTimeouts) -> Option<&Spanned<Duration>>| {
            route.and_then(pick).map(|d| d.value.millis())
        };
        let read = || self.timeout(|t| t.read.as_ref(), default::READ_TIMEOUT);
        let send = || self.timeout(|t| t.send.as_ref(), default::SEND_TIMEOUT);
        let tunnel = || self.timeout(|t| t.tunnel.as_ref(), default::TUNNEL_TIMEOUT);
        ResponseTimeouts::new(
            own(|t| t.read.as_ref()).unwrap_or_else(read),
            own(|t| t.send.as_ref()).unwrap_or_else(send),
            own(|t| t.tunnel.as_ref()).unwrap_or_else(tunnel),
        )
    }

    fn timeout(
        &self,
        pick: fn(&topology::Timeouts) -> Option<&Spanned<Duration>>,
        default: Duration,
    ) -> u64 {
        let written = self.proxy.timeouts.as_ref().and_then(pick);
        written.map_or(default, |d| d.value).millis()
    }

    fn binds(&self) -> Vec<Bind> {
        let binds = |listen: Listen, serves: bool| {
            let sockets = listen.sockets();
            sockets.into_iter().enumerate().map(move |(n, at)| Bind {
                socket: at.to_string(),
                port: at.port(),
                serves,
                repeats_port: n > 0,
            })
        };
        let redirects = self.proxy.http_listener().into_iter();
        let redirects = redirects.flat_map(|listen| binds(listen, false));
        binds(self.proxy.listener(), true)
            .chain(redirects)
            .collect()
    }

    /// Whether `headers` sets this header. genconf then does not add it, because clients use the first.
    fn sets_header(&self, name: &str) -> bool {
        let headers = self.proxy.headers.iter().flat_map(Named::names);
        headers
            .into_iter()
            .any(|h| h.value.as_str().eq_ignore_ascii_case(name))
    }

    fn tls(&self, tls: &topology::Tls) -> Tls {
        let port = self.proxy.listener().port();
        let hsts = tls.hsts.as_ref().map_or(default::HSTS, |d| d.value);
        let sends_hsts = !self.sets_header("Strict-Transport-Security");
        Tls {
            certificate: tls.certificate.value.as_str().to_owned(),
            key: tls.key.value.as_str().to_owned(),
            hsts_seconds: sends_hsts.then(|| hsts.seconds()).into_iter().collect(),
            port_suffix: if port == 443 {
                String::new()
            } else {
                format!(":{port}")
            },
        }
    }

    fn longest_stop_timeout(&self) -> u64 {
        let pools = self
            .proxy
            .routes
            .iter()
            .filter_map(|r| self.pools.get(r.pool.value.as_str()));
        pools
            .map(|p| p.app.stop_timeout_seconds)
            .max()
            .unwrap_or_default()
    }

    /// Routes, longest path first.
    fn routes(&self, upstreams: &[Upstream]) -> Vec<Route> {
        let mut written: Vec<_> = self.proxy.routes.iter().collect();
        written.sort_by(|a, b| {
            let (a, b) = (trimmed(&a.path), trimmed(&b.path));
            b.len().cmp(&a.len()).then_with(|| a.cmp(b))
        });
        let numbered = written.into_iter().zip(1..);
        numbered
            .map(|(route, number)| self.route(route, number, upstreams))
            .collect()
    }

    fn route(&self, route: &topology::Route, number: usize, upstreams: &[Upstream]) -> Route {
        let name = upstream_name(route.pool.value.as_str(), self.balance(route));
        let upstream = upstreams
            .binary_search_by(|u| u.name.cmp(&name))
            .ok()
            .map(|at| &upstreams[at]);
        let max_body = route.max_body.as_ref().map(|b| b.value.bytes());
        Route {
            number,
            path: trimmed(&route.path).to_owned(),
            separate_upstream: match upstream {
                Some(upstream) if upstream.reuse == "safe" => format!("{name}_separate"),
                _ => name.clone(),
            },
            upstream: name,
            pool: route.pool.value.as_str().to_owned(),
            rewrites: route.rewrite.is_some(),
            rewrite: route.rewrite.as_ref().map_or("", trimmed).to_owned(),
            has_timeouts: route.timeouts.is_some(),
            timeouts: self.response_timeouts(route.timeouts.as_ref()),
            has_max_body: max_body.is_some(),
            max_body: max_body.unwrap_or_else(|| self.max_body()),
            limits: limits(&format!("route{number}"), route.rate_limit.as_ref()),
            retries: route.retries().word(),
        }
    }
}

fn trusted_proxies(proxy: &topology::Proxy) -> Vec<String> {
    let networks = proxy.trusted_proxies.iter().flat_map(|list| list.iter());
    networks.map(|network| network.value.to_string()).collect()
}

fn kernel_settings(half_open_pools: &BTreeSet<String>) -> &'static str {
    if half_open_pools.is_empty() {
        "none"
    } else {
        "tcp"
    }
}

fn client_address(proxy: &topology::Proxy) -> &'static str {
    if proxy.takes_proxy_protocol() {
        "proxy_protocol"
    } else if proxy.trusted_proxies.is_some() {
        "x_forwarded_for"
    } else {
        "connection"
    }
}

/// A path without its trailing slash. A route matches the path and everything below it.
fn trimmed(path: &Spanned<UrlPath>) -> &str {
    path.value.as_str().trim_end_matches('/')
}

fn widest_retry(routes: &[Route]) -> &'static str {
    let idempotent = Retry::Idempotent.word();
    let is_wide = routes.iter().any(|route| route.retries == idempotent);
    if is_wide {
        idempotent
    } else {
        Retry::Safe.word()
    }
}

fn longest_retry(own: &[Limit], routes: &[Route]) -> u64 {
    let of_routes = routes.iter().flat_map(|route| &route.limits);
    let all = own.iter().chain(of_routes);
    all.map(|limit| limit.retry_after_seconds)
        .max()
        .unwrap_or(0)
}

fn limits(name: &str, written: Option<&topology::RateLimit>) -> Vec<Limit> {
    let resolve = |limit| limit::resolve(name, limit);
    written.into_iter().map(resolve).collect()
}

fn file(engine: Engine) -> &'static str {
    match engine {
        Engine::Nginx => "nginx.conf",
        Engine::Haproxy => "haproxy.cfg",
    }
}

/// Whether a raw line matches every path.
fn is_catch_all(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().take(2).collect();
    matches!(
        words[..],
        ["location", "/"] | ["use_backend" | "default_backend", _]
    )
}

fn headers(written: Option<&Named<HeaderName, Spanned<HeaderValue>>>) -> Vec<Header> {
    let header = |(name, value): (&Spanned<HeaderName>, &Spanned<HeaderValue>)| Header {
        name: name.value.as_str().to_owned(),
        value: value.value.as_str().to_owned(),
    };
    let mut headers: Vec<_> = written
        .into_iter()
        .flat_map(Named::iter)
        .map(header)
        .collect();
    headers.sort_by(|a, b| a.name.cmp(&b.name));
    headers
}
