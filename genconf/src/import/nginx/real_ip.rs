//! Load balancers in front (`set_real_ip_from`, `real_ip_header`).

use super::directive::Directive;
use super::listen::ListenChoice;
use super::scope::Scope;
use super::skipped;
use crate::import::Finding;
use crate::import::draft::ProxyDraft;
use crate::topology::decode::Scalar as _;
use crate::topology::network::Network;

/// Placeholder for unknown load balancers. It trusts no client.
const PLACEHOLDER: &str = "127.0.0.1";

/// Sets `trusted_proxies` and `proxy_protocol`.
pub(super) fn trust(
    proxy: &mut ProxyDraft,
    server: &Scope<'_>,
    listen: &ListenChoice<'_>,
    findings: &mut Vec<Finding>,
) {
    let trusted = networks(&server.all("set_real_ip_from"), findings);
    let Some((first, _)) = trusted.first() else {
        if let Some(directive) = listen.proxy_protocol {
            let reason = format!(
                "replace {PLACEHOLDER} in `trusted_proxies` with the addresses of the load balancers that use the PROXY protocol"
            );
            findings.push(Finding::adjusted(directive.text(), reason).at(directive.position));
            proxy.proxy_protocol = true;
            proxy.trusted_proxies = vec![PLACEHOLDER.to_owned()];
        }
        return;
    };
    let written = server.find("real_ip_header");
    let header = written.map_or("X-Real-IP", Directive::arg);
    let by_protocol = header.eq_ignore_ascii_case("proxy_protocol");
    if let Some(written) = written.filter(|_| by_protocol && listen.proxy_protocol.is_none()) {
        let reason = "no `listen` directive of the proxy uses the PROXY protocol";
        return findings.push(skipped(written, reason));
    }
    proxy.proxy_protocol = listen.proxy_protocol.is_some();
    let differs = differs(header, server.is_on("real_ip_recursive"), listen);
    if let Some(reason) = differs {
        let at = written.unwrap_or(first);
        findings.push(Finding::adjusted(at.text(), reason).at(at.position));
    }
    let reason = "the proxy also uses X-Forwarded-Proto and X-Forwarded-Host of `trusted_proxies`";
    findings.push(Finding::adjusted(first.text(), reason).at(first.position));
    for (_, network) in trusted {
        if !proxy.trusted_proxies.contains(&network) {
            proxy.trusted_proxies.push(network);
        }
    }
}

/// How the detection of the client address differs from nginx.
fn differs(header: &str, recursive: Option<bool>, listen: &ListenChoice<'_>) -> Option<String> {
    let by_protocol = header.eq_ignore_ascii_case("proxy_protocol");
    if listen.proxy_protocol.is_some() {
        let reason = || format!("the PROXY protocol reports the client address, not {header}");
        return (!by_protocol).then(reason);
    }
    if !header.eq_ignore_ascii_case("x-forwarded-for") {
        return Some(format!(
            "the client address is read from X-Forwarded-For, not from {header}"
        ));
    }
    let reason = "the client address is the last one in X-Forwarded-For outside `trusted_proxies`, as with real_ip_recursive on";
    (recursive != Some(true)).then(|| reason.to_owned())
}

fn networks<'t>(
    written: &[&'t Directive],
    findings: &mut Vec<Finding>,
) -> Vec<(&'t Directive, String)> {
    let mut trusted = Vec::new();
    for directive in written {
        match Network::read(directive.arg()) {
            Ok(network) => trusted.push((*directive, network.to_string())),
            Err(reason) => {
                let reason = format!("`trusted_proxies` must be addresses or networks: {reason}");
                findings.push(skipped(directive, &reason));
            }
        }
    }
    trusted
}
