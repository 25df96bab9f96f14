//! Headers of requests to instances (`proxy_set_header`).

use super::directive::Directive;
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
        "host" => "instances receive the Host of the request",
        _ if is_reported => {
            "if a load balancer in front sets it, set `trusted_proxies` to its address"
        }
        _ => {
            "instances receive the headers of the request; the proxy sets Host, X-Forwarded-For, -Proto, and -Host, X-Real-IP, and X-Request-ID"
        }
    };
    findings.push(skipped(directive, reason));
}
