//! Converts `server` blocks to proxies.

use super::directive::Directive;
use super::listen::{ListenChoice, choose, is_ssl, text};
use super::location::ScopedRoute;
use super::redirect::redirect;
use super::scope::{Scope, is_supported};
use super::timeout::{self, ConnectTimeout};
use super::{
    ImportState, body_size, gzip, limit, location, real_ip, request_header, response_header, retry,
    skipped, unsupported,
};
use crate::import::Finding;
use crate::import::draft::ProxyDraft;
use crate::topology::address::Listen;
use crate::topology::decode::Scalar as _;
use crate::topology::default::CONNECT_TIMEOUT;
use crate::topology::name::ServerName;
use crate::topology::path::HostPath;

/// Converts a `server` block. It is skipped if no location passes requests on.
pub(super) fn read(server: &Directive, http: &Scope<'_>, state: &mut ImportState) {
    let skip = |reason: &str, state: &mut ImportState| {
        state
            .findings
            .push(Finding::skipped(title(server), reason).at(server.position));
    };
    if passing(server).is_empty() {
        if redirect(server).is_none() {
            skip("no location passes requests on", state);
        }
        return;
    }
    let before = state.findings.len();
    let mut listen = choose(server, &mut state.findings);
    let mut proxy = ProxyDraft {
        listen: listen.listen.take(),
        tls: tls(server, state),
        ..ProxyDraft::default()
    };
    if let Some(other) = state
        .proxies
        .iter()
        .find(|p| listen_port(p) == listen_port(&proxy))
    {
        let reason = port_in_use(listen_port(&proxy), other, server);
        state.findings.truncate(before);
        return skip(&reason, state);
    }
    let scope = http.within(server);
    let mut found = Vec::new();
    for block in server.inside().iter().filter(|d| d.name == "location") {
        location::read(block, &scope, &mut found, state);
    }
    if found.is_empty() {
        return skip("no location can be a route", state);
    }
    proxy.server_names = names(server, state);
    // nginx uses the only server of a port for any name.
    if !proxy.server_names.is_empty() {
        proxy.server_names.push("_".to_owned());
    }
    real_ip::trust(&mut proxy, &scope, &listen, &mut state.findings);
    fill(&mut proxy, &scope, &mut found, &mut state.findings);
    let connect = timeout::of_proxy(&mut proxy, &scope, &found, &mut state.findings);
    report_defaults(server, &listen, connect, state);
    proxy.routes = found.into_iter().map(|f| f.route).collect();
    let directives = server.inside().iter();
    for directive in directives.filter(|d| d.name != "location" && !is_supported(&d.name)) {
        unsupported::report(directive, &mut state.findings);
    }
    let raw = proxy
        .server_names
        .first()
        .map_or("edge", |name| name.split('.').next().unwrap_or_default());
    proxy.name = state.upstreams.names().reserve(raw, "edge");
    state.proxies.push(proxy);
}

