//! Headers of requests to instances.

use super::tree::Directive;
use super::upstream::left;
use crate::import::Note;
use crate::import::plan::ProxyPlan;

/// Headers that the proxy sets itself, and values that come to the same.
const OWN: &[(&str, &[&str])] = &[
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

/// Headers that the proxy empties, so that an instance can trust none.
const EMPTY: [&str; 8] = [
    "forwarded",
    "proxy",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-scheme",
    "x-forwarded-ssl",
    "x-original-url",
    "x-rewrite-url",
];

/// Headers that a load balancer in front reports by.
const REPORTED: [&str; 4] = [
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];

/// Notes a `proxy_set_header` that does more than the proxy.
pub(super) fn tell(directive: &Directive, proxy: &ProxyPlan, notes: &mut Vec<Note>) {
    let name = directive.arg().to_ascii_lowercase();
    let value = directive.args.get(1).map_or("", String::as_str);
    let scheme = if proxy.tls.is_some() { "https" } else { "http" };
    let is_same = match name.as_str() {
        "upgrade" | "connection" => true,
        "x-forwarded-proto" if value == scheme => true,
        name if EMPTY.contains(&name) && value.is_empty() => true,
        name => OWN
            .iter()
            .any(|(own, usual)| *own == name && usual.contains(&value)),
    };
    let is_reported = REPORTED.contains(&name.as_str());
    if is_same || (is_reported && !proxy.trusted_proxies.is_empty()) {
        return;
    }
    let why = match name.as_str() {
        "host" => "instances receive the Host of the request",
        _ if is_reported => {
            "if a load balancer in front reports it, set `trusted_proxies` to its address"
        }
        _ => {
            "instances receive the headers of the request, and Host, X-Forwarded-For, -Proto and -Host, X-Real-IP and X-Request-ID from the proxy"
        }
    };
    notes.push(left(directive, why));
}
