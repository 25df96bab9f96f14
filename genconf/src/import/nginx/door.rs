//! Servers, which become proxies.

use super::redirect::redirect;
use super::settings::settings;
use super::timeout::timeouts;
use super::tree::Directive;
use super::upstream::left;
use super::{Reading, left as others, location};
use crate::import::Note;
use crate::import::plan::ProxyPlan;
use crate::topology::address::Listen;
use crate::topology::decode::Leaf as _;
use crate::topology::name::ServerName;
use crate::topology::path::HostPath;

/// Directives that a proxy has a key for.
const READ: [&str; 9] = [
    "listen",
    "server_name",
    "client_max_body_size",
    "proxy_connect_timeout",
    "proxy_read_timeout",
    "proxy_send_timeout",
    "add_header",
    "ssl_certificate",
    "ssl_certificate_key",
];

/// Whether a proxy has a key for the directive.
pub(super) fn is_read(name: &str) -> bool {
    READ.contains(&name)
}

/// Reads a `server`; one that passes nothing on becomes no proxy.
pub(super) fn read(server: &Directive, http: &[Directive], reading: &mut Reading) {
    let refuse = |why: &str, reading: &mut Reading| {
        reading
            .notes
            .push(Note::left(title(server), why).at(server.place));
    };
    if passing(server).is_empty() {
        if redirect(server).is_none() {
            refuse("none of its locations passes requests on", reading);
        }
        return;
    }
    let before = reading.notes.len();
    let mut proxy = ProxyPlan {
        listen: listen(server, reading),
        tls: tls(server, reading),
        ..ProxyPlan::default()
    };
    if let Some(other) = reading.proxies.iter().find(|p| door(p) == door(&proxy)) {
        let why = taken(door(&proxy), other, server);
        reading.notes.truncate(before);
        return refuse(&why, reading);
    }
    for block in server.inside().iter().filter(|d| d.name == "location") {
        location::read(block, &mut proxy.routes, reading);
    }
    if proxy.routes.is_empty() {
        return refuse("none of its locations can be a route", reading);
    }
    proxy.server_names = names(server, reading);
    // nginx answers to any name where no other server is left to do it.
    if !proxy.server_names.is_empty() {
        proxy.server_names.push("_".to_owned());
    }
    settings(&mut proxy, server, http, reading);
    timeouts(&mut proxy, server, http, &mut reading.notes);
    let others = server.inside().iter();
    for directive in others.filter(|d| d.name != "location" && !is_read(&d.name)) {
        others::tell(directive, &mut reading.notes);
    }
    let raw = proxy
        .server_names
        .first()
        .map_or("edge", |name| name.split('.').next().unwrap_or_default());
    proxy.name = reading.upstreams.names().give(raw, "edge");
    reading.proxies.push(proxy);
}

/// A server as the report calls it: with its names, or where it listens.
pub(super) fn title(server: &Directive) -> String {
    format!("server {}", whom(server))
}

fn whom(server: &Directive) -> String {
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

/// Why a server is left out whose port has a proxy already.
fn taken(port: u16, other: &ProxyPlan, server: &Directive) -> String {
    format!(
        "a port has one proxy, and {port} has `{}`, which now answers whoever asks for the server {}; give it a proxy at another port, or on another host",
        other.name,
        whom(server)
    )
}

/// The locations of a block, however deep, that pass requests on.
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

/// The ports that a server listens on, and the one that `tls` redirects from.
pub(super) fn ports(server: &Directive) -> Vec<u16> {
    let listens = server.inside().iter().filter(|d| d.name == "listen");
    let written = listens.filter_map(|d| port(Some(d.arg().trim_start_matches("*:"))));
    written.chain([80]).collect()
}

/// Port of what `listen` says.
pub(super) fn port(listen: Option<&str>) -> Option<u16> {
    Some(Listen::read(listen?).ok()?.port())
}

/// The port a proxy listens on.
pub(super) fn door(proxy: &ProxyPlan) -> u16 {
    port(proxy.listen.as_deref()).unwrap_or(if proxy.tls.is_some() { 443 } else { 80 })
}

fn is_ssl(listen: &Directive) -> bool {
    listen.args.iter().any(|a| a == "ssl")
}

/// The first `listen` that genconf can say: with TLS before others, IPv4 before IPv6.
fn listen(server: &Directive, reading: &mut Reading) -> Option<String> {
    let mut all: Vec<_> = server
        .inside()
        .iter()
        .filter(|d| d.name == "listen")
        .collect();
    all.sort_by_key(|d| (!is_ssl(d), d.arg().starts_with('[')));
    let mut chosen = None;
    for directive in all {
        let text = directive.arg().trim_start_matches("*:");
        let text = text
            .strip_prefix("localhost:")
            .map_or(text.to_owned(), |port| format!("127.0.0.1:{port}"));
        let why = match Listen::read(&text) {
            Ok(_) if chosen.is_none() => {
                chosen = Some(text);
                continue;
            }
            Ok(read) if read.ip().is_some_and(|ip| ip.is_ipv6()) => {
                "a proxy listens at one place; `[::]:PORT` is another"
            }
            Ok(_) => "a proxy listens at one place",
            Err(_) => "a proxy listens at a port, or at an address and a port",
        };
        reading.notes.push(left(directive, why));
    }
    chosen
}

fn tls(server: &Directive, reading: &mut Reading) -> Option<(String, String, Option<String>)> {
    let asked = server
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
    match (file("ssl_certificate"), file("ssl_certificate_key"), asked) {
        (Some(certificate), Some(key), Some(_))
            if [certificate, key].iter().all(|f| HostPath::read(f).is_ok()) =>
        {
            Some((certificate.to_owned(), key.to_owned(), None))
        }
        (_, _, None) => None,
        (_, _, Some(listen)) => {
            let why = "`tls` needs a certificate and a key by their whole paths; without them the proxy is plain";
            reading.notes.push(left(listen, why));
            None
        }
    }
}

fn names(server: &Directive, reading: &mut Reading) -> Vec<String> {
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
                Err(why) => reading
                    .notes
                    .push(Note::left(format!("server_name {name}"), why).at(directive.place)),
            }
        }
    }
    names
}