/// Sets the keys of a proxy and its routes.
fn fill(
    proxy: &mut ProxyDraft,
    scope: &Scope<'_>,
    found: &mut [ScopedRoute<'_>],
    findings: &mut Vec<Finding>,
) {
    body_size::of_proxy(proxy, scope, findings);
    response_header::of_proxy(proxy, scope, findings);
    gzip::compress(proxy, scope, found, findings);
    limit::limits(proxy, found, findings);
    for ScopedRoute { route, scope: own } in found.iter_mut() {
        body_size::of_route(route, own, scope, findings);
        timeout::of_route(route, own, scope, findings);
        retry::retry(route, own, findings);
    }
    let within = found.iter().flat_map(|f| f.scope.own());
    let all = scope.every().chain(within);
    for directive in all.filter(|d| d.name == "proxy_set_header") {
        request_header::report(directive, proxy, findings);
    }
    if let Some(http2) = scope.find("http2") {
        match (http2.arg(), proxy.tls.is_some()) {
            ("on", false) => findings.push(skipped(http2, "HTTP/2 needs `tls`")),
            ("off", true) => findings.push(skipped(http2, "a proxy with `tls` offers HTTP/2")),
            _ => {}
        }
    }
}

/// Reports defaults that differ from those of nginx.
fn report_defaults(
    server: &Directive,
    listen: &ListenChoice<'_>,
    connect: ConnectTimeout,
    state: &mut ImportState,
) {
    let mut defaults = Vec::new();
    if connect == ConnectTimeout::Default {
        defaults.push(format!(
            "`timeouts.connect` is {CONNECT_TIMEOUT} (nginx: 60s)"
        ));
    }
    if listen.adds_ipv6 {
        defaults.push("`listen` accepts IPv4 and IPv6 (nginx: IPv4 only)".to_owned());
    }
    if defaults.is_empty() {
        return;
    }
    let finding = Finding::default(title(server), defaults.join(", "));
    state.findings.push(finding.at(server.position));
}

/// The server in the report: its names, or its listen address.
pub(super) fn title(server: &Directive) -> String {
    format!("server {}", server_label(server))
}

fn server_label(server: &Directive) -> String {
    let all = |name: &str| -> Vec<&str> {
        let found = server.inside().iter().filter(|d| d.name == name);
        found.flat_map(|d| &d.args).map(String::as_str).collect()
    };
    match (all("server_name").as_slice(), all("listen").first()) {
        ([] | ["" | "_"], Some(listen)) => format!("at {listen}"),
        ([] | ["" | "_"], None) => "at 80".to_owned(),
        (names, _) => names.join(" "),
    }
}

/// The reason to skip a server whose port another proxy uses.
fn port_in_use(port: u16, other: &ProxyDraft, server: &Directive) -> String {
    format!(
        "port {port} is used by proxy `{}`, which also gets requests for server {}; use another port or host",
        other.name,
        server_label(server)
    )
}

/// The locations with `proxy_pass` in a block, including nested ones.
pub(super) fn passing(block: &Directive) -> Vec<&Directive> {
    let mut found = Vec::new();
    for location in block.inside().iter().filter(|d| d.name == "location") {
        if location.inside().iter().any(|d| d.name == "proxy_pass") {
            found.push(location);
        }
        found.extend(passing(location));
    }
    found
}

/// The ports of a server, and the HTTP port that `tls` redirects.
pub(super) fn ports(server: &Directive) -> Vec<u16> {
    let listens = server.inside().iter().filter(|d| d.name == "listen");
    let ports = listens.filter_map(|d| port(Some(&text(d))));
    ports.chain([80]).collect()
}

/// The port of a listen address.
pub(super) fn port(listen: Option<&str>) -> Option<u16> {
    Some(Listen::read(listen?).ok()?.port())
}

/// The port of a proxy.
pub(super) fn listen_port(proxy: &ProxyDraft) -> u16 {
    port(proxy.listen.as_deref()).unwrap_or(if proxy.tls.is_some() { 443 } else { 80 })
}

fn tls(server: &Directive, state: &mut ImportState) -> Option<(String, String, Option<String>)> {
    let ssl_listen = server
        .inside()
        .iter()
        .find(|d| d.name == "listen" && is_ssl(d));
    let file = |key: &str| {
        server
            .inside()
            .iter()
            .find(|d| d.name == key)
            .map(Directive::arg)
    };
    match (
        file("ssl_certificate"),
        file("ssl_certificate_key"),
        ssl_listen,
    ) {
        (Some(certificate), Some(key), Some(_))
            if [certificate, key].iter().all(|f| HostPath::read(f).is_ok()) =>
        {
            Some((certificate.to_owned(), key.to_owned(), None))
        }
        (_, _, None) => None,
        (_, _, Some(listen)) => {
            let reason = "`tls` needs the absolute paths of a certificate and a key; without them the proxy uses HTTP";
            state.findings.push(skipped(listen, reason));
            None
        }
    }
}

fn names(server: &Directive, state: &mut ImportState) -> Vec<String> {
    let mut names = Vec::new();
    for directive in server.inside().iter().filter(|d| d.name == "server_name") {
        for name in directive
            .args
            .iter()
            .filter(|n| !["_", "", "localhost"].contains(&n.as_str()))
        {
            match ServerName::read(name) {
                Ok(_) if names.contains(name) => {}
                Ok(_) => names.push(name.clone()),
                Err(reason) => state.findings.push(
                    Finding::skipped(format!("server_name {name}"), reason.to_string())
                        .at(directive.position),
                ),
            }
        }
    }
    names
}
