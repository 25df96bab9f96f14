//! Response headers (`add_header`).

use super::directive::Directive;
use super::scope::Scope;
use super::skipped;
use crate::import::Finding;
use crate::import::draft::ProxyDraft;
use crate::topology::decode::Scalar as _;
use crate::topology::text::{HeaderName, HeaderValue};

/// Sets the response headers of a proxy.
pub(super) fn of_proxy(proxy: &mut ProxyDraft, server: &Scope<'_>, findings: &mut Vec<Finding>) {
    for directive in server.every().filter(|d| d.name == "add_header") {
        if !add(proxy, directive) {
            let reason = "the header is set by the proxy, or its name or value is not supported";
            findings.push(skipped(directive, reason));
        }
    }
}

/// Adds a header. Returns false if it is not supported.
fn add(proxy: &mut ProxyDraft, directive: &Directive) -> bool {
    let [name, value, ..] = directive.args.as_slice() else {
        return false;
    };
    let own = name.eq_ignore_ascii_case("strict-transport-security") && proxy.tls.is_some();
    if own || HeaderName::read(name).is_err() || HeaderValue::read(value).is_err() {
        return false;
    }
    if !proxy
        .headers
        .iter()
        .any(|(n, _)| n.eq_ignore_ascii_case(name))
    {
        proxy.headers.push((name.clone(), value.clone()));
    }
    true
}
