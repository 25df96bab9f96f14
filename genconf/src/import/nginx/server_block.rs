//! Converts `server` blocks to proxies.

use super::certificate::certificate;
use super::directive::Directive;
use super::listen::{ListenChoice, choose, text, uses_tls};
use super::location::{self, ScopedRoute};
use super::protection::{self, Protection};
use super::raw_line::checked;
use super::redirect;
use super::scope::{Scope, is_handled};
use super::timeout::{self, ConnectTimeout};
use super::token::quoted;
use super::{
    ImportState, Site, body_size, gzip, limit, real_ip, request_header, response_header, retry,
    skipped, unsupported,
};
use crate::import::Finding;
use crate::import::draft::ProxyDraft;
use crate::topology::address::Listen;
use crate::topology::decode::Scalar as _;
use crate::topology::default::CONNECT_TIMEOUT;
use crate::topology::name::ServerName;

/// Whether requests reach a location with `proxy_pass`, so that the server can be a proxy. A server
/// that redirects is not one if another server uses TLS or the same port.
pub(super) fn is_imported(server: &Directive, site: &Site<'_>) -> bool {
    let responds = server.inside().iter().any(|d| d.name == "return");
    let has_tls = |s: &Directive| uses_tls(s, &site.scope.within(s));
    let ports = ports_of(server);
    let replaces = |s: &Directive| {
        let has_port = ports_of(s).iter().any(|p| ports.contains(p));
        let passes = redirect::url(s).is_none() && !passing(s).is_empty();
        (has_tls(s) && !has_tls(server)) || (has_port && passes)
    };
    let redirects = redirect::url(server).is_some();
    let is_replaced = redirects && site.servers.iter().any(|s| replaces(s));
    !passing(server).is_empty() && !responds && !is_replaced
}

/// Converts a `server` block. It is skipped if no location passes requests on.
pub(super) fn read<'t>(server: &'t Directive, site: &Site<'t>, state: &mut ImportState) {
    let skip = |reason: &str, state: &mut ImportState| {
        state
            .findings
            .push(Finding::skipped(title(server), reason).at(server.position));
    };
    let scope = site.scope.within(server);
    let before = state.findings.len();
    let mut listen = choose(server, &scope, &mut state.findings);
    let mut proxy = ProxyDraft {
        listen: listen.listen.take(),
        server_names: names(server, state),
        ..ProxyDraft::default()
    };
    if let Some(directive) = listen.tls {
        let names = &proxy.server_names;
        let (file, key) = certificate(&scope, directive, names, &mut state.findings);
        proxy.tls = Some((file, key, listen.http.take()));
    }
    let port = listen_port(&proxy);
    if let Some(other) = state.proxies.iter().find(|p| listen_port(p) == port) {
        let reason = port_in_use(other, server);
        state.findings.truncate(before);
        return skip(&reason, state);
    }
    let expressions = limit_names(&mut proxy, server, site);
    report_expressions(server, expressions, &mut state.findings);
    let mut locations = Vec::new();
    location::collect(server, &scope, None, &mut locations);
    let protection = Protection::of(&mut locations, (server, &scope), site.http);
    let mut found = location::routes(&locations, state);
    if found.is_empty() {
        protection::report_unused(&locations, &mut state.findings);
        return skip("no location can be a route", state);
    }
    protection.apply(&mut proxy, (&locations, &found), &mut state.findings);
    real_ip::trust(&mut proxy, &scope, &listen, &mut state.findings);
    fill(&mut proxy, &scope, &mut found, &mut state.findings);
    let connect = timeout::of_proxy(&mut proxy, &scope, &found, &mut state.findings);
    let defaults = defaults(&listen, connect, &found);
    if !defaults.is_empty() {
        let finding = Finding::default(title(server), defaults.join(", "));
        state.findings.push(finding.at(server.position));
    }
    finish(proxy, server, found, state);
}

/// Adds a proxy with its routes.
fn finish(
    mut proxy: ProxyDraft,
    server: &Directive,
    found: Vec<ScopedRoute<'_>>,
    state: &mut ImportState,
) {
    proxy.routes = found.into_iter().map(|f| f.route).collect();
    let directives = server.inside().iter();
    for directive in directives.filter(|d| d.name != "location" && !is_handled(d)) {
        unsupported::report(directive, &mut state.findings);
    }
    let raw = proxy
        .server_names
        .first()
        .map_or("edge", |name| name.split('.').next().unwrap_or_default());
    proxy.name = state.upstreams.names().reserve(raw, "edge");
    state.proxies.push(proxy);
}

/// Accepts any name if this is the only server of its port, as nginx does. With other servers, which
/// can refuse requests or be left out, only the names of the server are accepted.
fn limit_names(proxy: &mut ProxyDraft, server: &Directive, site: &Site<'_>) -> Expressions {
    let port = listen_port(proxy);
    let position = |d: &Directive| (d.position.line, d.position.column);
    let is_other = |s: &&&Directive| position(s) != position(server);
    let mut others = site.servers.iter().filter(is_other);
    if others.any(|s| ports_of(s).contains(&port)) {
        let line = other_hosts(server).filter(|_| proxy.server_names.is_empty());
        let kept = line
            .as_ref()
            .map_or(Expressions::Lost, |_| Expressions::Kept);
        proxy.raw_server.extend(line);
        return kept;
    }
    proxy.server_names.retain(|name| name != "localhost");
    if !proxy.server_names.is_empty() {
        proxy.server_names.push("_".to_owned());
    }
    Expressions::Lost
}

