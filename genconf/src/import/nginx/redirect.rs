//! Servers that only send to the encrypted door.

use super::Reading;
use super::door::{door, passing, port};
use super::tree::Directive;
use super::upstream::left;
use crate::import::Note;
use crate::topology::address::Listen;
use crate::topology::decode::Leaf as _;

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
        let listen = server
            .inside()
            .iter()
            .find(|d| d.name == "listen")
            .map_or("80", Directive::arg);
        let passes = !passing(server).is_empty();
        let door = reading
            .proxies
            .iter_mut()
            .filter_map(|p| p.tls.as_mut())
            .find(|(_, _, from)| from.is_none());
        let read = Listen::read(listen).is_ok();
        match door.filter(|_| read && !passes) {
            Some((_, _, from)) => *from = Some(listen.to_owned()),
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
