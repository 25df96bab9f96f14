//! Headers of requests to instances (`proxy_set_header`).

use super::directive::Directive;
use super::location::ScopedRoute;
use super::scope::Scope;
use super::skipped;
use crate::import::Finding;
use crate::import::draft::ProxyDraft;

/// Headers that the proxy sets, and values with the same effect.
const SET_BY_PROXY: &[(&str, &[&str])] = &[
    (
        "host",
        &[
            "$host",
            "$http_host",
            "$host:$server_port",
            "$http_host:$server_port",
            "$server_name",
        ],
    ),
    ("x-real-ip", &["$remote_addr"]),
    (
        "x-forwarded-for",
        &["$remote_addr", "$proxy_add_x_forwarded_for"],
    ),
    ("x-forwarded-proto", &["$scheme"]),
    (
        "x-forwarded-host",
        &["$host", "$http_host", "$host:$server_port", "$server_name"],
    ),
    ("x-request-id", &["$request_id"]),
];

/// Headers that the proxy removes, because a client could forge them.
const REMOVED: [&str; 8] = [
    "forwarded",
    "proxy",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-scheme",
    "x-forwarded-ssl",
    "x-original-url",
    "x-rewrite-url",
];

/// Headers that a load balancer in front sets.
const REPORTED: [&str; 4] = [
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];

/// Reports a `proxy_set_header` directive unless the proxy has the same effect.
pub(super) fn report(directive: &Directive, proxy: &ProxyDraft, findings: &mut Vec<Finding>) {
    let name = directive.arg().to_ascii_lowercase();
    let value = directive.args.get(1).map_or("", String::as_str);
    let scheme = if proxy.tls.is_some() { "https" } else { "http" };
    let is_same = match name.as_str() {
        "upgrade" | "connection" => true,
        "x-forwarded-proto" if value == scheme => true,
        name if REMOVED.contains(&name) && value.is_empty() => true,
        name => SET_BY_PROXY
            .iter()
            .any(|(own, values)| *own == name && values.contains(&value)),
    };
    let is_reported = REPORTED.contains(&name.as_str());
    if is_same || (is_reported && !proxy.trusted_proxies.is_empty()) {
        return;
    }
    let reason = match name.as_str() {
        "host" => "the value is lost: instances receive the Host of the request",
        _ if is_reported => {
            "if a load balancer in front sets it, set `trusted_proxies` to its address"
        }
        _ if SET_BY_PROXY.iter().any(|(own, _)| *own == name) => {
            "the value is lost: the proxy sets this header itself"
        }
        name if REMOVED.contains(&name) => "the value is lost: the proxy removes this header",
        _ if value.is_empty() => "the header is not removed: instances receive that of the client",
        _ => {
            "the header is lost: instances receive it only if the client sends it, so they must not trust it"
        }
    };
    findings.push(skipped(directive, reason));
}

/// Whether `proxy_set_header` sets the header Host.
pub(super) fn sets_host(scope: &Scope<'_>) -> bool {
    let all = scope.all("proxy_set_header");
    all.iter().any(|d| d.arg().eq_ignore_ascii_case("host"))
}

/// Reports a route whose instances send Location headers that nginx would change by default.
pub(super) fn report_redirect(found: &ScopedRoute<'_>, findings: &mut Vec<Finding>) {
    let redirect = found.scope.find("proxy_redirect").map(Directive::arg);
    let is_default = redirect.is_none_or(|value| value == "default");
    let url = found.block.inside().iter().find(|d| d.name == "proxy_pass");
    let has_path = url.is_some_and(|d| d.arg().matches('/').count() > 2);
    if found.route.rewrite.is_none() || !has_path || sets_host(&found.scope) || !is_default {
        return;
    }
    let reason = "instances receive the Host of the request, and Location headers are passed unchanged; by default nginx replaces the URL of proxy_pass in Location with the path of the location (proxy_redirect)";
    let finding = Finding::adjusted(found.block.text(), reason);
    findings.push(finding.at(found.block.position));
}
