//! Servers that redirect to HTTPS, and other servers that are not imported.

use super::access::{guard, refusal};
use super::challenge;
use super::directive::Directive;
use super::listen::{choose, uses_tls};
use super::location::blocks;
use super::pattern::{Matching, Pattern};
use super::raw_line::{Added, add_location};
use super::reason;
use super::server_block::{accepts, is_imported, listen_port, passing, port, ports_of, title};
use super::{ImportState, Site, skipped};
use crate::import::Finding;
use crate::import::draft::ProxyDraft;

const HTTPS: &str = "https://";

/// The HTTPS URL to which a server redirects every request.
pub(super) fn url(server: &Directive) -> Option<&str> {
    let is_root = |l: &&Directive| {
        Pattern::of(l).is_some_and(|p| p.matching == Matching::Prefix && p.path == "/")
    };
    // certbot adds a condition for each name.
    let conditions = server.inside().iter().filter(|d| d.name == "if");
    let mut conditional = conditions.filter(|_| passing(server).is_empty());
    let own = direct(server).or_else(|| conditional.find_map(direct));
    own.or_else(|| blocks(server).find(is_root).and_then(direct))
}

/// The HTTPS URL of a `return` or an unconditional `rewrite` in the block.
fn direct(block: &Directive) -> Option<&str> {
    block.inside().iter().find_map(|d| {
        let all = [
            "^", "^(.*)$", "^(.*)", "^/(.*)$", "^/(.*)", ".*", "^.*$", "(.*)", "^/?(.*)$",
        ];
        let redirects = match d.name.as_str() {
            "return" => true,
            "rewrite" => all.contains(&d.arg()),
            _ => false,
        };
        let mut urls = d.args.iter().map(String::as_str);
        urls.find(|a| a.starts_with(HTTPS)).filter(|_| redirects)
    })
}

/// The host in a URL, unless it is a variable.
fn host(url: &str) -> Option<&str> {
    let host = url
        .strip_prefix(HTTPS)?
        .split([':', '/', '$', '?'])
        .next()?;
    (!host.is_empty()).then_some(host)
}

/// The port in a URL; `None` if it is a variable.
fn url_port(url: &str) -> Option<u16> {
    let address = url.strip_prefix(HTTPS)?.split('/').next()?;
    match address.split_once(':') {
        Some((_, port)) => port.split('$').next()?.parse().ok(),
        None => Some(443),
    }
}

/// Assigns the servers that redirect to the proxies with TLS, and reports the others.
pub(super) fn assign(site: &Site<'_>, state: &mut ImportState) {
    for server in site.servers.iter().filter(|s| !is_imported(s, site)) {
        let target = match url(server) {
            Some(url) if !uses_tls(server, &site.scope.within(server)) => {
                assign_one(server, url, site, state)
            }
            Some(url) => {
                report_not_redirected(server, url, state);
                None
            }
            None => {
                report_not_imported(server, state);
                None
            }
        };
        for location in blocks(server).filter(|l| direct(l).is_none()) {
            report_location(location, server, target, state);
        }
    }
}

/// Assigns a server that redirects. Returns the number of its proxy.
fn assign_one(
    server: &Directive,
    url: &str,
    site: &Site<'_>,
    state: &mut ImportState,
) -> Option<usize> {
    // Findings are dropped: without a location the listeners have no effect.
    let chosen = choose(server, &site.scope.within(server), &mut Vec::new());
    let has_listen = server.inside().iter().any(|d| d.name == "listen");
    let listen = match chosen.listen {
        Some(listen) => listen,
        None if has_listen => {
            state
                .findings
                .push(left_out(server, "its address is not supported"));
            return None;
        }
        None => "80".to_owned(),
    };
    let Some(at) = target(server, url, &state.proxies) else {
        report_not_redirected(server, url, state);
        return None;
    };
    let proxy = &mut state.proxies[at];
    let mut reasons = Vec::new();
    if proxy.proxy_protocol != chosen.proxy_protocol.is_some() {
        let protocol = if proxy.proxy_protocol {
            "uses"
        } else {
            "does not use"
        };
        reasons.push(format!(
            "the redirect {protocol} the PROXY protocol, like its proxy"
        ));
    }
    reasons.extend(other_names(server, url, proxy));
    if let Some((_, _, from)) = &mut proxy.tls {
        match from {
            None => *from = Some(listen),
            Some(first) if *first == listen => {}
            Some(first) => reasons.push(format!("a proxy redirects one address: {first}")),
        }
    }
    if !reasons.is_empty() {
        let finding = Finding::adjusted(title(server), reasons.join("; "));
        state.findings.push(finding.at(server.position));
    }
    Some(at)
}

