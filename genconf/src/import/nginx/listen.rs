//! Selects the listen address of a server.

use std::net::{IpAddr, SocketAddr};

use super::directive::Directive;
use super::scope::Scope;
use super::skipped;
use crate::import::Finding;
use crate::topology::address::Listen;
use crate::topology::decode::Scalar as _;

/// The result for the `listen` directives of a server.
#[derive(Debug, Default)]
pub(super) struct ListenChoice<'t> {
    /// Value of the key `listen`; `None` if no directive is supported.
    pub(super) listen: Option<String>,
    /// The directive with this address, if it is for TLS.
    pub(super) tls: Option<&'t Directive>,
    /// The address without TLS of a server that also has one with TLS.
    pub(super) http: Option<String>,
    /// Directive with the PROXY protocol.
    pub(super) proxy_protocol: Option<&'t Directive>,
    /// Whether the proxy listens on IPv6 and nginx does not.
    pub(super) adds_ipv6: bool,
}

/// Parameters that the proxy sets as well, or that another file of the import handles.
const HANDLED: [&str; 8] = [
    "bind",
    "default",
    "default_server",
    "http2",
    "proxy_protocol",
    "quic",
    "reuseport",
    "ssl",
];

/// A supported `listen` directive.
struct ParsedListen<'t> {
    directive: &'t Directive,
    text: String,
    listen: Listen,
    protocol: Protocol,
}

/// The protocol of a `listen` directive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Protocol {
    Http,
    Tls,
}

impl ParsedListen<'_> {
    fn has(&self, flag: &str) -> bool {
        self.directive.args.iter().any(|a| a == flag)
    }

    /// Whether it listens on every address of a family or of both.
    fn is_any(&self) -> bool {
        self.listen.ip().is_none_or(|ip| ip.is_unspecified())
    }

    fn is_ipv6(&self) -> bool {
        self.directive.arg().starts_with('[')
    }
}

/// Whether the server uses TLS on one of its ports.
pub(super) fn uses_tls(server: &Directive, scope: &Scope<'_>) -> bool {
    let mut all = supported(server, scope, &mut Vec::new()).into_iter();
    all.any(|l| l.protocol == Protocol::Tls)
}

/// The protocol of a directive. On port 443 it is always TLS.
fn protocol(directive: &Directive, listen: Listen, scope: &Scope<'_>) -> Protocol {
    let has_flag = directive.args.iter().any(|a| a == "ssl");
    if has_flag || scope.is_on("ssl") == Some(true) || listen.port() == 443 {
        Protocol::Tls
    } else {
        Protocol::Http
    }
}

/// The address and port of a `listen` directive in the syntax of the topology. The default port is 80.
pub(super) fn text(listen: &Directive) -> String {
    let arg = listen.arg();
    let arg = match arg.split_once(':') {
        Some(("*", port)) => port.to_owned(),
        Some(("localhost", port)) => format!("127.0.0.1:{port}"),
        None if arg == "*" => "80".to_owned(),
        None if arg == "localhost" => "127.0.0.1:80".to_owned(),
        _ => arg.to_owned(),
    };
    let bare = arg.trim_start_matches('[').trim_end_matches(']');
    let arg = match bare.parse::<IpAddr>() {
        Ok(ip) => SocketAddr::new(ip, 80).to_string(),
        Err(_) => arg,
    };
    match arg.strip_prefix("[::]:") {
        Some(port) if listen.args.iter().any(|a| a == "ipv6only=off") => port.to_owned(),
        _ => arg,
    }
}

/// The address of a `listen` directive, without that of every interface.
pub(super) fn ip(listen: &Directive) -> Option<IpAddr> {
    let ip = Listen::read(&text(listen)).ok()?.ip();
    ip.filter(|ip| !ip.is_unspecified())
}

