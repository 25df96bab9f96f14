//! Reasons why a location is not a route.

use super::directive::Directive;

/// Directives that pass requests on, with the protocol.
const PROTOCOLS: [(&str, &str); 6] = [
    ("proxy_pass", "HTTP"),
    ("fastcgi_pass", "FastCGI"),
    ("grpc_pass", "gRPC"),
    ("memcached_pass", "memcached"),
    ("scgi_pass", "SCGI"),
    ("uwsgi_pass", "uwsgi"),
];

/// Directives of locations that serve files.
const FILES: [&str; 7] = [
    "alias",
    "autoindex",
    "dav_methods",
    "expires",
    "index",
    "root",
    "try_files",
];

/// Directives of locations that respond without files or instances, with the reason.
const RESPONSES: [(&str, &str); 5] = [
    ("stub_status", "the status page is at `status_port`"),
    ("empty_gif", "fixed responses are not supported"),
    ("mirror", "mirrored requests are not supported"),
    ("echo", "fixed responses are not supported"),
    ("content_by_lua_file", "Lua is not supported"),
];

/// The protocol in which a location passes requests on.
pub(super) fn protocol(location: &Directive) -> Option<&'static str> {
    let inside = location.inside();
    let has = |name: &str| inside.iter().any(|d| d.name == name);
    let found = PROTOCOLS.iter().find(|(name, _)| has(name));
    found.map(|(_, protocol)| *protocol)
}

/// Why a location has no route, regardless of its path; `None` if it passes requests on with HTTP.
pub(super) fn without_route(location: &Directive) -> Option<String> {
    let inside = location.inside();
    if let Some(direct) = inside.iter().find(|d| d.name == "return") {
        return Some(response(direct));
    }
    match protocol(location) {
        Some("HTTP") => return None,
        Some(protocol) => {
            let reason = format!(
                "it uses {protocol}, but the proxy uses HTTP to its pools; make the app listen with HTTP"
            );
            return Some(reason);
        }
        None => {}
    }
    let special = RESPONSES
        .iter()
        .find(|(name, _)| inside.iter().any(|d| d.name == *name));
    if let Some((_, reason)) = special {
        return Some((*reason).to_owned());
    }
    if inside.iter().any(|d| d.name == "rewrite") {
        return Some(
            "it has no proxy_pass; redirects and rewrites to another location are not supported"
                .to_owned(),
        );
    }
    let files = inside.iter().any(|d| FILES.contains(&d.name.as_str()));
    let reason = if files {
        "it serves files; the proxy does not: serve them with the app or a separate web server"
    } else {
        "the location has no proxy_pass; serve it with a separate web server"
    };
    Some(reason.to_owned())
}

/// The reason for a `return` directive. nginx runs it before the location passes requests on.
fn response(direct: &Directive) -> String {
    let is_redirect =
        |a: &String| a.contains("://") || ["301", "302", "303", "307", "308"].contains(&a.as_str());
    if direct.args.iter().any(is_redirect) {
        format!("redirects (`{}`) are not supported", direct.text())
    } else {
        format!("fixed responses (`{}`) are not supported", direct.text())
    }
}
