//! Upstreams and addresses, which become pools.

use super::machine::Server;
use super::tree::Directive;
use crate::import::Note;
use crate::import::naming::Names;
use crate::import::ports::Ports;
use crate::source::Position;
use crate::topology::choice::Balance;

/// An upstream, or an address that stands in its place.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    /// Its name, or the address.
    pub(super) raw: String,
    /// Where it stands.
    pub(super) place: Position,
    balance: Option<Balance>,
    /// Its instances.
    pub(super) servers: Vec<Server>,
    /// Whether another upstream of the same instances is the pool.
    shares: bool,
    /// The pool it is, once a location uses it.
    pub(super) pool: Option<String>,
}

impl Upstream {
    /// What its instances are, whatever it is called.
    fn key(&self) -> Vec<(&str, u16)> {
        let mut key: Vec<_> = self
            .servers
            .iter()
            .map(|s| (s.name.as_str(), s.wanted()))
            .collect();
        key.sort_unstable();
        key
    }
}

/// All upstreams of a configuration.
#[derive(Debug, Default)]
pub(super) struct Upstreams {
    /// In the order of the file.
    pub(super) list: Vec<Upstream>,
    names: Names,
    /// Ports of the proxy's own host that are not for instances.
    pub(super) doors: Ports,
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
        self.doors.take(port);
    }

    /// A port that nothing has, from `from` on.
    pub(super) fn free(&mut self, from: u16) -> Option<u16> {
        self.doors.next(from)
    }

    /// Reads an `upstream` block.
    pub(super) fn declare(&mut self, block: &Directive, notes: &mut Vec<Note>) {
        let mut upstream = Upstream {
            raw: block.arg().to_owned(),
            place: block.place,
            balance: None,
            servers: Vec::new(),
            shares: false,
            pool: None,
        };
        for directive in block.inside() {
            match (directive.name.as_str(), directive.arg()) {
                ("server", _) => upstream.servers.extend(Self::server(directive, notes)),
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

    fn server(directive: &Directive, notes: &mut Vec<Note>) -> Option<Server> {
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
        Some(Server::read(directive.arg(), directive.place))
    }

    /// The pool for `name`, an upstream or an address.
    pub(super) fn choose(&mut self, name: &str, place: Position) -> Choice {
        let named = |u: &Upstream| u.raw == name && !u.servers.is_empty();
        let at = self.list.iter().position(named).unwrap_or_else(|| {
            let servers = vec![Server::read(name, place)];
            self.list.push(Upstream {
                raw: name.to_owned(),
                place,
                balance: None,
                servers,
                shares: false,
                pool: None,
            });
            self.list.len() - 1
        });
        let same = self
            .list
            .iter()
            .find(|u| u.pool.is_some() && u.key() == self.list[at].key());
        let shared = same.and_then(|u| u.pool.clone());
        let upstream = &mut self.list[at];
        let balance = upstream.balance;
        if let Some(pool) = shared {
            upstream.shares = upstream.pool.is_none();
            return Choice { pool, balance };
        }
        let raw = match upstream.servers.first() {
            Some(server) if upstream.raw == server.raw && server.name == "localhost" => {
                format!("port-{}", server.wanted())
            }
            _ => upstream.raw.clone(),
        };
        let pool = self.names.give(&raw, "pool");
        upstream.pool = Some(pool.clone());
        Choice { pool, balance }
    }

    /// A name for a proxy, which no pool has.
    pub(super) fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    /// Tells of upstreams that no location uses.
    pub(super) fn tell_unused(&self, notes: &mut Vec<Note>) {
        for upstream in self.list.iter().filter(|u| u.pool.is_none() && !u.shares) {
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
