//! Selects the listen address of a server.

use std::net::{IpAddr, SocketAddr};

use super::directive::Directive;
use super::skipped;
use crate::import::Finding;
use crate::topology::address::Listen;
use crate::topology::decode::Scalar as _;

/// The result for the `listen` directives of a server.
#[derive(Debug, Default)]
pub(super) struct ListenChoice<'t> {
    /// Value of the key `listen`; `None` if no directive is supported.
    pub(super) listen: Option<String>,
    /// Directive with the PROXY protocol.
    pub(super) proxy_protocol: Option<&'t Directive>,
    /// Whether the proxy listens on IPv6 and nginx does not.
    pub(super) adds_ipv6: bool,
}

/// A supported `listen` directive.
struct ParsedListen<'t> {
    directive: &'t Directive,
    text: String,
    listen: Listen,
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

/// Whether the directive is for TLS.
pub(super) fn is_ssl(listen: &Directive) -> bool {
    listen.args.iter().any(|a| a == "ssl")
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

/// Selects the address to listen on. Directives with TLS are preferred, then those with IPv4. A port on
/// every IPv4 and IPv6 address becomes a port without an address.
pub(super) fn choose<'t>(server: &'t Directive, findings: &mut Vec<Finding>) -> ListenChoice<'t> {
    let all = supported(server, findings);
    let Some(first) = all.iter().min_by_key(|l| (!l.has("ssl"), l.is_ipv6())) else {
        let adds_ipv6 = server.inside().iter().all(|d| d.name != "listen");
        return ListenChoice {
            adds_ipv6,
            ..ListenChoice::default()
        };
    };
    let port = first.listen.port();
    let has_same_port =
        |l: &&ParsedListen<'_>| l.listen.port() == port && l.has("ssl") == first.has("ssl");
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
    let others = all.iter().filter(|l| !covers(l));
    findings.extend(others.map(|l| skipped(l.directive, "a proxy has one listen address")));
    let mut covered = all.iter().filter(|l| covers(l));
    ListenChoice {
        adds_ipv6: chosen.ip().is_none() && !ipv6,
        proxy_protocol: covered
            .find(|l| l.has("proxy_protocol"))
            .map(|l| l.directive),
        listen: Some(text),
    }
}

fn supported<'t>(server: &'t Directive, findings: &mut Vec<Finding>) -> Vec<ParsedListen<'t>> {
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
            }),
            Err(_) => {
                let reason = "expected a port, or an address and a port";
                findings.push(skipped(directive, reason));
            }
        }
    }
    all
}
