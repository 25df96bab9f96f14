//! Things that are described and never used.

use std::collections::HashSet;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::topology::Topology;
use crate::topology::decode::Named;

/// Every app has a pool, every pool a route, every host something to run.
/// Where something is wrong already, what seems unused may be its consequence.
pub(super) fn everything_is_used(topology: &Topology, faults: &mut Diagnostics) {
    if faults.has_errors() {
        return;
    }
    let pools = || topology.pools.iter().map(|(_, p)| p);
    let proxies = || {
        topology
            .proxies
            .iter()
            .flat_map(Named::iter)
            .map(|(_, p)| p)
    };

    let used: HashSet<_> = pools().map(|p| &p.app.value).collect();
    for name in topology.apps.names().filter(|n| !used.contains(&n.value)) {
        warn(
            format!("no pool runs the app `{}`", name.value.as_str()),
            name.span,
            faults,
        );
    }

    let used: HashSet<_> = proxies()
        .flat_map(|p| p.routes.iter())
        .map(|r| &r.pool.value)
        .collect();
    for name in topology.pools.names().filter(|n| !used.contains(&n.value)) {
        warn(
            format!("no route reaches the pool `{}`", name.value.as_str()),
            name.span,
            faults,
        );
    }

    let lists: Vec<_> = pools()
        .map(|p| &p.hosts)
        .chain(proxies().map(|p| &p.hosts))
        .collect();
    if lists.iter().any(|l| l.is_none()) {
        return;
    }
    let used: HashSet<_> = lists
        .into_iter()
        .flatten()
        .flat_map(|l| l.iter())
        .map(|h| &h.value)
        .collect();
    for name in topology.hosts.names().filter(|n| !used.contains(&n.value)) {
        warn(
            format!("nothing runs on the host `{}`", name.value.as_str()),
            name.span,
            faults,
        );
    }
}

fn warn(said: String, span: Span, faults: &mut Diagnostics) {
    faults.push(Diagnostic::warning(Code::Unused, span, said));
}
