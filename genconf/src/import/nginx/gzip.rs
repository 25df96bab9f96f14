//! Compression, which a proxy has unless it is switched off.

use super::location::Found;
use super::scope::Scope;
use super::upstream::left;
use crate::import::Note;
use crate::import::plan::ProxyPlan;

const GZIP: &str = "gzip";

/// Sets `compress`. A server without a word about it gets the default.
pub(super) fn compress(
    proxy: &mut ProxyPlan,
    server: &Scope<'_>,
    found: &[Found<'_>],
    notes: &mut Vec<Note>,
) {
    let of = |scope: &Scope<'_>| scope.is_on(GZIP);
    let first = found.first().and_then(|f| of(&f.scope));
    let agree = found.iter().all(|f| of(&f.scope) == first);
    let wanted = if agree { first } else { of(server) };
    proxy.uncompressed = wanted == Some(false);
    for directive in found.iter().filter_map(|f| f.scope.find(GZIP)) {
        if (directive.arg() == "on") == proxy.uncompressed {
            notes.push(left(
                directive,
                "`compress` applies to every route of a proxy",
            ));
        }
    }
}
