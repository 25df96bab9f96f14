//! Routes of one proxy, side by side.

use std::collections::HashMap;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::topology::Topology;
use crate::topology::decode::Named;

/// A path goes to one pool. `/a` and `/a/` are one path: a route takes all below it.
pub(super) fn paths_are_distinct(topology: &Topology, faults: &mut Diagnostics) {
    for (_, proxy) in topology.proxies.iter().flat_map(Named::iter) {
        let mut seen = HashMap::new();
        for route in proxy.routes.iter() {
            let path = route.path.value.as_str().trim_end_matches('/');
            let Some(first) = seen.insert(path, route.path.span) else {
                continue;
            };
            let said = format!("the path `{}` is routed twice", route.path.value.as_str());
            faults.push(
                Diagnostic::error(Code::DuplicateRoute, route.path.span, said)
                    .also(first, "first here"),
            );
        }
    }
}

/// A rewrite gives the pool another path than the one that was asked for.
pub(super) fn rewrites_change_something(topology: &Topology, faults: &mut Diagnostics) {
    let trimmed = |path: &str| path.trim_end_matches('/').to_owned();
    for (_, proxy) in topology.proxies.iter().flat_map(Named::iter) {
        for route in proxy.routes.iter() {
            let Some(rewrite) = &route.rewrite else {
                continue;
            };
            if trimmed(rewrite.value.as_str()) != trimmed(route.path.value.as_str()) {
                continue;
            }
            let said = "the rewrite gives the path that was asked for";
            faults.push(
                Diagnostic::warning(Code::NoEffect, rewrite.span, said)
                    .also(route.path.span, "this path")
                    .help("leave `rewrite` out: a request is passed on with the path it came with"),
            );
        }
    }
}
