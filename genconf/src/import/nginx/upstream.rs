//! Upstreams and addresses of `proxy_pass`, which become pools.

use super::backend::BackendServer;
use super::directive::Directive;
use super::own_host::OwnHost;
use super::skipped;
use crate::import::Finding;
use crate::import::naming::Names;
use crate::import::ports::Ports;
use crate::source::Position;
use crate::topology::choice::Balance;

/// An upstream, or an address used instead of one.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    /// Name or address, as in the file.
    pub(super) raw: String,
    /// Position in the file.
    pub(super) position: Position,
    balance: Option<Balance>,
    /// Servers.
    pub(super) servers: Vec<BackendServer>,
    /// Whether it shares the pool of an upstream with the same servers.
    shares_pool: bool,
    /// Name of its pool; `None` until a location uses it.
    pub(super) pool: Option<String>,
}

impl Upstream {
    /// Key that is equal for upstreams with the same servers.
    fn key(&self) -> Vec<(&str, u16)> {
        let mut key: Vec<_> = self
            .servers
            .iter()
            .map(|s| (s.name.as_str(), s.preferred_port()))
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
    /// Names and addresses of the proxy's host.
    pub(super) own_host: OwnHost,
    /// Ports of the proxy's host that instances cannot use.
    pub(super) reserved_ports: Ports,
}

/// The pool of a route.
pub(super) struct PoolChoice {
    /// Name of the pool.
    pub(super) pool: String,
    /// Balancing method.
    pub(super) balance: Option<Balance>,
}

impl Upstreams {
    /// Reserves a port for a proxy.
    pub(super) fn reserve_port(&mut self, port: u16) {
        self.reserved_ports.reserve(port);
    }

    /// Reserves the first free port from `from` on.
    pub(super) fn reserve_next_port(&mut self, from: u16) -> Option<u16> {
        self.reserved_ports.reserve_next(from)
    }

    /// Parses an `upstream` block.
    pub(super) fn declare(&mut self, block: &Directive, findings: &mut Vec<Finding>) {
        let mut upstream = Upstream {
            raw: block.arg().to_owned(),
            position: block.position,
            balance: None,
            servers: Vec::new(),
            shares_pool: false,
            pool: None,
        };
        for directive in block.inside() {
            match (directive.name.as_str(), directive.arg()) {
                ("server", _) => upstream.servers.extend(self.server(directive, findings)),
                ("least_conn", _) => upstream.balance = Some(Balance::LeastConn),
                ("ip_hash", _) => upstream.balance = Some(Balance::IpHash),
                ("random", _) => upstream.balance = Some(Balance::Random),
                ("keepalive" | "zone" | "keepalive_timeout" | "keepalive_requests", _) => {}
                _ => findings.push(skipped(
                    directive,
                    "supported methods: round_robin, least_conn, ip_hash, random",
                )),
            }
        }
        self.list.push(upstream);
    }

    fn server(&self, directive: &Directive, findings: &mut Vec<Finding>) -> Option<BackendServer> {
        for flag in directive.args.iter().skip(1) {
            let (key, reason) = match flag.split('=').next().unwrap_or_default() {
                "down" => ("down", "the server is disabled"),
                "backup" => ("backup", "backup servers are not supported"),
                "weight" => ("", "servers of a pool on one host have the same weight"),
                "max_fails" | "fail_timeout" => continue,
                _ => ("", "the parameter is not supported"),
            };
            let text = directive.text();
            let finding = if key.is_empty() {
                Finding::skipped(format!("`{flag}` of `{text}`"), reason)
            } else {
                Finding::skipped(text, reason)
            };
            findings.push(finding.at(directive.position));
            if !key.is_empty() {
                return None;
            }
        }
        let (raw, position) = (directive.arg(), directive.position);
        Some(BackendServer::read(raw, position, &self.own_host))
    }

    /// The pool of `name`, an upstream or an address.
    pub(super) fn choose(&mut self, name: &str, position: Position) -> PoolChoice {
        let named = |u: &Upstream| u.raw == name && !u.servers.is_empty();
        let at = self.list.iter().position(named).unwrap_or_else(|| {
            let servers = vec![BackendServer::read(name, position, &self.own_host)];
            self.list.push(Upstream {
                raw: name.to_owned(),
                position,
                balance: None,
                servers,
                shares_pool: false,
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
            upstream.shares_pool = upstream.pool.is_none();
            return PoolChoice { pool, balance };
        }
        let raw = match upstream.servers.first() {
            Some(server) if upstream.raw == server.raw && server.name == "localhost" => {
                format!("port-{}", server.preferred_port())
            }
            _ => upstream.raw.clone(),
        };
        let pool = self.names.reserve(&raw, "pool");
        upstream.pool = Some(pool.clone());
        PoolChoice { pool, balance }
    }

    /// Names in use by pools.
    pub(super) fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    /// Reports upstreams that no location uses.
    pub(super) fn report_unused(&self, findings: &mut Vec<Finding>) {
        for upstream in self
            .list
            .iter()
            .filter(|u| u.pool.is_none() && !u.shares_pool)
        {
            let finding = Finding::skipped(
                format!("upstream {}", upstream.raw),
                "no imported location uses it",
            );
            findings.push(finding.at(upstream.position));
        }
    }
}
