//! Rules for the keys of a proxy and the limits of its engine.

use super::pool::{MAX_SOCKET_PATH, unix};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::topology::choice::Engine;
use crate::topology::decode::Named;
use crate::topology::{Proxy, Topology};

/// Status pages use ports from 1024 on: the proxy opens them without privileges.
pub(super) fn status_ports_are_unprivileged(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (_, proxy) in topology.proxies.iter().flat_map(Named::iter) {
        let port = proxy.status_port.as_ref();
        let Some(port) = port.filter(|s| s.value.number() < 1024) else {
            continue;
        };
        let number = port.value.number();
        let message = format!("`status_port` must be at least 1024, found `{number}`");
        let help = "use a free port: `status_port: 9080`";
        let code = Code::PrivilegedPort;
        diagnostics.push(Diagnostic::error(code, port.span, message, help));
    }
}

/// Maximum length of a Unix socket path in `HAProxy`, in bytes. It binds to a temporary, longer
/// path first, and applies the same limit to paths of servers.
const MAX_HAPROXY_PATH: usize = 97;

/// `/run/PROJECT-PROXY/admin.sock` and `/run/PROJECT/POOL-PORT.sock` fit in `HAProxy`.
pub(super) fn haproxy_socket_paths_fit(topology: &Topology, diagnostics: &mut Diagnostics) {
    let project = topology.project.value.as_str();
    let too_long = |span: Span, length: usize, help: String| {
        let message = format!(
            "the path of a Unix socket must have at most {MAX_HAPROXY_PATH} bytes with HAProxy, found {length}"
        );
        Diagnostic::error(Code::PathTooLong, span, message, help)
    };
    for (name, proxy) in topology.proxies.iter().flat_map(Named::iter) {
        let Some(engine) = haproxy(proxy) else {
            continue;
        };
        let length = format!("/run/{project}-{}/admin.sock", name.value.as_str()).len();
        if length > MAX_HAPROXY_PATH {
            let more = length - MAX_HAPROXY_PATH;
            let help = format!("shorten the name of the proxy or the project by {more} characters");
            diagnostics.push(too_long(name.span, length, help).also(engine, "the engine"));
        }
        for (pool_name, pool) in topology.pools.iter() {
            let route = proxy
                .routes
                .iter()
                .find(|r| r.pool.value == pool_name.value);
            let (Some(route), Some(listen)) = (route, unix(pool)) else {
                continue;
            };
            let path = format!("/run/{project}/{}-65535.sock", pool_name.value.as_str());
            // `unix_socket_paths_fit` reports longer paths.
            if (MAX_HAPROXY_PATH + 1..=MAX_SOCKET_PATH).contains(&path.len()) {
                let more = path.len() - MAX_HAPROXY_PATH;
                let help = format!(
                    "shorten the name of the pool or the project by {more} characters, or set `listen: tcp`"
                );
                let diagnostic = too_long(route.pool.span, path.len(), help);
                diagnostics.push(
                    diagnostic
                        .also(engine, "the engine")
                        .also(listen, "Unix sockets"),
                );
            }
        }
    }
}

/// `send` has no effect with `HAProxy`, `hsts` none next to its header.
pub(super) fn keys_have_an_effect(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (_, proxy) in topology.proxies.iter().flat_map(Named::iter) {
        let of_proxy = proxy.timeouts.as_ref().and_then(|t| t.send.as_ref());
        let of_routes = proxy
            .routes
            .iter()
            .filter_map(|r| r.timeouts.as_ref()?.send.as_ref());
        for send in of_proxy.into_iter().chain(of_routes) {
            let Some(engine) = haproxy(proxy) else {
                break;
            };
            let message = "`send` has no effect with HAProxy: `read` applies to both directions";
            let help = "remove `send`";
            diagnostics.push(
                Diagnostic::warning(Code::NoEffect, send.span, message, help)
                    .also(engine, "the engine"),
            );
        }
        let hsts = proxy.tls.as_ref().and_then(|t| t.hsts.as_ref());
        let header = proxy.headers.iter().flat_map(Named::names).find(|h| {
            let name = h.value.as_str();
            name.eq_ignore_ascii_case("strict-transport-security")
        });
        if let (Some(hsts), Some(header)) = (hsts, header) {
            let message = "`hsts` has no effect: `headers` sets the same header";
            let help = format!("remove `hsts`, or `{}`", header.value.as_str());
            diagnostics.push(
                Diagnostic::warning(Code::NoEffect, hsts.span, message, help)
                    .also(header.span, "this header applies"),
            );
        }
    }
}

/// `HAProxy` does not count the bytes of a body without `Content-Length`.
pub(super) fn keys_are_supported_by_the_engine(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (_, proxy) in topology.proxies.iter().flat_map(Named::iter) {
        let Some(engine) = haproxy(proxy) else {
            continue;
        };
        let of_routes = proxy.routes.iter().filter_map(|r| r.max_body.as_ref());
        for max_body in proxy.max_body.iter().chain(of_routes) {
            let message = "`max_body` does not limit bodies without a `Content-Length` on HAProxy";
            let help = "set `engine: nginx`, or limit the body in the app as well";
            diagnostics.push(
                Diagnostic::warning(Code::EngineLimit, max_body.span, message, help)
                    .also(engine, "the engine"),
            );
        }
    }
}

/// Without `trusted_proxies` any client could set its own address.
pub(super) fn proxy_protocol_requires_trusted_proxies(
    topology: &Topology,
    diagnostics: &mut Diagnostics,
) {
    for (name, proxy) in topology.proxies.iter().flat_map(Named::iter) {
        let Some(key) = &proxy.proxy_protocol else {
            continue;
        };
        let is_missing =
            proxy.trusted_proxies.is_none() && !proxy.has_invalid(&["trusted_proxies"]);
        if proxy.takes_proxy_protocol() && is_missing {
            let message = format!(
                "`proxy_protocol: true` requires `trusted_proxies` in proxy `{}`",
                name.value.as_str()
            );
            let help = "list the load balancers in front: `trusted_proxies: [192.0.2.10]`";
            let code = Code::MissingTrustedProxies;
            diagnostics.push(Diagnostic::error(code, key.span, message, help));
        }
    }
}

/// The location of `engine: haproxy`.
fn haproxy(proxy: &Proxy) -> Option<Span> {
    let engine = proxy.engine.as_ref()?;
    (engine.value == Engine::Haproxy).then_some(engine.span)
}
