//! Rules for ports: pools, listeners of proxies, HTTP redirects, and status pages.

mod clash;
mod proposal;

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use crate::diagnostic::Diagnostics;
use crate::source::{Span, Spanned};
use crate::topology::address::{Listen, Port, PortRange};
use crate::topology::choice::Transport;
use crate::topology::decode::Named;
use crate::topology::name::{HostName, ProxyName};
use crate::topology::{Pool, Proxy, Topology, default};
use clash::{Clash, Group};
use proposal::{Free, Proposals};

/// Where a number is used once: the TCP ports of a host, or the Unix sockets of a pool.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
enum Space<'t> {
    Ports,
    Sockets(&'t str),
}

/// The pool or the key of a proxy that listens.
#[derive(Clone, Copy)]
enum Owner<'t> {
    Pool {
        name: &'t str,
        pool: &'t Pool,
    },
    Proxy {
        name: &'t str,
        proxy: &'t Proxy,
        key: &'static str,
        /// The value of the key; `None` if the default applies.
        set: Option<Listen>,
    },
}

impl<'t> Owner<'t> {
    /// The owner in a label; `port` is shown as the default of a key that is not set.
    fn label(self, port: u16) -> String {
        match self {
            Self::Pool { name, .. } => format!("(pool `{name}`)"),
            Self::Proxy {
                name,
                key,
                set: Some(_),
                ..
            } => format!("(`{key}` of proxy `{name}`)"),
            Self::Proxy { name, key, .. } => {
                format!("(`{key}` of proxy `{name}`, default {port})")
            }
        }
    }

    /// Name and key, to compare owners.
    fn id(self) -> (&'t str, &'static str) {
        match self {
            Self::Pool { name, .. } => (name, "ports"),
            Self::Proxy { name, key, .. } => (name, key),
        }
    }

    /// The proxy, if this is its listener.
    fn listener(self) -> Option<&'t Proxy> {
        match self {
            Self::Proxy {
                proxy,
                key: "listen",
                ..
            } => Some(proxy),
            _ => None,
        }
    }
}

/// Ports that one owner listens on.
#[derive(Clone, Copy)]
struct Claim<'t> {
    space: Space<'t>,
    /// The address; `None` for a pool, which listens on the addresses that its proxies connect to.
    ip: Option<IpAddr>,
    ports: PortRange,
    span: Span,
    owner: Owner<'t>,
}

impl Claim<'_> {
    /// Whether two sockets with the same port conflict: `0.0.0.0` is every IPv4 address, `::` every
    /// IPv6 address, and no socket accepts both (`BindIPv6Only=ipv6-only`).
    fn conflicts(&self, other: &Self) -> bool {
        let (Some(one), Some(two)) = (self.ip, other.ip) else {
            return true;
        };
        one == two
            || (one.is_ipv4() == two.is_ipv4() && (one.is_unspecified() || two.is_unspecified()))
    }
}

/// No port of a host is used twice.
pub(super) fn ports_are_used_once(topology: &Topology, diagnostics: &mut Diagnostics) {
    let proxies = proxies(topology);
    let mut seen = HashSet::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut by_owners = HashMap::new();
    for host in topology.hosts.names() {
        let mut used = Used::new();
        for claim in claims(topology, &proxies, &host.value) {
            let Some((port, first)) = enter(&claim, &mut used) else {
                continue;
            };
            if !seen.insert((claim.span, first.span)) {
                continue;
            }
            let clash = Clash {
                port,
                first,
                second: claim,
            };
            if clash.is_privileged_pool() {
                continue;
            }
            let owners = (first.owner.id(), claim.owner.id());
            let index = *by_owners.entry(owners).or_insert_with(|| {
                groups.push(Group {
                    clashes: Vec::new(),
                    host: &host.value,
                });
                groups.len() - 1
            });
            groups[index].clashes.push(clash);
        }
    }
    if groups.is_empty() {
        return;
    }
    let mut proposals = Proposals::new(&groups, Free::new(topology, &proxies));
    for group in &groups {
        diagnostics.push(group.diagnostic(&mut proposals));
    }
}

/// Claims by number; several if their addresses differ.
type Used<'t> = HashMap<(Space<'t>, u16), Vec<Claim<'t>>>;

/// Adds `claim`. Returns its first port that conflicts with another claim, and that claim.
fn enter<'t>(claim: &Claim<'t>, used: &mut Used<'t>) -> Option<(u16, Claim<'t>)> {
    let mut clash = None;
    for port in claim.ports.ports().map(Port::number) {
        let there = used.entry((claim.space, port)).or_default();
        match there.iter().find(|other| other.conflicts(claim)) {
            None => there.push(*claim),
            // All other ports of the range conflict as well.
            Some(first) if clash.is_some() && first.ports.covers(claim.ports) => break,
            Some(first) => {
                clash.get_or_insert((port, *first));
            }
        }
    }
    clash
}