/// Selects the address to listen on. Directives with TLS are preferred, then those with IPv4. A port on
/// every IPv4 and IPv6 address becomes a port without an address.
pub(super) fn choose<'t>(
    server: &'t Directive,
    scope: &Scope<'_>,
    findings: &mut Vec<Finding>,
) -> ListenChoice<'t> {
    let all = supported(server, scope, findings);
    let preference = |l: &&ParsedListen<'_>| (l.protocol == Protocol::Http, l.is_ipv6());
    let Some(first) = all.iter().min_by_key(preference) else {
        let adds_ipv6 = server.inside().iter().all(|d| d.name != "listen");
        return ListenChoice {
            adds_ipv6,
            ..ListenChoice::default()
        };
    };
    let port = first.listen.port();
    let has_same_port =
        |l: &&ParsedListen<'_>| l.listen.port() == port && l.protocol == first.protocol;
    let any: Vec<_> = all
        .iter()
        .filter(has_same_port)
        .filter(|l| l.is_any())
        .collect();
    let ipv4 = any
        .iter()
        .find(|l| l.listen.ip().is_none_or(|ip| ip.is_ipv4()));
    let ipv6 = any.iter().any(|l| l.is_ipv6());
    let text = match ipv4 {
        Some(_) if ipv6 => port.to_string(),
        Some(ipv4) => ipv4.text.clone(),
        None => first.text.clone(),
    };
    let chosen = Listen::read(&text).unwrap_or(first.listen);
    let covers = |l: &ParsedListen<'_>| {
        let ip = chosen.ip();
        let is_same_family =
            ip.is_none_or(|ip| l.listen.ip().is_some_and(|l| l.is_ipv4() == ip.is_ipv4()));
        has_same_port(&l)
            && (chosen == l.listen || (ip.is_none_or(|ip| ip.is_unspecified()) && is_same_family))
    };
    let others: Vec<_> = all.iter().filter(|l| !covers(l)).collect();
    let http = report_others(first, &others, findings);
    for listen in all.iter().filter(|l| covers(l)) {
        report_parameters(listen, scope, findings);
    }
    let mut covered = all.iter().filter(|l| covers(l));
    ListenChoice {
        http,
        tls: (first.protocol == Protocol::Tls).then_some(first.directive),
        adds_ipv6: chosen.ip().is_none() && !ipv6,
        proxy_protocol: covered
            .find(|l| l.has("proxy_protocol"))
            .map(|l| l.directive),
        listen: Some(text),
    }
}

/// Reports the addresses that the proxy does not serve. With TLS it redirects one of them.
fn report_others(
    chosen: &ParsedListen<'_>,
    others: &[&ParsedListen<'_>],
    findings: &mut Vec<Finding>,
) -> Option<String> {
    let is_http =
        |l: &&&ParsedListen<'_>| chosen.protocol == Protocol::Tls && l.protocol == Protocol::Http;
    let http = others.iter().find(is_http);
    let is_redirected =
        |l: &ParsedListen<'_>| http.is_some_and(|h| h.listen.port() == l.listen.port());
    for other in others {
        let finding = if is_redirected(other) {
            let reason = "a proxy with `tls` redirects HTTP to HTTPS (`tls.http_port`)";
            Finding::adjusted(other.directive.text(), reason).at(other.directive.position)
        } else {
            skipped(other.directive, "a proxy has one listen address")
        };
        findings.push(finding);
    }
    http.map(|l| {
        if l.is_any() {
            l.listen.port().to_string()
        } else {
            l.text.clone()
        }
    })
}

/// Reports the parameters of a directive that the proxy does not have.
fn report_parameters(listen: &ParsedListen<'_>, scope: &Scope<'_>, findings: &mut Vec<Finding>) {
    let directive = listen.directive;
    let is_tls = listen.protocol == Protocol::Tls;
    if is_tls && !listen.has("ssl") && scope.is_on("ssl") != Some(true) {
        let reason = "port 443 uses TLS; nginx uses plain HTTP without the parameter `ssl`";
        findings.push(Finding::adjusted(directive.text(), reason).at(directive.position));
    }
    for parameter in directive.args.iter().skip(1) {
        let reason = match parameter.as_str() {
            "http2" if !is_tls => "HTTP/2 needs `tls`",
            flag if HANDLED.contains(&flag) || flag.starts_with("ipv6only=") => continue,
            "spdy" => "SPDY is not supported",
            _ => "options of sockets are set by genconf",
        };
        let subject = format!("`{parameter}` of `{}`", directive.text());
        findings.push(Finding::skipped(subject, reason).at(directive.position));
    }
}

fn supported<'t>(
    server: &'t Directive,
    scope: &Scope<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<ParsedListen<'t>> {
    let mut all = Vec::new();
    for directive in server.inside().iter().filter(|d| d.name == "listen") {
        let text = text(directive);
        match Listen::read(&text) {
            Ok(_) if directive.args.iter().any(|a| a == "quic") => {
                findings.push(skipped(directive, "HTTP/3 is not supported"));
            }
            Ok(listen) => all.push(ParsedListen {
                directive,
                text,
                listen,
                protocol: protocol(directive, listen, scope),
            }),
            Err(_) => {
                let reason = "expected a port, or an address and a port";
                findings.push(skipped(directive, reason));
            }
        }
    }
    all
}
