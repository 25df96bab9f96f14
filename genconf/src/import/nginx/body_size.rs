//! Largest request body (`client_max_body_size`).

use super::scope::Scope;
use super::skipped;
use crate::import::Finding;
use crate::import::draft::{ProxyDraft, RouteDraft};
use crate::topology::decode::Scalar as _;
use crate::topology::default::MAX_BODY;
use crate::topology::quantity::ByteSize;

/// Replaces `0`, which means no limit in nginx.
const UNLIMITED: ByteSize = ByteSize::from_bytes(1 << 40);

/// Sets the largest request body of a proxy.
pub(super) fn of_proxy(proxy: &mut ProxyDraft, server: &Scope<'_>, findings: &mut Vec<Finding>) {
    let size = max_body(server, findings);
    proxy.max_body = (size != MAX_BODY).then_some(size);
}

/// Sets the largest request body of a route, if it differs from that of its proxy.
pub(super) fn of_route(
    route: &mut RouteDraft,
    scope: &Scope<'_>,
    server: &Scope<'_>,
    findings: &mut Vec<Finding>,
) {
    let size = max_body(scope, findings);
    route.max_body = (size != max_body(server, findings)).then_some(size);
}

/// The largest request body in a block. nginx and genconf have the same default.
fn max_body(scope: &Scope<'_>, findings: &mut Vec<Finding>) -> ByteSize {
    let Some(directive) = scope.find("client_max_body_size") else {
        return MAX_BODY;
    };
    if directive.arg() == "0" {
        let reason = format!("no limit is not supported; the limit is {UNLIMITED}");
        findings.push(Finding::adjusted(directive.text(), reason).at(directive.position));
        return UNLIMITED;
    }
    size(directive.arg()).unwrap_or_else(|| {
        findings.push(skipped(directive, "expected a size such as `10m`"));
        MAX_BODY
    })
}

/// Parses a size of nginx: `10m`, `512k`, `1g`, or bytes.
fn size(text: &str) -> Option<ByteSize> {
    let lower = text.to_ascii_lowercase();
    let number = lower.trim_end_matches(['k', 'm', 'g']);
    let unit = match &lower[number.len()..] {
        "" => "B",
        "k" => "KiB",
        "m" => "MiB",
        "g" => "GiB",
        _ => return None,
    };
    ByteSize::read(&format!("{number}{unit}")).ok()
}
