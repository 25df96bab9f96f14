//! Where a server listens.

use std::net::{IpAddr, SocketAddr};

use super::tree::Directive;
use super::upstream::left;
use crate::import::Note;
use crate::topology::address::Listen;
use crate::topology::decode::Leaf as _;

/// What a server's `listen` directives come to.
#[derive(Debug, Default)]
pub(super) struct Chosen<'t> {
    /// The value of the key; none where no directive can be one.
    pub(super) listen: Option<String>,
    /// The directive that takes the PROXY protocol.
    pub(super) protocol: Option<&'t Directive>,
    /// Whether nginx listens on IPv4 only, and the proxy on IPv6 as well.
    pub(super) is_wider: bool,
}

/// A `listen` that the language can express.
struct Read<'t> {
    directive: &'t Directive,
    text: String,
    listen: Listen,
}

impl Read<'_> {
    fn has(&self, flag: &str) -> bool {
        self.directive.args.iter().any(|a| a == flag)
    }

    /// Every address of a family, or of both.
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

/// The address and port of a `listen` as the language has them: nginx fills in a port, or every
/// IPv4 address.
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

/// The address to listen on: with TLS before others, IPv4 before IPv6. A port on every IPv4 and
/// every IPv6 address is a port alone.
pub(super) fn choose<'t>(server: &'t Directive, notes: &mut Vec<Note>) -> Chosen<'t> {
    let all = read(server, notes);
    let Some(first) = all.iter().min_by_key(|l| (!l.has("ssl"), l.is_ipv6())) else {
        let is_wider = server.inside().iter().all(|d| d.name != "listen");
        return Chosen {
            is_wider,
            ..Chosen::default()
        };
    };
    let port = first.listen.port();
    let beside = |l: &&Read<'_>| l.listen.port() == port && l.has("ssl") == first.has("ssl");
    let any: Vec<_> = all.iter().filter(beside).filter(|l| l.is_any()).collect();
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
    let covers = |l: &Read<'_>| {
        let ip = chosen.ip();
        let is_same_family =
            ip.is_none_or(|ip| l.listen.ip().is_some_and(|l| l.is_ipv4() == ip.is_ipv4()));
        beside(&l)
            && (chosen == l.listen || (ip.is_none_or(|ip| ip.is_unspecified()) && is_same_family))
    };
    let others = all.iter().filter(|l| !covers(l));
    notes.extend(others.map(|l| left(l.directive, "a proxy listens at one place")));
    let mut covered = all.iter().filter(|l| covers(l));
    Chosen {
        is_wider: chosen.ip().is_none() && !ipv6,
        protocol: covered
            .find(|l| l.has("proxy_protocol"))
            .map(|l| l.directive),
        listen: Some(text),
    }
}

fn read<'t>(server: &'t Directive, notes: &mut Vec<Note>) -> Vec<Read<'t>> {
    let mut all = Vec::new();
    for directive in server.inside().iter().filter(|d| d.name == "listen") {
        let text = text(directive);
        match Listen::read(&text) {
            Ok(_) if directive.args.iter().any(|a| a == "quic") => {
                notes.push(left(directive, "HTTP/3 is not supported"));
            }
            Ok(listen) => all.push(Read {
                directive,
                text,
                listen,
            }),
            Err(_) => {
                let why = "a proxy listens at a port, or at an address and a port";
                notes.push(left(directive, why));
            }
        }
    }
    all
}