/// The proxy with TLS to which a server redirects.
fn target(server: &Directive, url: &str, proxies: &[ProxyDraft]) -> Option<usize> {
    let names: Vec<&str> = match host(url) {
        Some(host) => vec![host],
        None => names(server),
    };
    let find = |is_target: &dyn Fn(&ProxyDraft) -> bool| {
        let has_port = |p: &ProxyDraft| url_port(url).is_none_or(|port| port == listen_port(p));
        let is_tls = |p: &ProxyDraft| p.tls.is_some() && has_port(p);
        let mut all = proxies.iter().enumerate().filter(|(_, p)| is_tls(p));
        all.find(|(_, p)| is_target(p)).map(|(at, _)| at)
    };
    let is_free = |p: &ProxyDraft| p.tls.as_ref().is_some_and(|(_, _, from)| from.is_none());
    let is_named = |p: &ProxyDraft| {
        let own = |name: &&str| p.server_names.iter().any(|n| n == *name);
        names.iter().any(own)
    };
    let has_any_name = |p: &ProxyDraft| p.server_names.is_empty() && is_free(p);
    let is_default = |p: &ProxyDraft| p.server_names.iter().any(|n| n == "_") && is_free(p);
    let by_host = find(&is_named).or_else(|| find(&has_any_name));
    if host(url).is_some() {
        return by_host;
    }
    let any = || {
        if names.is_empty() {
            find(&is_free).or_else(|| find(&|_| true))
        } else {
            None
        }
    };
    by_host.or_else(|| find(&is_default)).or_else(any)
}

/// The names of a server, without `_`.
fn names(server: &Directive) -> Vec<&str> {
    let all = server.inside().iter().filter(|d| d.name == "server_name");
    let all = all.flat_map(|d| &d.args).map(String::as_str);
    all.filter(|n| !["_", ""].contains(n)).collect()
}

/// How the redirect of the proxy differs for the names of the server.
fn other_names(server: &Directive, url: &str, proxy: &ProxyDraft) -> Vec<String> {
    let mut reasons = Vec::new();
    let (accepted, others): (Vec<_>, Vec<_>) =
        names(server).into_iter().partition(|n| accepts(proxy, n));
    if !others.is_empty() {
        reasons.push(format!(
            "{} is not a `server_name` of proxy `{}`: requests for it get 421",
            listed(&others),
            proxy.name
        ));
    }
    let moved: Vec<_> = accepted
        .into_iter()
        .filter(|n| host(url).is_some_and(|host| host != *n))
        .collect();
    if !moved.is_empty() {
        reasons.push(format!(
            "the redirect keeps the host of the request: {} is not redirected to {url}",
            listed(&moved)
        ));
    }
    reasons
}

fn listed(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|n| format!("`{n}`")).collect();
    names.join(", ")
}

fn left_out(server: &Directive, reason: &str) -> Finding {
    Finding::skipped(title(server), reason).at(server.position)
}

fn report_not_redirected(server: &Directive, url: &str, state: &mut ImportState) {
    let reason = format!(
        "its redirect to {url} is not supported{}",
        receiver(server, &state.proxies)
    );
    state.findings.push(left_out(server, &reason));
}

