//! Rules for names of systemd units.

use std::collections::HashMap;

use super::pool::{check_type, is_cluster};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::topology::choice::{CheckType, Engine};
use crate::topology::decode::Named;
use crate::topology::reserved::{GROUPS, UNITS};
use crate::topology::{Pool, Topology};

/// Every pool and proxy by name.
fn owners(topology: &Topology) -> impl Iterator<Item = (&'static str, &str, Span)> {
    let pools = topology.pools.names();
    let pools = pools.map(|name| ("pool", name.value.as_str(), name.span));
    let proxies = topology.proxies.iter().flat_map(Named::names);
    let proxies = proxies.map(|name| ("proxy", name.value.as_str(), name.span));
    pools.chain(proxies)
}

/// No two units have the same name.
pub(super) fn unit_names_are_distinct(topology: &Topology, diagnostics: &mut Diagnostics) {
    let pools: HashMap<&str, Span> = topology
        .pools
        .names()
        .map(|n| (n.value.as_str(), n.span))
        .collect();
    for proxy in topology.proxies.iter().flat_map(Named::names) {
        let name = proxy.value.as_str();
        let Some(pool) = pools.get(name) else {
            continue;
        };
        let message = format!("pool and proxy must have different names, found `{name}` for both");
        let help = format!("rename the proxy, for example to `{name}-proxy`");
        diagnostics.push(
            Diagnostic::error(Code::NameClash, proxy.span, message, help)
                .label("the proxy")
                .also(*pool, "the pool"),
        );
    }
    worker_names_are_distinct(topology, diagnostics);
    companion_names_are_distinct(topology, diagnostics);
    no_name_is_that_of_the_monitor(topology, diagnostics);
}

/// A project with a probed pool has the unit `PROJECT-monitor`.
fn no_name_is_that_of_the_monitor(topology: &Topology, diagnostics: &mut Diagnostics) {
    let is_probed = |pool: &Pool| {
        let app = topology.apps.get(&pool.app.value);
        app.and_then(check_type) == Some(CheckType::Probe)
    };
    let mut pools = topology.pools.iter();
    let Some((probed, _)) = pools.find(|(_, pool)| is_probed(pool)) else {
        return;
    };
    for (noun, name, span) in owners(topology).filter(|(_, name, _)| *name == "monitor") {
        let message = format!(
            "{noun} `{name}` must have another name: the unit that checks the health of instances has it"
        );
        let help = format!("rename the {noun}, for example to `{name}-1`");
        diagnostics.push(
            Diagnostic::error(Code::NameClash, span, message, help)
                .also(probed.span, "the instances of this pool are checked"),
        );
    }
}

/// Units that genconf adds: the ports of a pool, the watch of an app, and the log rotation of a
/// proxy.
fn companion_names_are_distinct(topology: &Topology, diagnostics: &mut Diagnostics) {
    let named: HashMap<&str, (&str, Span)> = owners(topology)
        .map(|(noun, name, span)| (name, (noun, span)))
        .collect();
    let ports = topology.pools.names();
    let ports = ports.map(|name| ("pool", name.value.as_str(), "-port", name.span));
    let apps = topology.apps.iter().filter(|(_, app)| app.is_watched());
    let watches = apps.map(|(name, _)| ("app", name.value.as_str(), "-watch", name.span));
    let proxies = topology.proxies.iter().flat_map(Named::iter);
    let rotating = proxies.filter(|(_, p)| match &p.engine {
        Some(engine) => engine.value == Engine::Nginx,
        None => !p.has_invalid(&["engine"]),
    });
    let rotations = rotating
        .map(|(name, _)| name)
        .map(|n| ("proxy", n.value.as_str(), "-rotate", n.span));
    for (owner, stem, suffix, of) in ports.chain(watches).chain(rotations) {
        let companion = format!("{stem}{suffix}");
        if let Some((noun, span)) = named.get(companion.as_str()) {
            let message = format!(
                "{noun} `{companion}` must not end with `{suffix}`, which is reserved for units of {owner} `{stem}`"
            );
            let help = format!("rename the {noun}, for example to `{companion}-1`");
            diagnostics.push(
                Diagnostic::error(Code::NameClash, *span, message, help)
                    .also(of, "genconf adds the unit for this"),
            );
        }
    }
}

/// A cluster `a` with port 8081 has the unit `a-8081`.
fn worker_names_are_distinct(topology: &Topology, diagnostics: &mut Diagnostics) {
    let clusters = || topology.pools.iter().filter(|(_, p)| is_cluster(p));
    for (noun, unit, span) in owners(topology) {
        let Some((stem, port)) = unit.rsplit_once('-') else {
            continue;
        };
        let number: u16 = port.parse().unwrap_or_default();
        let pool = clusters().find(|(name, _)| name.value.as_str() == stem);
        let ranges = pool.iter().flat_map(|(_, pool)| pool.ports.iter());
        let Some(range) = ranges.into_iter().find(|r| r.value.holds(number)) else {
            continue;
        };
        let message = format!("{noun} `{unit}` must not have the unit name of workers of `{stem}`");
        let help = format!("rename the {noun}, for example to `{stem}-{noun}`");
        diagnostics.push(
            Diagnostic::error(Code::NameClash, range.span, message, help)
                .label("port of the workers")
                .also(span, format!("the {noun}")),
        );
    }
}

/// No unit has the name of a unit that Debian installs.
pub(super) fn unit_names_are_not_reserved(topology: &Topology, diagnostics: &mut Diagnostics) {
    let project = &topology.project;
    for (noun, name, span) in owners(topology) {
        let unit = format!("{}-{name}", project.value.as_str());
        if [GROUPS, UNITS].iter().any(|l| l.contains(&unit.as_str())) {
            let message =
                format!("the unit of {noun} `{name}` must not be a unit of Debian, found `{unit}`");
            let help = format!("rename the {noun}, for example to `{name}-1`, or the project");
            diagnostics.push(
                Diagnostic::error(Code::ReservedName, span, message, help)
                    .also(project.span, "the project"),
            );
        }
    }
}
