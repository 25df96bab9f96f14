//! Resolved upstreams: the servers that a proxy balances over.

use std::collections::{BTreeMap, BTreeSet};

use super::naming;
use super::pool::Pool;
use super::proxy::{Server, Upstream};
use super::routing::Resolver;
use crate::topology::choice::{Balance, Runtime};
use crate::topology::{self, default};

impl Resolver<'_> {
    pub(super) fn balance(&self, route: &topology::Route) -> Balance {
        let written = route.balance.as_ref().or(self.proxy.balance.as_ref());
        written.map_or(Balance::RoundRobin, |b| b.value)
    }

    pub(super) fn upstreams(&self) -> Vec<Upstream> {
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
        // Ordered by port, then host, so that round robin reaches every host first.
        let sockets = pool
            .ports
            .iter()
            .flat_map(|port| hosts.iter().map(move |host| (*port, *host)));
        let servers: Vec<Server> = sockets
            .map(|(port, (name, host))| self.server(pool, port, (name.value.as_str(), host)))
            .collect();
        Upstream {
            name,
            pool: pool.name.clone(),
            health_path: pool.app.health_path.clone(),
            health_host: pool.health_host.clone(),
            health_status: pool.app.health_status.clone(),
            health_interval_ms: pool.app.health_interval_ms,
            health_timeout_ms: pool.app.health_timeout_ms,
            balance: balance.word(),
            spans_hosts: hosts.len() > 1,
            can_leave_half_open: hosts.len() > 1 || pool.app.runtime == Runtime::Container.word(),
            reuse: if pool.app.socket_activation {
                "always"
            } else {
                "safe"
            },
            tries: if hosts.len() > 1 {
                pool.ports.len() + 1
            } else {
                2
            },
            zone_kib: (servers.len() * 2).next_multiple_of(64).max(64),
            servers,
        }
    }

    fn server(&self, pool: &Pool, port: u16, host: (&str, &topology::Host)) -> Server {
        let project = self.topology.project.value.as_str();
        Server {
            host: host.0.to_owned(),
            name: format!("{}-{port}", host.0),
            weight: host
                .1
                .weight
                .as_ref()
                .map_or(default::WEIGHT, |w| w.value.number()),
            socket: match pool.listen {
                "unix" => naming::unix_socket(project, &pool.name, &port.to_string()),
                _ => naming::socket(instance_address(pool, host.1), port),
            },
        }
    }
}

/// Pools whose instances can disappear without closing their TCP connections.
pub(super) fn half_open_pools(upstreams: &[Upstream]) -> BTreeSet<String> {
    let half_open = upstreams
        .iter()
        .filter(|upstream| upstream.can_leave_half_open);
    half_open.map(|upstream| upstream.pool.clone()).collect()
}

/// Address that an instance of `pool` listens on at `host`.
pub(super) fn instance_address(pool: &Pool, host: &topology::Host) -> std::net::IpAddr {
    if pool.loopback {
        std::net::Ipv4Addr::LOCALHOST.into()
    } else {
        host.address.value.ip()
    }
}

/// Name of an upstream. The separator is an underscore, which pool names cannot contain.
pub(super) fn upstream_name(pool: &str, balance: Balance) -> String {
    match balance {
        Balance::RoundRobin => pool.to_owned(),
        other => format!("{pool}_{}", other.word()),
    }
}
