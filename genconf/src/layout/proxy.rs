//! Proxies, resolved.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::naming;
use super::pool::{self, Pool};
use crate::topology::choice::{Balance, Engine};
use crate::topology::decode::Named;
use crate::topology::{self, Topology, default, is_on};

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
    /// Where it listens.
    pub listen: Bind,
    /// Loopback port of the status page.
    pub status_port: u16,
    /// Names it answers to; `_` for any.
    pub server_names: Vec<String>,
    /// Largest request body in bytes.
    pub max_body: u64,
    /// Longest wait for a connection to an instance, in milliseconds.
    pub connect_timeout_ms: u64,
    /// Longest pause of an answer, in milliseconds.
    pub read_timeout_ms: u64,
    /// Longest pause of a request, in milliseconds.
    pub send_timeout_ms: u64,
    /// Longest stop: as long as the slowest app's, in seconds.
    pub stop_timeout_seconds: u64,
    /// The sets of servers it balances over, by name.
    pub upstreams: Vec<Upstream>,
    /// Its routes, longest path first.
    pub routes: Vec<Route>,
}

/// An address and a port to listen on.
#[derive(Clone, Debug, Serialize)]
pub struct Bind {
    /// `0.0.0.0:80`.
    pub socket: String,
    /// The port.
    pub port: u16,
    /// How the host itself reaches it: `127.0.0.1:80`.
    pub local: String,
}

/// A pool as one way of balancing sees it.
#[derive(Clone, Debug, Serialize)]
pub struct Upstream {
    /// Its name: the pool's, with the way to balance unless that is `round_robin`.
    pub name: String,
    /// The pool.
    pub pool: String,
    /// The way to balance.
    pub balance: &'static str,
    /// Its servers, by host and port.
    pub servers: Vec<Server>,
    /// Whether a server can vanish while another one serves.
    pub spans_hosts: bool,
    /// Shared memory for its state, in KiB: 512 bytes and more a server.
    pub zone_kib: usize,
}

/// A socket that answers.
#[derive(Clone, Debug, Serialize)]
pub struct Server {
    /// Its host.
    pub host: String,
    /// `127.0.0.1:8082`.
    pub socket: String,
}

/// A path and where it goes.
#[derive(Clone, Debug, Serialize)]
pub struct Route {
    /// The path without a slash at its end; empty for `/`.
    pub path: String,
    /// The upstream.
    pub upstream: String,
    /// The pool.
    pub pool: String,
    /// Whether the path is replaced.
    pub rewrites: bool,
    /// What replaces the path, without a slash at its end; empty for `/`.
    pub rewrite: String,
}

pub(super) fn resolve_all(topology: &Topology, pools: &[Pool]) -> Vec<Proxy> {
    let mut written: Vec<_> = topology.proxies.iter().flat_map(Named::iter).collect();
    written.sort_by_key(|(name, _)| &name.value);
    let pools: HashMap<&str, &Pool> = pools.iter().map(|p| (p.name.as_str(), p)).collect();
    written
        .into_iter()
        .zip(default::FIRST_STATUS..)
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

struct Resolver<'t> {
    topology: &'t Topology,
    pools: &'t HashMap<&'t str, &'t Pool>,
    proxy: &'t topology::Proxy,
}

