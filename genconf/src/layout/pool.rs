//! Resolved pools.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use super::app::{self, App, Variable};
use super::naming;
use crate::source::Spanned;
use crate::topology::choice::{Mode, Supervisor, Transport, Workers};
use crate::topology::decode::Named;
use crate::topology::name::HostName;
use crate::topology::{self, Topology, default, is_on};

/// A pool: instances of one app on ports of hosts.
#[derive(Clone, Debug, Serialize)]
pub struct Pool {
    /// Name of the pool.
    pub name: String,
    /// Stem of its unit names: `randoms-spread`.
    pub unit: String,
    /// Target unit of the pool.
    pub target: String,
    /// The app it runs.
    pub app: App,
    /// Host header of its health checks.
    pub health_host: String,
    /// `fork` or `cluster`.
    pub mode: &'static str,
    /// Whether it has one service unit per `port` or per `worker` of a shared port.
    pub unit_per: &'static str,
    /// Who opens the listening socket: `systemd` or the `app`.
    pub socket_owner: &'static str,
    /// `tcp` or `unix`.
    pub listen: &'static str,
    /// Arguments of its instances: those of the app, then those of the pool.
    pub args: Vec<String>,
    /// Its hosts, sorted by name.
    pub hosts: Vec<String>,
    /// Its ports, sorted.
    pub ports: Vec<u16>,
    /// Workers per port of a cluster: a number or `max`. `1` for fork.
    pub workers: String,
    /// Environment variables of its instances.
    pub env: Vec<Variable>,
    /// Addresses of the hosts whose proxies route to it; empty for loopback.
    pub allow: Vec<String>,
    /// Whether it listens on loopback, because only proxies on the same host route to it.
    pub loopback: bool,
    /// Address that an app without socket activation binds: loopback, or every address of the hosts'
    /// family. `::` accepts IPv4 and IPv6 (ipv6(7), `IPV6_V6ONLY`).
    pub bind_address: IpAddr,
}

/// A shared port of a cluster pool.
#[derive(Clone, Debug, Serialize)]
pub struct Listener {
    /// The pool.
    pub pool: Pool,
    /// The port.
    pub port: u16,
    /// Stem of its unit names: `randoms-shared-8081`.
    pub unit: String,
}

pub(super) fn resolve(topology: &Topology, name: &str, pool: &topology::Pool) -> Pool {
    let written = topology.apps.get(&pool.app.value);
    // Validation rejects a pool whose app is not defined.
    let project = topology.project.value.as_str();
    let app = written.map_or_else(App::default, |a| {
        app::resolve(project, pool.app.value.as_str(), a)
    });
    let mode = pool.mode.as_ref().map_or(Mode::Fork, |m| m.value);
    let unit = naming::stem(project, name);
    let loopback = is_loopback(topology, name, pool);
    Pool {
        name: name.to_owned(),
        target: naming::target(&unit),
        unit,
        mode: mode.word(),
        unit_per: unit_per(mode, pool),
        socket_owner: if app.socket_activation {
            "systemd"
        } else {
            "app"
        },
        listen: pool
            .listen
            .as_ref()
            .map_or(Transport::Tcp, |l| l.value)
            .word(),
        args: [app.args.clone(), app::texts(pool.args.as_ref())].concat(),
        hosts: hosts(topology, |host| is_on(pool.hosts.as_ref(), host)),
        ports: ports(pool),
        workers: workers(mode, pool.workers.as_ref().map(|w| w.value)),
        health_host: health_host(topology, name, written),
        env: app::variables(written.and_then(|a| a.env.as_ref()), pool.env.as_ref()),
        allow: if loopback {
            Vec::new()
        } else {
            allowed(topology, name)
        },
        loopback,
        bind_address: bind_address(topology, pool, loopback),
        app,
    }
}

/// Host header of the health check: the configured one, or else the first server name of a proxy
/// that routes to the pool, because an app may reject other names.
fn health_host(topology: &Topology, pool: &str, app: Option<&topology::App>) -> String {
    let check = app.and_then(|a| a.health.as_ref()).map(|h| &h.0);
    if let Some(written) = check.and_then(|c| c.host.as_ref()) {
        return written.value.as_str().to_owned();
    }
    let mut proxies: Vec<_> = topology.proxies.iter().flat_map(Named::iter).collect();
    proxies.sort_by_key(|(name, _)| &name.value);
    let mut names = proxies
        .into_iter()
        .filter(|(_, proxy)| routes_to(proxy, pool))
        .flat_map(|(_, proxy)| proxy.server_name.iter().flat_map(|names| names.iter()))
        .map(|name| name.value.as_str());
    let plain = names.find(|name| *name != "_" && !name.starts_with('*'));
    plain.unwrap_or(default::HEALTH_HOST).to_owned()
}

