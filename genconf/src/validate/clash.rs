//! Two things that would have one name on a host.

use std::collections::HashMap;

use super::pool::{is_cluster, watches};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::topology::choice::{CheckType, Engine};
use crate::topology::decode::Named;
use crate::topology::reserved::{GROUPS, UNITS};
use crate::topology::{Pool, Topology};

/// Pools and proxies share the names of units.
pub(super) fn unit_names_are_distinct(topology: &Topology, faults: &mut Diagnostics) {
    let pools: HashMap<&str, Span> = topology
        .pools
        .names()
        .map(|n| (n.value.as_str(), n.span))
        .collect();
    for proxy in topology.proxies.iter().flat_map(Named::names) {
        let Some(pool) = pools.get(proxy.value.as_str()) else {
            continue;
        };
        let said = format!(
            "a pool and a proxy are both called `{}`",
            proxy.value.as_str()
        );
        faults.push(
            Diagnostic::error(Code::NameClash, proxy.span, said)
                .also(*pool, "the pool")
                .help("both become units called PROJECT-NAME; rename one"),
        );
    }
    cluster_names_are_distinct(topology, faults);
    companion_names_are_distinct(topology, faults);
}

/// The ports and the probe of a pool, the watch of an app and the rotation of a proxy's logs are
/// units as well, called after them.
fn companion_names_are_distinct(topology: &Topology, faults: &mut Diagnostics) {
    let proxies = topology.proxies.iter().flat_map(Named::names);
    let mut named: HashMap<&str, Span> = proxies.map(|n| (n.value.as_str(), n.span)).collect();
    named.extend(topology.pools.names().map(|n| (n.value.as_str(), n.span)));
    let is_probed = |pool: &Pool| {
        let app = topology.apps.get(&pool.app.value);
        app.and_then(watches) == Some(CheckType::Probe)
    };
    let pools = topology.pools.iter().filter(|(_, pool)| is_probed(pool));
    let probes = pools.map(|(name, _)| (format!("{}-probe", name.value.as_str()), name.span));
    let ports = topology.pools.names();
    let ports = ports.map(|name| (format!("{}-port", name.value.as_str()), name.span));
    let apps = topology.apps.iter().filter(|(_, app)| app.is_watched());
    let watches = apps.map(|(name, _)| (format!("{}-watch", name.value.as_str()), name.span));
    let doors = topology.proxies.iter().flat_map(Named::iter);
    let rotating = doors.filter(|(_, p)| match &p.engine {
        Some(engine) => engine.value == Engine::Nginx,
        None => !p.is_unsure_of(&["engine"]),
    });
    let rotations = rotating
        .map(|(name, _)| name)
        .map(|n| (format!("{}-rotate", n.value.as_str()), n.span));
    for (companion, of) in probes.chain(ports).chain(watches).chain(rotations) {
        if let Some(span) = named.get(companion.as_str()) {
            let said = format!("`{companion}` is the name of a unit that genconf makes");
            faults.push(
                Diagnostic::error(Code::NameClash, *span, said)
                    .also(of, "for this one")
                    .help("rename one of the two"),
            );
        }
    }
}

/// A cluster pool `a` on 8081 has the unit `a-8081`, which could be another pool's name.
fn cluster_names_are_distinct(topology: &Topology, faults: &mut Diagnostics) {
    let clusters = || topology.pools.iter().filter(|(_, p)| is_cluster(p));
    let pools = topology.pools.names();
    let pools = pools.map(|name| ("pool", name.value.as_str(), name.span));
    let proxies = topology.proxies.iter().flat_map(Named::names);
    let proxies = proxies.map(|name| ("proxy", name.value.as_str(), name.span));
    for (kind, unit, at) in pools.chain(proxies) {
        let Some((stem, port)) = unit.rsplit_once('-') else {
            continue;
        };
        let number: u16 = port.parse().unwrap_or_default();
        let pool = clusters().find(|(name, _)| name.value.as_str() == stem);
        let ranges = pool.iter().flat_map(|(_, pool)| pool.ports.iter());
        let Some(range) = ranges.into_iter().find(|r| r.value.holds(number)) else {
            continue;
        };
        let said = format!("the workers of this port and the {kind} `{unit}` have one unit name");
        faults.push(
            Diagnostic::error(Code::NameClash, range.span, said).also(at, format!("the {kind}")),
        );
    }
}

/// No unit is called like one that the host has already, which it would replace.
pub(super) fn names_are_free(topology: &Topology, faults: &mut Diagnostics) {
    let project = &topology.project;
    let pools = topology.pools.names();
    let pools = pools.map(|name| (name.value.as_str(), name.span));
    let proxies = topology.proxies.iter().flat_map(Named::names);
    let proxies = proxies.map(|name| (name.value.as_str(), name.span));
    for (name, span) in pools.chain(proxies) {
        let unit = format!("{}-{name}", project.value.as_str());
        if [GROUPS, UNITS].iter().any(|l| l.contains(&unit.as_str())) {
            let said = format!("`{unit}` is the name of a unit that Debian has");
            faults.push(
                Diagnostic::error(Code::NameClash, span, said)
                    .also(project.span, "after this")
                    .help("units are called PROJECT-NAME; rename one of the two"),
            );
        }
    }
}
