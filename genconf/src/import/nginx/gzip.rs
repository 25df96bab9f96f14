//! Compression (`gzip`).

use super::location::ScopedRoute;
use super::scope::Scope;
use super::skipped;
use crate::import::Finding;
use crate::import::draft::ProxyDraft;

const GZIP: &str = "gzip";

/// Sets `compress`. A server without `gzip` has the default.
pub(super) fn compress(
    proxy: &mut ProxyDraft,
    server: &Scope<'_>,
    found: &[ScopedRoute<'_>],
    findings: &mut Vec<Finding>,
) {
    let of = |scope: &Scope<'_>| scope.is_on(GZIP);
    let first = found.first().and_then(|f| of(&f.scope));
    let agree = found.iter().all(|f| of(&f.scope) == first);
    let enabled = if agree { first } else { of(server) };
    proxy.uncompressed = enabled == Some(false);
    for directive in found.iter().filter_map(|f| f.scope.find(GZIP)) {
        if (directive.arg() == "on") == proxy.uncompressed {
            findings.push(skipped(
                directive,
                "`compress` applies to every route of a proxy",
            ));
        }
    }
}
