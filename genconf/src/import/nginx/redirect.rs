//! Servers that only send to the encrypted door.

use super::Reading;
use super::door::{door, passing, port, title};
use super::listen::choose;
use super::tree::Directive;
use super::upstream::left;
use crate::import::Note;

/// The `return` of a server that only sends to the encrypted door.
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

/// Servers that only redirect belong to the proxy with TLS.
pub(super) fn redirects(servers: &[&Directive], reading: &mut Reading) {
    for server in servers.iter().filter(|s| redirect(s).is_some()) {
        // What is not expressed is of no use without a location.
        let chosen = choose(server, &mut Vec::new());
        let is_unread =
            chosen.listen.is_none() && server.inside().iter().any(|d| d.name == "listen");
        let listen = chosen.listen.unwrap_or_else(|| "80".to_owned());
        let passes = !passing(server).is_empty();
        let mut doors = reading.proxies.iter_mut();
        let door = doors.find(|p| p.tls.as_ref().is_some_and(|(_, _, from)| from.is_none()));
        match door.filter(|_| !is_unread && !passes) {
            Some(proxy) => {
                if proxy.proxy_protocol != chosen.protocol.is_some() {
                    let why = if proxy.proxy_protocol {
                        "the redirect takes the PROXY protocol, as its proxy does"
                    } else {
                        "the redirect does not take the PROXY protocol, as its proxy does not"
                    };
                    let note = Note::changed(title(server), why).at(server.place);
                    reading.notes.push(note);
                }
                if let Some((_, _, from)) = &mut proxy.tls {
                    *from = Some(listen);
                }
            }
            None if passes => {}
            None => reading.notes.push(left(
                server,
                "it only redirects, which `tls` does by itself",
            )),
        }
    }
}

/// A proxy with TLS redirects from 80, where another may listen already.
pub(super) fn settle(reading: &mut Reading) {
    let mut taken: Vec<_> = reading.proxies.iter().map(door).collect();
    for proxy in &mut reading.proxies {
        let Some((_, _, from)) = &mut proxy.tls else {
            continue;
        };
        let wanted = port(from.as_deref()).unwrap_or(80);
        if !taken.contains(&wanted) {
            taken.push(wanted);
            continue;
        }
        let Some(free) = reading.upstreams.free(8000) else {
            continue;
        };
        let why = format!(
            "port {wanted} has a proxy of its own, so the redirect of this one is at {free}"
        );
        reading
            .notes
            .push(Note::changed(format!("`{}`", proxy.name), why));
        *from = Some(free.to_string());
    }
}
