//! Rules for ports: pools, listeners of proxies, HTTP redirects, and status pages.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Span, Spanned};
use crate::topology::address::{Listen, Port, PortRange};
use crate::topology::choice::Transport;
use crate::topology::decode::Named;
use crate::topology::name::{HostName, ProxyName};
use crate::topology::{Pool, Proxy, Topology, default};

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

/// Two claims with a common port.
struct Clash<'t> {
    port: u16,
    first: Claim<'t>,
    second: Claim<'t>,
}

impl Clash<'_> {
    /// Whether a proxy has the privileged port of a pool: `ports_are_unprivileged` reports the pool.
    fn is_privileged_pool(&self) -> bool {
        let is_proxy = matches!(self.second.owner, Owner::Proxy { .. });
        is_proxy && matches!(self.first.owner, Owner::Pool { .. }) && self.port < 1024
    }
}

/// All clashes of two owners; they are reported together.
struct Group<'t> {
    clashes: Vec<Clash<'t>>,
    host: &'t HostName,
}

/// Labels of one diagnostic; more clashes are counted in its message.
const MAX_LABELS: usize = 4;

impl<'t> Group<'t> {
    fn diagnostic(&self, proposals: &mut Proposals<'t>) -> Diagnostic {
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

/// Sorted ranges without overlaps and gaps.
fn merged(ranges: &[PortRange]) -> Vec<PortRange> {
    let mut sorted = ranges.to_vec();
    sorted.sort_by_key(|r| r.ends());
    let mut merged: Vec<PortRange> = Vec::new();
    for range in sorted {
        match merged.last_mut().and_then(|last| last.joined(range)) {
            Some(joined) => {
                merged.pop();
                merged.push(joined);
            }
            None => merged.push(range),
        }
    }
    merged
}

/// Up to 12 ranges, separated by commas.
fn shown(ranges: &[PortRange]) -> String {
    const LIMIT: usize = 12;
    let shown = ranges.iter().take(LIMIT).map(ToString::to_string);
    let mut shown = shown.collect::<Vec<_>>().join(", ");
    if ranges.len() > LIMIT {
        shown.push_str(", …");
    }
    shown
}

/// The free ports that the help texts of one run propose. No two owners get the same port.
struct Proposals<'t> {
    free: Free,
    /// The ranges of each pool that are to be replaced.
    moved: HashMap<&'t str, HashSet<Span>>,
    of_pools: HashMap<&'t str, Option<String>>,
    of_proxies: HashMap<(&'t str, &'static str), Option<u16>>,
}

impl<'t> Proposals<'t> {
    fn new(groups: &[Group<'t>], free: Free) -> Self {
        let mut moved: HashMap<_, HashSet<_>> = HashMap::new();
        for clash in groups.iter().flat_map(|g| &g.clashes) {
            let (first, second) = (clash.first.owner, clash.second);
            if let Owner::Pool { name, .. } = second.owner
                && first.id() != second.owner.id()
            {
                moved.entry(name).or_default().insert(second.span);
            }
        }
        Self {
            free,
            moved,
            of_pools: HashMap::new(),
            of_proxies: HashMap::new(),
        }
    }

    /// The ports of `pool` with free ones instead of all that clash.
    fn ports(&mut self, name: &'t str, pool: &Pool) -> Option<String> {
        if !self.of_pools.contains_key(name) {
            let moved = self.moved.remove(name).unwrap_or_default();
            let ports = self.free.instead(pool, &moved);
            self.of_pools.insert(name, ports);
        }
        self.of_pools.get(name).cloned().flatten()
    }

    /// A free port after `port` for a key of a proxy.
    fn port(&mut self, owner: (&'t str, &'static str), port: u16) -> Option<u16> {
        let free = &mut self.free;
        let proposal = self.of_proxies.entry(owner);
        *proposal.or_insert_with(|| free.take(port, 1).map(|range| range.ends().0))
    }
}

/// The TCP ports that no host uses.
struct Free {
    is_used: Vec<bool>,
}

impl Free {
    fn new(topology: &Topology, proxies: &[ProxyClaims<'_>]) -> Self {
        let mut is_used = vec![false; usize::from(u16::MAX) + 1];
        let pools = topology.pools.iter();
        let pools = pools.flat_map(|(name, pool)| pool_claims(name.value.as_str(), pool));
        let proxies = proxies
            .iter()
            .flat_map(|(_, claims)| claims.iter().copied());
        for claim in pools.chain(proxies) {
            let (first, last) = claim.ports.ends();
            is_used[usize::from(first)..=usize::from(last)].fill(true);
        }
        Self { is_used }
    }

    /// Takes the first free range of `count` unprivileged ports after `port`, or the first one before.
    fn take(&mut self, port: u16, count: u64) -> Option<PortRange> {
        let range = self.block(port, count).or_else(|| self.block(0, count))?;
        let (first, last) = range.ends();
        self.is_used[usize::from(first)..=usize::from(last)].fill(true);
        Some(range)
    }

    /// The first free range of `count` unprivileged ports after `port`.
    fn block(&self, port: u16, count: u64) -> Option<PortRange> {
        let mut length = 0;
        for number in port.max(1023)..u16::MAX {
            let number = number + 1;
            length = if self.is_used[usize::from(number)] {
                0
            } else {
                length + 1
            };
            if length == count {
                let first = number - u16::try_from(count - 1).ok()?;
                return PortRange::new(Port::from_number(first)?, Port::from_number(number)?);
            }
        }
        None
    }

    /// The ports of `pool` with free ones instead of the ranges at `moved`.
    fn instead(&mut self, pool: &Pool, moved: &HashSet<Span>) -> Option<String> {
        let mut ranges = Vec::new();
        let mut after = 0;
        for range in pool.ports.iter() {
            if !moved.contains(&range.span) {
                ranges.push(range.value);
                continue;
            }
            let block = self.take(range.value.ends().1.max(after), range.value.count())?;
            after = block.ends().1;
            ranges.push(block);
        }
        let ranges = merged(&ranges);
        (ranges.len() <= 12).then(|| shown(&ranges))
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::decode::Scalar as _;

    fn range(text: &str) -> PortRange {
        PortRange::read(text).expect("is a range")
    }

    #[test]
    fn adjacent_and_overlapping_ranges_are_merged() {
        let ranges = ["8085", "8080-8083", "8082-8084", "9000"].map(range);
        assert_eq!(shown(&merged(&ranges)), "8080-8085, 9000");
    }

    #[test]
    fn free_ports_are_not_used_and_not_privileged() {
        let mut is_used = vec![false; 65536];
        is_used[1024] = true;
        is_used[1027] = true;
        let mut free = Free { is_used };
        assert_eq!(free.block(80, 3), Some(range("1028-1030")));
        assert_eq!(free.take(80, 1), Some(range("1025")));
        assert_eq!(free.take(80, 1), Some(range("1026")));
        assert_eq!(free.take(65535, 1), Some(range("1028")));
        free.is_used.fill(true);
        assert_eq!(free.take(80, 1), None);
    }
}
