//! Rules for definitions without a use.

use std::collections::HashSet;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::topology::Topology;
use crate::topology::decode::Named;

/// Every app has a pool, every pool a route, and every host a pool or a proxy. The rule is skipped
/// after an error, which can be the reason that a name is not used.
pub(super) fn definitions_are_used(topology: &Topology, diagnostics: &mut Diagnostics) {
    if diagnostics.has_errors() {
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
        let app = name.value.as_str();
        let help =
            format!("add a pool: `{app}: {{ app: {app}, ports: [8080] }}`, or remove the app");
        warn(
            format!("app `{app}` has no pool"),
            help,
            name.span,
            diagnostics,
        );
    }

    let used: HashSet<_> = proxies()
        .flat_map(|p| p.routes.iter())
        .map(|r| &r.pool.value)
        .collect();
    for name in topology.pools.names().filter(|n| !used.contains(&n.value)) {
        let pool = name.value.as_str();
        let help = format!("add a route: `{{ path: /{pool}, pool: {pool} }}`, or remove the pool");
        warn(
            format!("pool `{pool}` has no route"),
            help,
            name.span,
            diagnostics,
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
        let host = name.value.as_str();
        let help = format!("add it to a pool: `hosts: [{host}]`, or remove the host");
        let message = format!("host `{host}` has no pool and no proxy");
        warn(message, help, name.span, diagnostics);
    }
}

fn warn(message: String, help: String, span: Span, diagnostics: &mut Diagnostics) {
    diagnostics.push(Diagnostic::warning(Code::Unused, span, message, help));
}
