//! What a topology means: every default filled, every name looked up, sorted.
//!
//! Made from a [`Valid`] topology and cannot fail. Templates see this and
//! nothing else, so every field here is one that some template prints.

mod app;
mod host;
mod limit;
mod naming;
mod placement;
mod pool;
mod proxy;
mod routing;
mod upstream;

pub use app::{App, Variable};
pub use host::{DropIn, Forward, Host, HostListener, HostPool, HostProxy};
pub use pool::{Listener, Pool};
pub use proxy::{Bind, Header, Limit, Proxy, ResponseTimeouts, Route, Server, Tls, Upstream};

use serde::Serialize;

use crate::topology::Topology;
use crate::topology::choice::Runtime;
use crate::topology::decode::Named;
use crate::validate::Valid;

/// The whole, ready to print.
#[derive(Clone, Debug, Serialize)]
pub struct Layout {
    /// Version of genconf.
    pub version: &'static str,
    /// Prefix of every unit.
    pub project: String,
    /// The project as the name of an Ansible group: without hyphens, and with a
    /// prefix that keeps `all` and other groups of Ansible's own apart.
    pub group: String,
    /// Folder of the topology as seen from the bundle's folder.
    pub source: String,
    /// Hosts by name.
    pub hosts: Vec<Host>,
    /// Apps by name.
    pub apps: Vec<App>,
    /// Whether one of them is a container.
    pub has_containers: bool,
    /// Pools by name.
    pub pools: Vec<Pool>,
    /// Each shared port of each cluster pool.
    pub listeners: Vec<Listener>,
    /// Proxies by name.
    pub proxies: Vec<Proxy>,
    /// Addresses that hosts give to sockets reached from elsewhere.
    pub dropins: Vec<DropIn>,
}

/// Fills, looks up and sorts. `source` is the topology's folder as seen from
/// the bundle's: `.` when they are the same.
#[must_use]
pub fn resolve(valid: &Valid<Topology>, source: &str) -> Layout {
    let topology = valid.get();
    let project = topology.project.value.as_str();
    let apps = by_name(&topology.apps, |name, app| {
        app::resolve(topology.project.value.as_str(), name.as_str(), app)
    });
    let has_containers = apps
        .iter()
        .any(|app| app.runtime == Runtime::Container.word());
    let pools = by_name(&topology.pools, |name, pool| {
        pool::resolve(topology, name.as_str(), pool)
    });
    let listeners: Vec<Listener> = pools.iter().flat_map(pool::listeners).collect();
    let proxies = routing::resolve_all(topology, &pools);
    let hosts = placement::resolve_all(topology, &pools, &proxies);
    let dropins = hosts.iter().flat_map(|h| h.dropins.clone()).collect();
    Layout {
        version: env!("CARGO_PKG_VERSION"),
        project: project.to_owned(),
        group: format!("project_{}", project.replace('-', "_")),
        source: source.to_owned(),
        hosts,
        apps,
        has_containers,
        pools,
        listeners,
        proxies,
        dropins,
    }
}

/// The values of a mapping, resolved and in the order of their names.
fn by_name<K: Ord + Eq, V, T>(named: &Named<K, V>, resolve: impl Fn(&K, &V) -> T) -> Vec<T> {
    let mut entries: Vec<_> = named.iter().collect();
    entries.sort_by_key(|(name, _)| &name.value);
    entries
        .into_iter()
        .map(|(name, value)| resolve(&name.value, value))
        .collect()
}