fn report_not_imported(server: &Directive, state: &mut ImportState) {
    let direct = server.inside().iter().find(|d| d.name == "return");
    let reason = match direct {
        Some(direct) if refusal(direct).is_some() => {
            format!("it refuses every request (`{}`)", direct.text())
        }
        Some(direct) => format!(
            "it responds with `{}`, which is not supported",
            direct.text()
        ),
        None => "no location passes requests on".to_owned(),
    };
    let reason = reason + &receiver(server, &state.proxies);
    state.findings.push(left_out(server, &reason));
}

/// What happens to the requests of a server that is not imported.
fn receiver(server: &Directive, proxies: &[ProxyDraft]) -> String {
    let ports = ports_of(server);
    let serving = |p: &&ProxyDraft| ports.contains(&listen_port(p));
    let redirecting = |p: &&ProxyDraft| {
        let http = p
            .tls
            .as_ref()
            .map(|(_, _, from)| port(from.as_deref()).unwrap_or(80));
        http.is_some_and(|http| ports.contains(&http))
    };
    let mut all = proxies.iter();
    let Some(proxy) = all.clone().find(serving).or_else(|| all.find(redirecting)) else {
        return String::new();
    };
    let names = names(server);
    let is_any = names.is_empty() && accepts(proxy, "");
    if is_any || names.iter().any(|n| accepts(proxy, n)) {
        format!("; proxy `{}` receives its requests", proxy.name)
    } else {
        format!("; proxy `{}` responds to its requests with 421", proxy.name)
    }
}

/// Reports a location of a server that is not imported. `target` is the proxy that its server
/// redirects to.
fn report_location(
    location: &Directive,
    server: &Directive,
    target: Option<usize>,
    state: &mut ImportState,
) {
    let proxy = target.map(|at| &mut state.proxies[at]);
    if let Some(proxy) = proxy {
        let pattern = Pattern::of(location);
        let has_path = |route: &str| {
            pattern.is_some_and(|p| p.is_path() && p.trimmed() == route.trim_end_matches('/'))
        };
        let has_route = proxy.routes.iter().any(|r| has_path(&r.path));
        if let Some(line) = challenge::line(location, server).filter(|_| !has_route) {
            state
                .findings
                .push(match add_location(&mut proxy.raw_server, line) {
                    Added::Yes => challenge::finding(location),
                    Added::No => skipped(location, "a line of `raw` has the same path"),
                });
            return;
        }
        let own = reason::without_route(location);
        let own = own.unwrap_or_else(|| "it passes requests on without TLS".to_owned());
        let help = if challenge::is_challenge(location) {
            "; certificates are not renewed until you add it as a route, or as a line of `raw`"
        } else {
            ""
        };
        let reason = format!(
            "{}{own}, and the HTTP port of proxy `{}` only redirects{help}",
            restriction(location),
            proxy.name
        );
        state.findings.push(skipped(location, &reason));
        return;
    }
    let own = reason::without_route(location);
    let own = own.unwrap_or_else(|| "its server is not imported".to_owned());
    state
        .findings
        .push(skipped(location, &(restriction(location) + &own)));
}

/// The access control of a location, which is lost with it.
fn restriction(location: &Directive) -> String {
    guard(location, None).map_or(String::new(), |guard| {
        format!(
            "its access control (`{}`) is not supported: restore it before you switch to genconf; ",
            guard.text()
        )
    })
}

/// Moves the redirect of a proxy whose HTTP port another proxy uses.
pub(super) fn resolve_conflicts(state: &mut ImportState) {
    let mut taken: Vec<_> = state.proxies.iter().map(listen_port).collect();
    for proxy in &mut state.proxies {
        let Some((_, _, from)) = &mut proxy.tls else {
            continue;
        };
        let wanted = port(from.as_deref()).unwrap_or(80);
        if !taken.contains(&wanted) {
            taken.push(wanted);
            continue;
        }
        let Some(free) = state.upstreams.reserve_next_port(8000) else {
            continue;
        };
        let reason =
            format!("the redirect uses port {free}, because another proxy uses port {wanted}");
        state
            .findings
            .push(Finding::adjusted(format!("`{}`", proxy.name), reason));
        *from = Some(free.to_string());
    }
}
