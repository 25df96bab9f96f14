//! Pools, resolved.

use serde::Serialize;

use super::app::{self, App, Variable};
use super::naming;
use crate::topology::choice::{Mode, Workers};
use crate::topology::decode::Named;
use crate::topology::name::HostName;
use crate::topology::{self, Topology, is_on};

/// An app on some ports of some hosts.
#[derive(Clone, Debug, Serialize)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Stem of its units: `randoms-spread`.
    pub unit: String,
    /// The target that groups it.
    pub target: String,
    /// What it runs.
    pub app: App,
    /// `fork` or `cluster`.
    pub mode: &'static str,
    /// Its hosts by name.
    pub hosts: Vec<String>,
    /// Its ports, sorted.
    pub ports: Vec<u16>,
    /// Workers behind each port of a cluster: a number or `max`. `1` for fork.
    pub workers: String,
    /// Environment of its instances.
    pub env: Vec<Variable>,
    /// Whether only proxies on the same host reach it, so that loopback is enough.
    pub loopback: bool,
}

/// A shared port of a cluster pool.
#[derive(Clone, Debug, Serialize)]
pub struct Listener {
    /// The pool.
    pub pool: Pool,
    /// The port.
    pub port: u16,
    /// Stem of its units: `randoms-shared-8081`.
    pub unit: String,
}

pub(super) fn resolve(topology: &Topology, name: &str, pool: &topology::Pool) -> Pool {
    let app = topology
        .apps
        .iter()
        .find(|(n, _)| n.value == pool.app.value);
    let written = app.map(|(_, app)| app);
    let mode = pool.mode.as_ref().map_or(Mode::Fork, |m| m.value);
    let unit = naming::stem(topology.project.value.as_str(), name);
    let mut ports: Vec<u16> = pool
        .ports
        .iter()
        .flat_map(|r| r.value.ports())
        .map(topology::address::Port::number)
        .collect();
    ports.sort_unstable();
    Pool {
        name: name.to_owned(),
        target: naming::target(&unit),
        unit,
        // `names_exist` lets no pool pass whose app is not described.
        app: written.map_or_else(App::default, |a| app::resolve(pool.app.value.as_str(), a)),
        mode: mode.word(),
        hosts: hosts(topology, |host| is_on(pool.hosts.as_ref(), host)),
        ports,
        workers: workers(mode, pool.workers.as_ref().map(|w| w.value)),
        env: app::variables(written.and_then(|a| a.env.as_ref()), pool.env.as_ref()),
        loopback: is_loopback(topology, name, pool),
    }
}

/// The names of the hosts that `chosen` picks, sorted.
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

/// One host, and every proxy that routes here runs on that host only.
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

/// The shared ports of a cluster pool; a fork pool has none.
pub(super) fn listeners(pool: &Pool) -> impl Iterator<Item = Listener> {
    let shared = pool.mode == Mode::Cluster.word();
    let ports = if shared { pool.ports.as_slice() } else { &[] };
    ports.iter().map(|port| Listener {
        pool: pool.clone(),
        port: *port,
        unit: naming::shared_stem(&pool.unit, *port),
    })
}
