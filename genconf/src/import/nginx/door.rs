//! Servers, which become proxies.

use super::listen::{Chosen, choose, is_ssl, text};
use super::location::Found;
use super::redirect::redirect;
use super::scope::{Scope, is_read};
use super::timeout::{self, Unwritten};
use super::tree::Directive;
use super::upstream::left;
use super::{Reading, gzip, header, left as others, limit, location, realip, retry, settings};
use crate::import::Note;
use crate::import::plan::ProxyPlan;
use crate::topology::address::Listen;
use crate::topology::decode::Leaf as _;
use crate::topology::default::CONNECT_TIMEOUT;
use crate::topology::name::ServerName;
use crate::topology::path::HostPath;

/// Reads a `server`; one that passes nothing on becomes no proxy.
pub(super) fn read(server: &Directive, http: &Scope<'_>, reading: &mut Reading) {
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
    let mut chosen = choose(server, &mut reading.notes);
    let mut proxy = ProxyPlan {
        listen: chosen.listen.take(),
        tls: tls(server, reading),
        ..ProxyPlan::default()
    };
    if let Some(other) = reading.proxies.iter().find(|p| door(p) == door(&proxy)) {
        let why = taken(door(&proxy), other, server);
        reading.notes.truncate(before);
        return refuse(&why, reading);
    }
    let scope = http.within(server);
    let mut found = Vec::new();
    for block in server.inside().iter().filter(|d| d.name == "location") {
        location::read(block, &scope, &mut found, reading);
    }
    if found.is_empty() {
        return refuse("none of its locations can be a route", reading);
    }
    proxy.server_names = names(server, reading);
    // nginx answers to any name where no other server is left to do it.
    if !proxy.server_names.is_empty() {
        proxy.server_names.push("_".to_owned());
    }
    realip::trust(&mut proxy, &scope, &chosen, &mut reading.notes);
    fill(&mut proxy, &scope, &mut found, &mut reading.notes);
    let is_unwritten = timeout::of_proxy(&mut proxy, &scope, &found, &mut reading.notes);
    tell_defaults(server, &chosen, is_unwritten, reading);
    proxy.routes = found.into_iter().map(|f| f.route).collect();
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

/// The keys of a proxy and of its routes.
fn fill(proxy: &mut ProxyPlan, scope: &Scope<'_>, found: &mut [Found<'_>], notes: &mut Vec<Note>) {
    settings::of_proxy(proxy, scope, notes);
    gzip::compress(proxy, scope, found, notes);
    limit::limits(proxy, found, notes);
    for Found { route, scope: own } in found.iter_mut() {
        settings::of_route(route, own, scope, notes);
        timeout::of_route(route, own, scope, notes);
        retry::retry(route, own, notes);
    }
    let within = found.iter().flat_map(|f| f.scope.own());
    let all = scope.every().chain(within);
    for directive in all.filter(|d| d.name == "proxy_set_header") {
        header::tell(directive, proxy, notes);
    }
    if let Some(http2) = scope.find("http2") {
        match (http2.arg(), proxy.tls.is_some()) {
            ("on", false) => notes.push(left(http2, "HTTP/2 needs `tls`")),
            ("off", true) => notes.push(left(http2, "a proxy with `tls` offers HTTP/2")),
            _ => {}
        }
    }
}

/// Notes where genconf's defaults differ from nginx's in what a client can see.
fn tell_defaults(
    server: &Directive,
    chosen: &Chosen<'_>,
    connect: Unwritten,
    reading: &mut Reading,
) {
    let mut why = Vec::new();
    if connect == Unwritten::Yes {
        why.push(format!(
            "`timeouts.connect` is {CONNECT_TIMEOUT} (nginx: 60s)"
        ));
    }
    if chosen.is_wider {
        why.push("a port listens on IPv6 as well (nginx: IPv4 only)".to_owned());
    }
    if why.is_empty() {
        return;
    }
    let why = format!("defaults differ: {}", why.join(", "));
    let mut notes = reading.notes.iter_mut();
    // One line for all servers, wherever they are.
    match notes.find(|n| n.why == why) {
        Some(note) => note.what = format!("{}, {}", note.what, title(server)),
        None => reading
            .notes
            .push(Note::changed(title(server), why).at(server.place)),
    }
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
    let written = listens.filter_map(|d| port(Some(&text(d))));
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
                Err(why) => reading.notes.push(
                    Note::left(format!("server_name {name}"), why.to_string()).at(directive.place),
                ),
            }
        }
    }
    names
}
