//! Upstreams and addresses, which become pools.

use super::machine::{Machine, is_loopback, split};
use super::tree::Directive;
use crate::import::Note;
use crate::import::naming::Names;
use crate::import::ports::{FIRST, Ports};
use crate::source::Position;
use crate::topology::choice::Balance;

/// An upstream, or an address that stands in its place.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    /// Its name, or the address.
    pub(super) raw: String,
    place: Position,
    balance: Option<Balance>,
    /// Its instances.
    pub(super) servers: Vec<(Machine, u16)>,
    /// The pool it is, once a location uses it.
    pub(super) pool: Option<String>,
}

/// All upstreams of a configuration.
#[derive(Debug, Default)]
pub(super) struct Upstreams {
    /// In the order of the file.
    pub(super) list: Vec<Upstream>,
    names: Names,
    ports: Ports,
}

/// A pool to route to.
pub(super) struct Choice {
    /// Its name.
    pub(super) pool: String,
    /// How it balances.
    pub(super) balance: Option<Balance>,
}

impl Upstreams {
    /// Keeps a port for a proxy.
    pub(super) fn keep(&mut self, port: u16) {
        self.ports.take(port);
    }

    /// A port that nothing has, from `from` on.
    pub(super) fn free(&mut self, from: u16) -> Option<u16> {
        self.ports.next(from)
    }

    /// Reads an `upstream` block.
    pub(super) fn declare(&mut self, block: &Directive, notes: &mut Vec<Note>) {
        let mut upstream = Upstream {
            raw: block.arg().to_owned(),
            place: block.place,
            balance: None,
            servers: Vec::new(),
            pool: None,
        };
        for directive in block.inside() {
            match (directive.name.as_str(), directive.arg()) {
                ("server", _) => upstream.servers.extend(self.server(directive, notes)),
                ("least_conn", _) => upstream.balance = Some(Balance::LeastConn),
                ("ip_hash", _) => upstream.balance = Some(Balance::IpHash),
                ("random", _) => upstream.balance = Some(Balance::Random),
                ("keepalive" | "zone" | "keepalive_timeout" | "keepalive_requests", _) => {}
                _ => notes.push(left(
                    directive,
                    "a route balances by round_robin, least_conn, ip_hash or random",
                )),
            }
        }
        self.list.push(upstream);
    }

    fn server(&mut self, directive: &Directive, notes: &mut Vec<Note>) -> Option<(Machine, u16)> {
        for flag in directive.args.iter().skip(1) {
            let (key, why) = match flag.split('=').next().unwrap_or_default() {
                "down" => ("down", "it is out of use"),
                "backup" => (
                    "backup",
                    "all instances of a pool serve; a spare one is not described",
                ),
                "weight" => ("", "all instances of a pool have the same weight"),
                "max_fails" | "fail_timeout" => continue,
                _ => ("", "genconf knows nothing of it"),
            };
            let what = directive.text();
            let note = if key.is_empty() {
                Note::left(format!("`{flag}` of `{what}`"), why)
            } else {
                Note::left(what, why)
            };
            notes.push(note.at(directive.place));
            if !key.is_empty() {
                return None;
            }
        }
        Some(self.address(directive.arg(), directive.place, notes))
    }

    /// The instance at `text`; one on this host gets a port of its own.
    fn address(&mut self, text: &str, place: Position, notes: &mut Vec<Note>) -> (Machine, u16) {
        let (machine, port) = split(text);
        let wanted = port.filter(|p| *p >= FIRST);
        if let Machine::Other(_) = machine {
            let port = wanted.unwrap_or(8080);
            if wanted.is_none() {
                notes.push(
                    Note::changed(
                        format!("`{text}`"),
                        "the ports below 1024 are the proxy's, so it has 8080",
                    )
                    .at(place),
                );
            }
            return (machine, port);
        }
        if let Some(port) = wanted.filter(|p| self.ports.take(*p)) {
            return (machine, port);
        }
        let from = wanted.unwrap_or(8000);
        let port = self.ports.next(from).unwrap_or(FIRST);
        notes.push(
            Note::changed(
                format!("`{text}`"),
                format!("it has port {port} of the proxy's own host"),
            )
            .at(place),
        );
        (machine, port)
    }

    /// The pool for `name`, an upstream or an address.
    pub(super) fn choose(&mut self, name: &str, place: Position, notes: &mut Vec<Note>) -> Choice {
        let at = self
            .list
            .iter()
            .position(|u| u.raw == name && !u.servers.is_empty());
        let at = at.unwrap_or_else(|| {
            let server = self.address(name, place, notes);
            let (raw, servers) = (name.to_owned(), vec![server]);
            self.list.push(Upstream {
                raw,
                place,
                balance: None,
                servers,
                pool: None,
            });
            self.list.len() - 1
        });
        let upstream = &mut self.list[at];
        let pool = upstream.pool.get_or_insert_with(|| {
            let raw = match split(&upstream.raw) {
                (Machine::Own, Some(port)) if is_loopback(&upstream.raw) => format!("port-{port}"),
                _ => upstream.raw.clone(),
            };
            self.names.give(&raw, "pool")
        });
        Choice {
            pool: pool.clone(),
            balance: upstream.balance,
        }
    }

    /// A name for a proxy, which no pool has.
    pub(super) fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    /// Tells of upstreams that no location uses.
    pub(super) fn tell_unused(&self, notes: &mut Vec<Note>) {
        for upstream in self.list.iter().filter(|u| u.pool.is_none()) {
            let note = Note::left(
                format!("upstream {}", upstream.raw),
                "no location that is carried passes requests to it",
            );
            notes.push(note.at(upstream.place));
        }
    }
}

/// A note on a directive that is not carried.
pub(super) fn left(directive: &Directive, why: &str) -> Note {
    Note::left(directive.text(), why).at(directive.place)
}
