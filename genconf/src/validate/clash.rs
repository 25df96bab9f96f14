//! Two things that cannot both have what they ask for.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::pool::is_cluster;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Span, Spanned};
use crate::topology::address::{Listen, Port, PortRange};
use crate::topology::choice::{Engine, Transport, Via};
use crate::topology::decode::Named;
use crate::topology::name::{HostName, ProxyName};
use crate::topology::{Pool, Proxy, Topology, default, is_on};

/// No two hosts have one address.
pub(super) fn addresses_are_distinct(topology: &Topology, faults: &mut Diagnostics) {
    let mut seen = HashMap::new();
    for (name, host) in topology.hosts.iter() {
        if let Some((first, span)) =
            seen.insert(host.address.value, (&name.value, host.address.span))
        {
            let said = format!(
                "`{}` has the address of `{}`",
                name.value.as_str(),
                first.as_str()
            );
            faults.push(
                Diagnostic::error(Code::AddressClash, host.address.span, said)
                    .also(span, "first here"),
            );
        }
    }
}

/// Pools and proxies share the names of units.
pub(super) fn unit_names_are_distinct(topology: &Topology, faults: &mut Diagnostics) {
    let pools: HashMap<&str, Span> = topology
        .pools
        .names()
        .map(|n| (n.value.as_str(), n.span))
        .collect();
    for proxy in topology.proxies.iter().flat_map(Named::names) {
        let Some(pool) = pools.get(proxy.value.as_str()) else {
            continue;
        };
        let said = format!(
            "a pool and a proxy are both called `{}`",
            proxy.value.as_str()
        );
        faults.push(
            Diagnostic::error(Code::NameClash, proxy.span, said)
                .also(*pool, "the pool")
                .help("both become units called PROJECT-NAME; rename one"),
        );
    }
    cluster_names_are_distinct(topology, faults);
    companion_names_are_distinct(topology, faults);
}

/// The ports and the probe of a pool, the watch of an app and the rotation of a proxy's logs are
/// units as well, called after them.
fn companion_names_are_distinct(topology: &Topology, faults: &mut Diagnostics) {
    let proxies = topology.proxies.iter().flat_map(Named::names);
    let mut named: HashMap<&str, Span> = proxies.map(|n| (n.value.as_str(), n.span)).collect();
    named.extend(topology.pools.names().map(|n| (n.value.as_str(), n.span)));
    let is_probed = |pool: &Pool| {
        let app = topology.apps.get(&pool.app.value);
        app.is_some_and(|app| app.watched_by() == Via::Probe)
    };
    let pools = topology.pools.iter().filter(|(_, pool)| is_probed(pool));
    let probes = pools.map(|(name, _)| (format!("{}-probe", name.value.as_str()), name.span));
    let ports = topology.pools.names();
    let ports = ports.map(|name| (format!("{}-port", name.value.as_str()), name.span));
    let apps = topology.apps.iter().filter(|(_, app)| app.is_watched());
    let watches = apps.map(|(name, _)| (format!("{}-watch", name.value.as_str()), name.span));
    let doors = topology.proxies.iter().flat_map(Named::iter);
    let rotating =
        doors.filter(|(_, p)| p.engine.as_ref().is_none_or(|e| e.value == Engine::Nginx));
    let rotations = rotating
        .map(|(name, _)| name)
        .map(|n| (format!("{}-rotate", n.value.as_str()), n.span));
    for (companion, of) in probes.chain(ports).chain(watches).chain(rotations) {
        if let Some(span) = named.get(companion.as_str()) {
            let said = format!("`{companion}` is the name of a unit that genconf makes");
            faults.push(
                Diagnostic::error(Code::NameClash, *span, said)
                    .also(of, "for this one")
                    .help("rename one of the two"),
            );
        }
    }
}

/// A cluster pool `a` on 8081 has the unit `a-8081`, which could be another pool's name.
fn cluster_names_are_distinct(topology: &Topology, faults: &mut Diagnostics) {
    let clusters = || topology.pools.iter().filter(|(_, p)| is_cluster(p));
    let pools = topology.pools.names();
    let pools = pools.map(|name| ("pool", name.value.as_str(), name.span));
    let proxies = topology.proxies.iter().flat_map(Named::names);
    let proxies = proxies.map(|name| ("proxy", name.value.as_str(), name.span));
    for (kind, unit, at) in pools.chain(proxies) {
        let Some((stem, port)) = unit.rsplit_once('-') else {
            continue;
        };
        let number: u16 = port.parse().unwrap_or_default();
        let pool = clusters().find(|(name, _)| name.value.as_str() == stem);
        let ranges = pool.iter().flat_map(|(_, pool)| pool.ports.iter());
        let Some(range) = ranges.into_iter().find(|r| r.value.holds(number)) else {
            continue;
        };
        let said = format!("the workers of this port and the {kind} `{unit}` have one unit name");
        faults.push(
            Diagnostic::error(Code::NameClash, range.span, said).also(at, format!("the {kind}")),
        );
    }
}

/// Where a number can be taken once: the ports of a host, the unix sockets of a pool.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
enum Space<'t> {
    Ports,
    Sockets(&'t str),
}

/// Something that listens on a host.
#[derive(Clone, Copy)]
struct Claim<'t> {
    space: Space<'t>,
    ports: PortRange,
    span: Span,
    owner: &'t str,
}