/// A proxy and its claims on each of its hosts.
type ProxyClaims<'t> = (&'t Proxy, Vec<Claim<'t>>);

fn claims<'t>(
    topology: &'t Topology,
    proxies: &[ProxyClaims<'t>],
    host: &HostName,
) -> Vec<Claim<'t>> {
    let pools = topology.pools.iter();
    let pools = pools.filter(|(_, pool)| pool.runs_on_host(host));
    let proxies = proxies.iter().filter(|(proxy, _)| proxy.runs_on_host(host));
    pools
        .flat_map(|(name, pool)| pool_claims(name.value.as_str(), pool))
        .chain(proxies.flat_map(|(_, claims)| claims.iter().copied()))
        .collect()
}

fn pool_claims<'t>(name: &'t str, pool: &'t Pool) -> impl Iterator<Item = Claim<'t>> {
    let listen = pool.listen.as_ref();
    let space = if listen.is_some_and(|l| l.value == Transport::Unix) {
        Space::Sockets(name)
    } else {
        Space::Ports
    };
    let is_known = listen.is_some() || !pool.has_invalid(&["listen"]);
    let ports = pool.ports.iter().filter(move |_| is_known);
    ports.map(move |range| Claim {
        space,
        ip: None,
        ports: range.value,
        span: range.span,
        owner: Owner::Pool { name, pool },
    })
}

/// Every proxy with its claims, ordered by name as are the default ports of status pages.
fn proxies(topology: &Topology) -> Vec<ProxyClaims<'_>> {
    let mut sorted: Vec<_> = topology.proxies.iter().flat_map(Named::entries).collect();
    sorted.sort_by_key(|(name, _)| &name.value);
    let mut proxies = Vec::new();
    for ((name, proxy), status_port) in sorted.into_iter().zip(default::FIRST_STATUS_PORT..) {
        // An invalid proxy has a default port as well.
        if let Some(proxy) = proxy {
            proxies.push((proxy, proxy_claims((name, proxy), status_port)));
        }
    }
    proxies
}

/// The listener of a proxy, its HTTP redirect, and its status page. A key with an error claims
/// nothing: its default does not apply.
fn proxy_claims<'t>(
    (name, proxy): (&'t Spanned<ProxyName>, &'t Proxy),
    status_port: u16,
) -> Vec<Claim<'t>> {
    let claims =
        |key: &'static str, listen: Listen, sockets: Vec<SocketAddr>, set: Option<Span>| {
            let claim = move |at: SocketAddr| {
                Some(Claim {
                    space: Space::Ports,
                    ip: Some(at.ip()),
                    ports: PortRange::single(Port::from_number(at.port())?),
                    span: set.unwrap_or(name.span),
                    owner: Owner::Proxy {
                        name: name.value.as_str(),
                        proxy,
                        key,
                        set: set.map(|_| listen),
                    },
                })
            };
            sockets.into_iter().filter_map(claim)
        };
    let tls = proxy.tls.as_ref();
    let set = proxy.listen.as_ref().map(|l| l.span);
    let is_known = set.is_some()
        || !(proxy.has_invalid(&["listen"]) || (tls.is_none() && proxy.has_invalid(&["tls"])));
    let listener = Some(proxy.listener()).filter(|_| is_known);
    let listener = listener.map(|l| claims("listen", l, l.sockets(), set));
    let set = tls.and_then(|t| t.http_port.as_ref()).map(|l| l.span);
    let is_known =
        set.is_some() || (is_known && !tls.is_some_and(|t| t.has_invalid(&["http_port"])));
    let redirect = proxy.http_listener().filter(|_| is_known);
    let redirect = redirect.map(|l| claims("http_port", l, l.sockets(), set));
    let set = proxy.status_port.as_ref();
    let is_known = set.is_some() || !proxy.has_invalid(&["status_port"]);
    let port = set.map_or(status_port, |s| s.value.number());
    let page = SocketAddr::new(default::STATUS_IP, port);
    let page = is_known.then(|| {
        claims(
            "status_port",
            Listen::any(port),
            vec![page],
            set.map(|s| s.span),
        )
    });
    let listener = listener.into_iter().flatten();
    listener
        .chain(redirect.into_iter().flatten())
        .chain(page.into_iter().flatten())
        .collect()
}
