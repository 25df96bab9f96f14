//! Diagnostics of ports that are used twice.

use std::collections::HashSet;
use std::net::SocketAddr;

use super::proposal::{Proposals, merged, shown};
use super::{Claim, Owner, Space};
use crate::diagnostic::{Code, Diagnostic};
use crate::topology::address::{Listen, PortRange};
use crate::topology::name::HostName;

/// Two claims with a common port.
pub(super) struct Clash<'t> {
    pub(super) port: u16,
    pub(super) first: Claim<'t>,
    pub(super) second: Claim<'t>,
}

impl Clash<'_> {
    /// Whether a proxy has the privileged port of a pool: `ports_are_unprivileged` reports the pool.
    pub(super) fn is_privileged_pool(&self) -> bool {
        let is_proxy = matches!(self.second.owner, Owner::Proxy { .. });
        is_proxy && matches!(self.first.owner, Owner::Pool { .. }) && self.port < 1024
    }
}

/// All clashes of two owners; they are reported together.
pub(super) struct Group<'t> {
    pub(super) clashes: Vec<Clash<'t>>,
    pub(super) host: &'t HostName,
}

/// Labels of one diagnostic; more clashes are counted in its message.
const MAX_LABELS: usize = 4;

impl<'t> Group<'t> {
    pub(super) fn diagnostic(&self, proposals: &mut Proposals<'t>) -> Diagnostic {
        let clash = &self.clashes[0];
        let ports = self.ports();
        let host = self.host.as_str();
        let numbers = merged(&ports);
        let is_one = matches!(numbers.as_slice(), [one] if one.count() == 1);
        let message = match (clash.second.space, is_one) {
            (Space::Ports, true) => format!("port {} is used twice on host `{host}`", clash.port),
            (Space::Ports, false) => {
                format!("ports {} are used twice on host `{host}`", shown(&numbers))
            }
            (Space::Sockets(pool), true) => {
                format!("Unix socket {} of pool `{pool}` is used twice", clash.port)
            }
            (Space::Sockets(pool), false) => {
                format!(
                    "Unix sockets {} of pool `{pool}` are used twice",
                    shown(&numbers)
                )
            }
        };
        let help = self.help(proposals);
        let mut diagnostic = Diagnostic::error(Code::PortClash, clash.second.span, message, help);
        diagnostic = diagnostic.label(format!(
            "used again here {}",
            clash.second.owner.label(clash.port)
        ));
        let mut labeled = HashSet::from([clash.second.span]);
        for clash in self.clashes.iter().take(MAX_LABELS) {
            let owner = clash.first.owner.label(clash.port);
            if labeled.insert(clash.first.span) {
                diagnostic = diagnostic.also(clash.first.span, format!("first used here {owner}"));
            }
        }
        diagnostic
    }

    /// The ports that both owners use.
    fn ports(&self) -> Vec<PortRange> {
        let overlaps = self.clashes.iter();
        overlaps
            .filter_map(|c| c.first.ports.overlap(c.second.ports))
            .collect()
    }

    fn help(&self, proposals: &mut Proposals<'t>) -> String {
        let clash = &self.clashes[0];
        let (first, second) = (clash.first.owner, clash.second.owner);
        if let Some(names) = shared_names(first, second) {
            return format!(
                "merge the proxies: one proxy with `server_name: [{names}]` and the routes of both"
            );
        }
        match second {
            Owner::Pool { name, pool } if first.id() == second.id() => {
                let ranges: Vec<_> = pool.ports.iter().map(|r| r.value).collect();
                let ports = shown(&merged(&ranges));
                format!("list each port of pool `{name}` once: `ports: [{ports}]`")
            }
            Owner::Pool { name, pool } => match proposals.ports(name, pool) {
                Some(ports) => format!("use free ports in pool `{name}`: `ports: [{ports}]`"),
                None => fewer_ports(larger(first, second)),
            },
            Owner::Proxy { name, key, set, .. } => {
                let Some(free) = proposals.port(second.id(), clash.port) else {
                    return fewer_ports(first);
                };
                let value = match set.and_then(Listen::ip) {
                    Some(ip) if ip.is_ipv6() => format!("\"{}\"", SocketAddr::new(ip, free)),
                    Some(ip) => SocketAddr::new(ip, free).to_string(),
                    None => free.to_string(),
                };
                let of = match key {
                    "http_port" => "`tls` of proxy",
                    _ => "proxy",
                };
                format!("use a free port in {of} `{name}`: `{key}: {value}`")
            }
        }
    }
}

/// The pool with more ports.
fn larger<'t>(first: Owner<'t>, second: Owner<'t>) -> Owner<'t> {
    let count = |owner| match owner {
        Owner::Pool { pool, .. } => pool.ports.iter().map(|r| r.value.count()).sum(),
        Owner::Proxy { .. } => 0_u64,
    };
    if count(first) >= count(second) {
        first
    } else {
        second
    }
}

/// The help if no port is free.
fn fewer_ports(owner: Owner<'_>) -> String {
    match owner {
        Owner::Pool { name, .. } => format!("remove ports from pool `{name}`, or set `hosts`"),
        Owner::Proxy { .. } => "remove ports from a pool, or set `hosts`".to_owned(),
    }
}

/// The server names of two proxies with the same listener, if any of them has names.
fn shared_names(first: Owner<'_>, second: Owner<'_>) -> Option<String> {
    let proxies = [first.listener()?, second.listener()?];
    let names: Vec<_> = proxies
        .iter()
        .flat_map(|p| p.server_name.iter().flat_map(|names| names.iter()))
        .map(|name| match name.value.as_str() {
            wildcard if wildcard.starts_with('*') => format!("\"{wildcard}\""),
            name => name.to_owned(),
        })
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}