/// No port of a host is taken twice, by pools, proxies or status pages.
pub(super) fn ports_are_free(topology: &Topology, faults: &mut Diagnostics) {
    let mut told = HashSet::new();
    for host in topology.hosts.names() {
        let claims = claims(topology, &host.value);
        let mut taken = Taken::new();
        for claim in &claims {
            let Some((port, first)) = take(claim, &mut taken) else {
                continue;
            };
            if told.insert((port, claim.span, first.span)) {
                let clash = Clash {
                    port,
                    first,
                    second: *claim,
                    host: &host.value,
                };
                let diagnostic = clash.tell();
                let advised = told.len() <= ADVISED;
                faults.push(if advised {
                    clash.advise(diagnostic, &claims)
                } else {
                    diagnostic
                });
            }
        }
    }
}

/// Every claim by its number.
type Taken<'t> = HashMap<(Space<'t>, u16), Claim<'t>>;

/// Enters `claim`; tells the first number that another one has. The rest of
/// its range would say the same.
fn take<'t>(claim: &Claim<'t>, taken: &mut Taken<'t>) -> Option<(u16, Claim<'t>)> {
    let mut clash = None;
    for port in claim.ports.ports().map(Port::number) {
        match taken.entry((claim.space, port)) {
            Entry::Vacant(free) => {
                free.insert(*claim);
            }
            // A range that lies in another one has nothing more to enter.
            Entry::Occupied(first) if clash.is_some() && first.get().ports.covers(claim.ports) => {
                break;
            }
            Entry::Occupied(first) => {
                clash.get_or_insert((port, *first.get()));
            }
        }
    }
    clash
}

/// Two claims on one port.
struct Clash<'t> {
    port: u16,
    first: Claim<'t>,
    second: Claim<'t>,
    host: &'t HostName,
}

/// How many ports after a taken one are tried before no advice is given.
const TRIED: u16 = 200;

/// How many clashes of a topology get advice; after that many it is not read.
const ADVISED: usize = 50;

impl Clash<'_> {
    fn tell(&self) -> Diagnostic {
        let (port, host) = (self.port, self.host.as_str());
        let said = match self.second.space {
            Space::Ports => format!("port {port} is taken twice on `{host}`"),
            Space::Sockets(pool) => format!("the unix socket {port} of `{pool}` is taken twice"),
        };
        Diagnostic::error(Code::PortClash, self.second.span, said)
            .label(format!("by `{}`", self.second.owner))
            .also(self.first.span, format!("and by `{}`", self.first.owner))
    }

    /// Names the next port that nobody has.
    fn advise(&self, diagnostic: Diagnostic, claims: &[Claim<'_>]) -> Diagnostic {
        let is_free = |port: &u16| {
            let taken = |c: &Claim<'_>| c.space == self.second.space && c.ports.holds(*port);
            *port > 1023 && !claims.iter().any(taken)
        };
        let next = self.port.max(1023).saturating_add(1);
        match (next..=next.saturating_add(TRIED)).find(is_free) {
            Some(free) => diagnostic.help(format!("{free} is free on `{}`", self.host.as_str())),
            None => diagnostic,
        }
    }
}

fn claims<'t>(topology: &'t Topology, host: &HostName) -> Vec<Claim<'t>> {
    let mut claims = Vec::new();
    for (name, pool) in topology
        .pools
        .iter()
        .filter(|(_, p)| is_on(p.hosts.as_ref(), host))
    {
        let owner = name.value.as_str();
        let unix = pool
            .listen
            .as_ref()
            .is_some_and(|l| l.value == Transport::Unix);
        let space = if unix {
            Space::Sockets(owner)
        } else {
            Space::Ports
        };
        let claim = |range: &Spanned<PortRange>| Claim {
            space,
            ports: range.value,
            span: range.span,
            owner,
        };
        claims.extend(pool.ports.iter().map(claim));
    }
    let mut proxies: Vec<_> = topology.proxies.iter().flat_map(Named::iter).collect();
    proxies.sort_by_key(|(name, _)| &name.value);
    for ((name, proxy), next) in proxies.into_iter().zip(default::FIRST_STATUS..) {
        if is_on(proxy.hosts.as_ref(), host) {
            claims.extend(proxy_claims(name, proxy, next));
        }
    }
    claims
}

/// The door of a proxy, where it redirects, and its status page.
fn proxy_claims<'t>(name: &'t Spanned<ProxyName>, proxy: &Proxy, status: u16) -> Vec<Claim<'t>> {
    let claim = |port: u16, span: Option<Span>| {
        let ports = PortRange::single(Port::from_number(port)?);
        Some(Claim {
            space: Space::Ports,
            ports,
            span: span.unwrap_or(name.span),
            owner: name.value.as_str(),
        })
    };
    let listen = |written: Option<&Spanned<Listen>>, usual: Listen| {
        claim(
            written.map_or(usual, |l| l.value).socket().port(),
            written.map(|l| l.span),
        )
    };
    let usual = if proxy.tls.is_some() {
        default::LISTEN_TLS
    } else {
        default::LISTEN
    };
    let door = listen(proxy.listen.as_ref(), usual);
    let redirect = proxy
        .tls
        .as_ref()
        .and_then(|t| listen(t.redirect_from.as_ref(), default::REDIRECT_FROM));
    let page = claim(
        proxy.status.as_ref().map_or(status, |s| s.value.number()),
        proxy.status.as_ref().map(|s| s.span),
    );
    [door, redirect, page].into_iter().flatten().collect()
}
