//! Rules for the routes of a proxy.

use std::collections::HashMap;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::topology::Topology;
use crate::topology::decode::Named;

/// Each path has one route. `/a` and `/a/` are equal: a route includes all paths below its own.
pub(super) fn paths_are_distinct(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (name, proxy) in topology.proxies.iter().flat_map(Named::iter) {
        let mut seen = HashMap::new();
        for route in proxy.routes.iter() {
            let path = route.path.value.as_str().trim_end_matches('/');
            let Some(first) = seen.insert(path, route.path.span) else {
                continue;
            };
            let path = route.path.value.as_str();
            let message = format!(
                "path `{path}` has two routes in proxy `{}`",
                name.value.as_str()
            );
            let help = "remove one of the two routes, or change its `path`";
            diagnostics.push(
                Diagnostic::error(Code::DuplicateRoute, route.path.span, message, help)
                    .label("used again here")
                    .also(first, "first used here"),
            );
        }
    }
}

/// A rewrite differs from the path of its route.
pub(super) fn rewrites_have_an_effect(topology: &Topology, diagnostics: &mut Diagnostics) {
    let trimmed = |path: &str| path.trim_end_matches('/').to_owned();
    for (_, proxy) in topology.proxies.iter().flat_map(Named::iter) {
        for route in proxy.routes.iter() {
            let Some(rewrite) = &route.rewrite else {
                continue;
            };
            if trimmed(rewrite.value.as_str()) != trimmed(route.path.value.as_str()) {
                continue;
            }
            let message = "`rewrite` has no effect: it is equal to `path`";
            let help = "remove `rewrite`";
            diagnostics.push(
                Diagnostic::warning(Code::NoEffect, rewrite.span, message, help)
                    .also(route.path.span, "the path"),
            );
        }
    }
}
