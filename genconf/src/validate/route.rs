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