fn routes_to(proxy: &topology::Proxy, pool: &str) -> bool {
    proxy.routes.iter().any(|r| r.pool.value.as_str() == pool)
}

fn bind_address(topology: &Topology, pool: &topology::Pool, loopback: bool) -> IpAddr {
    let mut hosts = topology.hosts.iter();
    let is_ipv6 = |(name, host): (&Spanned<HostName>, &topology::Host)| {
        is_on(pool.hosts.as_ref(), &name.value) && host.address.value.ip().is_ipv6()
    };
    match loopback {
        true => Ipv4Addr::LOCALHOST.into(),
        false if hosts.any(is_ipv6) => Ipv6Addr::UNSPECIFIED.into(),
        false => Ipv4Addr::UNSPECIFIED.into(),
    }
}

fn ports(pool: &topology::Pool) -> Vec<u16> {
    let ranges = pool.ports.iter().flat_map(|r| r.value.ports());
    let mut ports: Vec<u16> = ranges.map(topology::address::Port::number).collect();
    ports.sort_unstable();
    ports
}

fn unit_per(mode: Mode, pool: &topology::Pool) -> &'static str {
    let by_app = pool
        .supervisor
        .as_ref()
        .is_some_and(|w| w.value == Supervisor::App);
    if mode == Mode::Cluster && !by_app {
        "worker"
    } else {
        "port"
    }
}

/// Addresses of the hosts whose proxies route to this pool, sorted.
fn allowed(topology: &Topology, name: &str) -> Vec<String> {
    let proxies: Vec<_> = topology
        .proxies
        .iter()
        .flat_map(Named::iter)
        .filter(|(_, p)| routes_to(p, name))
        .collect();
    let counts = |host: &HostName| proxies.iter().any(|(_, p)| is_on(p.hosts.as_ref(), host));
    let hosts = topology.hosts.iter().filter(|(n, _)| counts(&n.value));
    let addresses: BTreeSet<_> = hosts.map(|(_, host)| host.address.value.ip()).collect();
    addresses.iter().map(ToString::to_string).collect()
}

/// The names of the hosts that `chosen` selects, sorted.
pub(super) fn hosts(topology: &Topology, chosen: impl Fn(&HostName) -> bool) -> Vec<String> {
    let names = topology.hosts.names().map(|n| &n.value);
    let mut names: Vec<_> = names
        .filter(|n| chosen(n))
        .map(|n| n.as_str().to_owned())
        .collect();
    names.sort_unstable();
    names
}

fn workers(mode: Mode, written: Option<Workers>) -> String {
    match (mode, written) {
        (Mode::Fork, _) => "1".to_owned(),
        (Mode::Cluster, Some(Workers::Count(count))) => count.to_string(),
        (Mode::Cluster, Some(Workers::Max) | None) => "max".to_owned(),
    }
}

/// Whether the pool is on one host and every proxy that routes to it runs only on that host.
fn is_loopback(topology: &Topology, name: &str, pool: &topology::Pool) -> bool {
    let own = hosts(topology, |host| is_on(pool.hosts.as_ref(), host));
    own.len() == 1
        && topology
            .proxies
            .iter()
            .flat_map(Named::iter)
            .filter(|(_, proxy)| proxy.routes.iter().any(|r| r.pool.value.as_str() == name))
            .all(|(_, proxy)| hosts(topology, |host| is_on(proxy.hosts.as_ref(), host)) == own)
}

/// The shared ports of a pool; none if each unit has its own port.
pub(super) fn listeners(pool: &Pool) -> impl Iterator<Item = Listener> {
    let shared = pool.unit_per == "worker";
    let ports = if shared { pool.ports.as_slice() } else { &[] };
    ports.iter().map(|port| Listener {
        pool: pool.clone(),
        port: *port,
        unit: naming::shared_stem(&pool.unit, *port),
    })
}
