//! Load balancers in front, which report the address of the client.

use super::listen::Chosen;
use super::scope::Scope;
use super::tree::Directive;
use super::upstream::left;
use crate::import::Note;
use crate::import::plan::ProxyPlan;
use crate::topology::decode::Leaf as _;
use crate::topology::network::Network;

/// Stands for load balancers that nothing names: no client is trusted by it.
const UNNAMED: &str = "127.0.0.1";

/// Sets `trusted_proxies` and `proxy_protocol`.
pub(super) fn trust(
    proxy: &mut ProxyPlan,
    server: &Scope<'_>,
    chosen: &Chosen<'_>,
    notes: &mut Vec<Note>,
) {
    let trusted = networks(&server.all("set_real_ip_from"), notes);
    let Some((first, _)) = trusted.first() else {
        if let Some(listen) = chosen.protocol {
            let why = format!(
                "set `trusted_proxies` to the load balancers that send the PROXY protocol, in place of {UNNAMED}"
            );
            notes.push(Note::changed(listen.text(), why).at(listen.place));
            proxy.proxy_protocol = true;
            proxy.trusted_proxies = vec![UNNAMED.to_owned()];
        }
        return;
    };
    let written = server.find("real_ip_header");
    let header = written.map_or("X-Real-IP", Directive::arg);
    let by_protocol = header.eq_ignore_ascii_case("proxy_protocol");
    if let Some(written) = written.filter(|_| by_protocol && chosen.protocol.is_none()) {
        let why = "no `listen` of the proxy takes the PROXY protocol";
        return notes.push(left(written, why));
    }
    proxy.proxy_protocol = chosen.protocol.is_some();
    let differs = differs(header, server.is_on("real_ip_recursive"), chosen);
    if let Some(why) = differs {
        let at = written.unwrap_or(first);
        notes.push(Note::changed(at.text(), why).at(at.place));
    }
    let why = "X-Forwarded-Proto and X-Forwarded-Host from `trusted_proxies` count as well";
    notes.push(Note::changed(first.text(), why).at(first.place));
    for (_, network) in trusted {
        if !proxy.trusted_proxies.contains(&network) {
            proxy.trusted_proxies.push(network);
        }
    }
}

/// How the address of the client is found otherwise than in nginx.
fn differs(header: &str, recursive: Option<bool>, chosen: &Chosen<'_>) -> Option<String> {
    let by_protocol = header.eq_ignore_ascii_case("proxy_protocol");
    if chosen.protocol.is_some() {
        let why = || format!("the PROXY protocol reports the client address, not {header}");
        return (!by_protocol).then(why);
    }
    if !header.eq_ignore_ascii_case("x-forwarded-for") {
        return Some(format!(
            "the client address is read from X-Forwarded-For, not from {header}"
        ));
    }
    let why = "the client address is the last one in X-Forwarded-For that is not in `trusted_proxies`, as with real_ip_recursive on";
    (recursive != Some(true)).then(|| why.to_owned())
}

fn networks<'t>(written: &[&'t Directive], notes: &mut Vec<Note>) -> Vec<(&'t Directive, String)> {
    let mut trusted = Vec::new();
    for directive in written {
        match Network::read(directive.arg()) {
            Ok(network) => trusted.push((*directive, network.to_string())),
            Err(why) => {
                let why = format!("`trusted_proxies` are addresses and networks: {why}");
                notes.push(left(directive, &why));
            }
        }
    }
    trusted
}
