//! The resolved topology: defaults applied, names resolved, lists sorted.
//!
//! Resolving a [`Valid`] topology cannot fail. Templates read only this type, so its fields are
//! template variables.

mod app;
mod host;
mod host_files;
mod host_spec;
mod limit;
mod monitor;
mod naming;
mod placement;
mod pool;
mod proxy;
mod requirements;
mod routing;
mod upstream;

pub use app::{App, Variable};
pub use host::{DropIn, ForwardedPort, Host, HostListener, HostPool, HostProxy};
pub use monitor::MonitorUnit;
pub use pool::{Listener, Pool};
pub use proxy::{Bind, Header, Limit, Proxy, ResponseTimeouts, Route, Server, Tls, Upstream};

use serde::Serialize;

use crate::topology::Topology;
use crate::topology::choice::Runtime;
use crate::topology::decode::Named;
use crate::validate::Valid;

/// The resolved topology, as templates read it.
#[derive(Clone, Debug, Serialize)]
pub struct Layout {
    /// Version of genconf.
    pub version: &'static str,
    /// Project name and prefix of every unit.
    pub project: String,
    /// Path of genconf-host on every host.
    pub program: String,
    /// Ansible group of the project: no hyphens, and a prefix so that it cannot equal a reserved
    /// group such as `all`.
    pub ansible_group: String,
    /// The topology's directory relative to the output directory.
    pub topology_dir: String,
    /// Hosts by name.
    pub hosts: Vec<Host>,
    /// Apps by name.
    pub apps: Vec<App>,
    /// Whether any app runs in a container.
    pub has_containers: bool,
    /// Pools by name.
    pub pools: Vec<Pool>,
    /// Shared ports of cluster pools.
    pub listeners: Vec<Listener>,
    /// Proxies by name.
    pub proxies: Vec<Proxy>,
    /// The unit that probes instances, if any pool is probed; the same on every host.
    pub monitors: Vec<MonitorUnit>,
    /// Socket drop-ins with the host's address, for sockets that other hosts connect to.
    pub dropins: Vec<DropIn>,
}

/// Resolves a topology. `topology_dir` is its directory relative to the output directory, `.` if
/// they are the same.
#[must_use]
pub fn resolve(valid: &Valid<Topology>, topology_dir: &str) -> Layout {
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
    let monitors = monitor::unit(project, &pools).into_iter().collect();
    let proxies = routing::resolve_all(topology, &pools);
    let hosts = placement::resolve_all(topology, &pools, &proxies);
    let dropins = hosts.iter().flat_map(|h| h.dropins.clone()).collect();
    Layout {
        version: env!("CARGO_PKG_VERSION"),
        project: project.to_owned(),
        program: naming::program(project),
        ansible_group: format!("project_{}", project.replace('-', "_")),
        topology_dir: topology_dir.to_owned(),
        hosts,
        apps,
        has_containers,
        pools,
        listeners,
        proxies,
        monitors,
        dropins,
    }
}

/// Resolves the values of a mapping, sorted by name.
fn by_name<K: Ord + Eq, V, T>(named: &Named<K, V>, resolve: impl Fn(&K, &V) -> T) -> Vec<T> {
    let mut entries: Vec<_> = named.iter().collect();
    entries.sort_by_key(|(name, _)| &name.value);
    entries
        .into_iter()
        .map(|(name, value)| resolve(&name.value, value))
        .collect()
}
