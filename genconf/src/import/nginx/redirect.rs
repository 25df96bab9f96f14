//! Servers that only redirect to HTTPS.

use super::ImportState;
use super::directive::Directive;
use super::listen::choose;
use super::server_block::{listen_port, passing, port, title};
use super::skipped;
use crate::import::Finding;

/// The `return` directive with an HTTPS URL, if the server has one.
pub(super) fn redirect(server: &Directive) -> Option<&Directive> {
    let inside = server.inside().iter();
    let all = inside.clone().chain(
        inside
            .filter(|d| d.name == "location")
            .flat_map(Directive::inside),
    );
    let mut returns = all.filter(|d| d.name == "return");
    returns.find(|d| d.args.iter().any(|a| a.starts_with("https://")))
}

/// Assigns servers that only redirect to the proxies with TLS.
pub(super) fn assign(servers: &[&Directive], state: &mut ImportState) {
    for server in servers.iter().filter(|s| redirect(s).is_some()) {
        // Findings are dropped: without a location the listeners have no effect.
        let chosen = choose(server, &mut Vec::new());
        let is_invalid =
            chosen.listen.is_none() && server.inside().iter().any(|d| d.name == "listen");
        let listen = chosen.listen.unwrap_or_else(|| "80".to_owned());
        let passes = !passing(server).is_empty();
        let mut proxies = state.proxies.iter_mut();
        let target = proxies.find(|p| p.tls.as_ref().is_some_and(|(_, _, from)| from.is_none()));
        match target.filter(|_| !is_invalid && !passes) {
            Some(proxy) => {
                if proxy.proxy_protocol != chosen.proxy_protocol.is_some() {
                    let reason = if proxy.proxy_protocol {
                        "the redirect uses the PROXY protocol, like its proxy"
                    } else {
                        "the redirect does not use the PROXY protocol, like its proxy"
                    };
                    let finding = Finding::adjusted(title(server), reason).at(server.position);
                    state.findings.push(finding);
                }
                if let Some((_, _, from)) = &mut proxy.tls {
                    *from = Some(listen);
                }
            }
            None if passes => {}
            None => state
                .findings
                .push(skipped(server, "`tls` redirects to HTTPS automatically")),
        }
    }
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