/// What happens to regular expressions in `server_name`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Expressions {
    /// A line of `raw` refuses other names.
    Kept,
    /// The proxy does not compare names with them.
    Lost,
}

fn report_expressions(server: &Directive, kept: Expressions, findings: &mut Vec<Finding>) {
    for directive in server.inside().iter().filter(|d| d.name == "server_name") {
        for name in directive.args.iter().filter(|n| n.starts_with('~')) {
            let subject = format!("server_name {name}");
            let finding = match kept {
                Expressions::Kept => {
                    let reason = "a line of `raw` refuses other names with 421";
                    Finding::adjusted(subject, reason)
                }
                Expressions::Lost => {
                    let reason = "regular expressions in `server_name` are not supported";
                    Finding::skipped(subject, reason)
                }
            };
            findings.push(finding.at(directive.position));
        }
    }
}

/// Start of the line that refuses other names than those of regular expressions.
const OTHER_HOSTS: &str = "if ($host !~* ";

/// The line that refuses names that no regular expression of `server_name` matches.
fn other_hosts(server: &Directive) -> Option<String> {
    let names = server.inside().iter().filter(|d| d.name == "server_name");
    let names: Vec<_> = names.flat_map(|d| &d.args).collect();
    let expressions: Vec<_> = names
        .iter()
        .filter_map(|n| Some(format!("(?:{})", n.strip_prefix('~')?)))
        .collect();
    if expressions.is_empty() || expressions.len() < names.len() {
        return None;
    }
    let expression = quoted(&expressions.join("|"));
    checked(format!("{OTHER_HOSTS}{expression}) {{ return 421; }}"))
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
    for ScopedRoute {
        route, scope: own, ..
    } in found.iter_mut()
    {
        body_size::of_route(route, own, scope, findings);
        timeout::of_route(route, own, scope, findings);
        retry::retry(route, own, findings);
    }
    for route in found.iter() {
        request_header::report_redirect(route, findings);
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

/// Defaults that differ from those of nginx.
fn defaults(
    listen: &ListenChoice<'_>,
    connect: ConnectTimeout,
    found: &[ScopedRoute<'_>],
) -> Vec<String> {
    let mut defaults = Vec::new();
    if connect == ConnectTimeout::Default {
        defaults.push(format!(
            "`timeouts.connect` is {CONNECT_TIMEOUT} (nginx: 60s)"
        ));
    }
    if listen.adds_ipv6 {
        defaults.push("`listen` accepts IPv4 and IPv6 (nginx: IPv4 only)".to_owned());
    }
    if found.iter().any(|f| !request_header::sets_host(&f.scope)) {
        let host = "instances receive the Host of the request (nginx: the host of proxy_pass)";
        defaults.push(host.to_owned());
    }
    defaults
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
fn port_in_use(other: &ProxyDraft, server: &Directive) -> String {
    let label = server_label(server);
    let mut names = server.inside().iter().filter(|d| d.name == "server_name");
    let is_accepted = names.any(|d| d.args.iter().any(|n| accepts(other, n)));
    let receives = if is_accepted || accepts(other, "") {
        format!("which also gets requests for server {label}")
    } else {
        format!("which responds with 421 to requests for server {label}")
    };
    format!(
        "port {} is used by proxy `{}`, {receives}; use another port or host",
        listen_port(other),
        other.name
    )
}

/// Whether a proxy serves requests for a name.
pub(super) fn accepts(proxy: &ProxyDraft, name: &str) -> bool {
    let matches = |own: &String| {
        let below = own.strip_prefix('*').is_some_and(|end| name.ends_with(end));
        own == "_" || own == name || below
    };
    let is_limited = proxy.raw_server.iter().any(|l| l.starts_with(OTHER_HOSTS));
    let is_any = proxy.server_names.is_empty() && !is_limited;
    is_any || proxy.server_names.iter().any(matches)
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

/// The ports of a server.
pub(super) fn ports_of(server: &Directive) -> Vec<u16> {
    let mut listens = server
        .inside()
        .iter()
        .filter(|d| d.name == "listen")
        .peekable();
    let default = listens.peek().is_none().then_some(80);
    let ports = listens.filter_map(|d| port(Some(&text(d))));
    ports.chain(default).collect()
}

/// The port of a listen address.
pub(super) fn port(listen: Option<&str>) -> Option<u16> {
    Some(Listen::read(listen?).ok()?.port())
}

/// The port of a proxy.
pub(super) fn listen_port(proxy: &ProxyDraft) -> u16 {
    port(proxy.listen.as_deref()).unwrap_or(if proxy.tls.is_some() { 443 } else { 80 })
}

/// The server names. `.example.org` is `example.org` and the names below it.
fn names(server: &Directive, state: &mut ImportState) -> Vec<String> {
    let mut names = Vec::new();
    for directive in server.inside().iter().filter(|d| d.name == "server_name") {
        let is_read = |n: &&String| !["_", ""].contains(&n.as_str()) && !n.starts_with('~');
        let written = directive.args.iter().filter(is_read);
        for name in written {
            let all = match name.strip_prefix('.') {
                Some(plain) => vec![plain.to_owned(), format!("*.{plain}")],
                None => vec![name.clone()],
            };
            for name in all {
                match ServerName::read(&name) {
                    Ok(_) if names.contains(&name) => {}
                    Ok(_) => names.push(name),
                    Err(reason) => state.findings.push(
                        Finding::skipped(format!("server_name {name}"), reason.to_string())
                            .at(directive.position),
                    ),
                }
            }
        }
    }
    names
}
