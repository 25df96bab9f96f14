//! A proxy's own keys, and what its engine can do with them.

use super::pool::{LONGEST_SOCKET as LONGEST_OF_ALL, unix};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::topology::choice::Engine;
use crate::topology::decode::Named;
use crate::topology::{Proxy, Topology};

/// A proxy opens its status page itself, and without a privilege.
pub(super) fn status_is_unprivileged(topology: &Topology, faults: &mut Diagnostics) {
    for (name, proxy) in topology.proxies.iter().flat_map(Named::iter) {
        let status = proxy.status_port.as_ref();
        let Some(status) = status.filter(|s| s.value.number() < 1024) else {
            continue;
        };
        let said = format!(
            "the status page of `{}` asks for the privileged port {}",
            name.value.as_str(),
            status.value.number()
        );
        faults.push(
            Diagnostic::error(Code::PrivilegedPort, status.span, said)
                .help("the proxy opens it without a privilege: give it a port from 1024 on"),
        );
    }
}

/// The longest path of a unix socket that `HAProxy` takes, in bytes: it binds under a longer name
/// for a moment, and asks the same of paths that it only connects to.
const LONGEST_SOCKET: usize = 97;

/// `/run/PROJECT-PROXY/admin.sock`, which is its own, and `/run/PROJECT/POOL-PORT.sock` have to fit.
pub(super) fn haproxy_takes_the_sockets(topology: &Topology, faults: &mut Diagnostics) {
    let project = topology.project.value.as_str();
    for (name, proxy) in topology.proxies.iter().flat_map(Named::iter) {
        let Some(engine) = haproxy(proxy) else {
            continue;
        };
        let too_long = |path: String| (path.len() > LONGEST_SOCKET).then_some(path.len());
        let own = format!("/run/{project}-{}/admin.sock", name.value.as_str());
        if let Some(length) = too_long(own) {
            let said = format!(
                "the path of its admin socket would have {length} bytes, and HAProxy takes {LONGEST_SOCKET}"
            );
            faults.push(
                Diagnostic::error(Code::Contradiction, name.span, said)
                    .also(engine, "HAProxy here")
                    .help("shorten the name of the proxy or of the project"),
            );
        }
        for (pool, written) in topology.pools.iter() {
            let route = proxy.routes.iter().find(|r| r.pool.value == pool.value);
            let (Some(route), Some(listen)) = (route, unix(written)) else {
                continue;
            };
            let socket = format!("/run/{project}/{}-65535.sock", pool.value.as_str());
            // What nobody takes is told by `unix_sockets_fit`.
            let Some(length) = too_long(socket).filter(|l| *l <= LONGEST_OF_ALL) else {
                continue;
            };
            let said = format!(
                "the path of a unix socket of `{}` may have {length} bytes, and HAProxy takes {LONGEST_SOCKET}",
                pool.value.as_str()
            );
            faults.push(
                Diagnostic::error(Code::Contradiction, route.pool.span, said)
                    .also(engine, "HAProxy here")
                    .also(listen, "unix here")
                    .help("shorten the name of the pool or of the project, or write `listen: tcp`"),
            );
        }
    }
}

/// What is written is heard by the engine, and by one key only.
pub(super) fn every_key_has_an_effect(topology: &Topology, faults: &mut Diagnostics) {
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
            let said = "`send` has no effect with HAProxy: `read` covers both directions";
            faults.push(
                Diagnostic::warning(Code::NoEffect, send.span, said)
                    .also(engine, "HAProxy here")
                    .help("remove `send`"),
            );
        }
        let hsts = proxy.tls.as_ref().and_then(|t| t.hsts.as_ref());
        let header = proxy.headers.iter().flat_map(Named::names).find(|h| {
            let name = h.value.as_str();
            name.eq_ignore_ascii_case("strict-transport-security")
        });
        if let (Some(hsts), Some(header)) = (hsts, header) {
            let said = "the same header is written in `headers`, and that one counts";
            faults.push(
                Diagnostic::warning(Code::NoEffect, hsts.span, said)
                    .also(header.span, "this one")
                    .help("leave one of the two out"),
            );
        }
    }
}

/// `HAProxy` does not count the bytes of a chunked body as it passes through.
pub(super) fn engine_honors_every_key(topology: &Topology, faults: &mut Diagnostics) {
    for (_, proxy) in topology.proxies.iter().flat_map(Named::iter) {
        let Some(engine) = haproxy(proxy) else {
            continue;
        };
        let of_routes = proxy.routes.iter().filter_map(|r| r.max_body.as_ref());
        for max_body in proxy.max_body.iter().chain(of_routes) {
            let said = "`max_body` does not limit bodies without a `Content-Length` on HAProxy";
            faults.push(
                Diagnostic::warning(Code::EngineLimit, max_body.span, said)
                    .also(engine, "HAProxy here")
                    .help("write `engine: nginx`, or limit the body in the app as well"),
            );
        }
    }
}

/// Without a list of senders, any client could claim any address.
pub(super) fn proxy_protocol_has_senders(topology: &Topology, faults: &mut Diagnostics) {
    for (name, proxy) in topology.proxies.iter().flat_map(Named::iter) {
        let Some(key) = &proxy.proxy_protocol else {
            continue;
        };
        let is_missing =
            proxy.trusted_proxies.is_none() && !proxy.is_unsure_of(&["trusted_proxies"]);
        if proxy.takes_proxy_protocol() && is_missing {
            let said = format!(
                "`proxy_protocol: true` requires `trusted_proxies` in proxy `{}`",
                name.value.as_str()
            );
            faults.push(
                Diagnostic::error(Code::Contradiction, key.span, said)
                    .help("list the load balancers in front: `trusted_proxies: [192.0.2.10]`"),
            );
        }
    }
}

/// Where it says that its engine is `HAProxy`.
fn haproxy(proxy: &Proxy) -> Option<Span> {
    let engine = proxy.engine.as_ref()?;
    (engine.value == Engine::Haproxy).then_some(engine.span)
}