impl Resolver<'_> {
    fn resolve(&self, name: &str, status: u16) -> Proxy {
        let proxy = self.proxy;
        let timeout = |pick: fn(&topology::Timeouts) -> Option<topology::quantity::Duration>,
                       default: topology::quantity::Duration| {
            proxy
                .timeouts
                .as_ref()
                .and_then(pick)
                .unwrap_or(default)
                .millis()
        };
        let names = proxy
            .server_name
            .as_ref()
            .map(|l| l.iter().map(|n| n.value.as_str().to_owned()).collect());
        Proxy {
            name: name.to_owned(),
            engine: proxy
                .engine
                .as_ref()
                .map_or(Engine::Nginx, |e| e.value)
                .word(),
            unit: naming::stem(self.topology.project.value.as_str(), name),
            hosts: pool::hosts(self.topology, |host| is_on(proxy.hosts.as_ref(), host)),
            listen: bind(proxy.listen.as_ref().map_or(default::LISTEN, |l| l.value)),
            status_port: proxy.status.as_ref().map_or(status, |s| s.value.number()),
            server_names: names.unwrap_or_else(|| vec!["_".to_owned()]),
            max_body: proxy
                .max_body
                .as_ref()
                .map_or(default::MAX_BODY, |b| b.value)
                .bytes(),
            connect_timeout_ms: timeout(
                |t| t.connect.as_ref().map(|d| d.value),
                default::CONNECT_TIMEOUT,
            ),
            read_timeout_ms: timeout(|t| t.read.as_ref().map(|d| d.value), default::READ_TIMEOUT),
            send_timeout_ms: timeout(|t| t.send.as_ref().map(|d| d.value), default::SEND_TIMEOUT),
            stop_timeout_seconds: self.slowest_stop(),
            upstreams: self.upstreams(),
            routes: self.routes(),
        }
    }

    fn balance(&self, route: &topology::Route) -> Balance {
        let written = route.balance.as_ref().or(self.proxy.balance.as_ref());
        written.map_or(Balance::RoundRobin, |b| b.value)
    }

    fn slowest_stop(&self) -> u64 {
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

    fn upstreams(&self) -> Vec<Upstream> {
        let mut upstreams = BTreeMap::new();
        for route in self.proxy.routes.iter() {
            let balance = self.balance(route);
            let Some(pool) = self.pools.get(route.pool.value.as_str()) else {
                continue;
            };
            let name = upstream_name(&pool.name, balance);
            upstreams
                .entry(name.clone())
                .or_insert_with(|| self.upstream(name, pool, balance));
        }
        upstreams.into_values().collect()
    }

    fn upstream(&self, name: String, pool: &Pool, balance: Balance) -> Upstream {
        let mut hosts: Vec<_> = self
            .topology
            .hosts
            .iter()
            .filter(|(n, _)| pool.hosts.iter().any(|h| h == n.value.as_str()))
            .collect();
        hosts.sort_by_key(|(name, _)| &name.value);
        // Port by port over the hosts, so that the first rounds already reach every host.
        let servers: Vec<Server> = pool
            .ports
            .iter()
            .flat_map(|port| hosts.iter().map(move |(name, host)| (port, name, host)))
            .map(|(port, name, host)| Server {
                host: name.value.as_str().to_owned(),
                socket: naming::socket(instance_address(pool, host), *port),
            })
            .collect();
        Upstream {
            name,
            pool: pool.name.clone(),
            balance: balance.word(),
            spans_hosts: hosts.len() > 1,
            zone_kib: (servers.len() * 2).next_multiple_of(64).max(64),
            servers,
        }
    }

    fn routes(&self) -> Vec<Route> {
        let trimmed = |path: &str| path.trim_end_matches('/').to_owned();
        let mut routes: Vec<_> = self
            .proxy
            .routes
            .iter()
            .map(|route| Route {
                path: trimmed(route.path.value.as_str()),
                upstream: upstream_name(route.pool.value.as_str(), self.balance(route)),
                pool: route.pool.value.as_str().to_owned(),
                rewrites: route.rewrite.is_some(),
                rewrite: route
                    .rewrite
                    .as_ref()
                    .map_or(String::new(), |r| trimmed(r.value.as_str())),
            })
            .collect();
        routes.sort_by(|a, b| {
            b.path
                .len()
                .cmp(&a.path.len())
                .then_with(|| a.path.cmp(&b.path))
        });
        routes
    }
}

/// Where an instance of `pool` on `host` listens.
pub(super) fn instance_address(pool: &Pool, host: &topology::Host) -> std::net::IpAddr {
    if pool.loopback {
        std::net::Ipv4Addr::LOCALHOST.into()
    } else {
        host.address.value.ip()
    }
}

fn upstream_name(pool: &str, balance: Balance) -> String {
    match balance {
        Balance::RoundRobin => pool.to_owned(),
        other => format!("{pool}-{}", other.word()),
    }
}

fn bind(listen: topology::address::Listen) -> Bind {
    let socket = listen.socket();
    let local = match socket.ip() {
        ip if !ip.is_unspecified() => ip,
        std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    Bind {
        socket: socket.to_string(),
        port: socket.port(),
        local: naming::socket(local, socket.port()),
    }
}
