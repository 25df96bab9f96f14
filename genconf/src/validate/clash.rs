//! Two things that cannot both have what they ask for.

use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Span, Spanned};
use crate::topology::address::Listen;
use crate::topology::choice::Transport;
use crate::topology::decode::Named;
use crate::topology::name::HostName;
use crate::topology::{Pool, Topology, default, is_on};

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
    cluster_names_are_distinct(topology, &pools, faults);
}

/// A cluster pool `a` on 8081 has the unit `a-8081`, which could be another pool's name.
fn cluster_names_are_distinct(
    topology: &Topology,
    pools: &HashMap<&str, Span>,
    faults: &mut Diagnostics,
) {
    for (name, pool) in topology.pools.iter() {
        for range in pool.ports.iter() {
            for port in range.value.ports() {
                let unit = format!("{}-{}", name.value.as_str(), port.number());
                let Some(other) = pools.get(unit.as_str()) else {
                    continue;
                };
                let said =
                    format!("the workers of this port and the pool `{unit}` have one unit name");
                faults.push(
                    Diagnostic::error(Code::NameClash, range.span, said).also(*other, "the pool"),
                );
            }
        }
    }
}

/// Something that listens on a host.
#[derive(Clone, Copy)]
struct Claim<'t> {
    port: u16,
    span: Span,
    owner: &'t str,
}

/// No port of a host is taken twice, by pools, proxies or status pages.
pub(super) fn ports_are_free(topology: &Topology, faults: &mut Diagnostics) {
    let mut told = HashSet::new();
    for host in topology.hosts.names() {
        let mut taken: HashMap<u16, Claim<'_>> = HashMap::new();
        let claims = claims(topology, &host.value);
        let ports: HashSet<u16> = claims.iter().map(|c| c.port).collect();
        for claim in claims {
            let Some(first) = taken.insert(claim.port, claim) else {
                continue;
            };
            if told.insert((claim.port, claim.span, first.span)) {
                faults.push(port_clash(claim, first, &host.value, &ports));
            }
        }
    }
}

fn port_clash(
    claim: Claim<'_>,
    first: Claim<'_>,
    host: &HostName,
    ports: &HashSet<u16>,
) -> Diagnostic {
    let host = host.as_str();
    let said = format!("port {} is taken twice on `{host}`", claim.port);
    let diagnostic = Diagnostic::error(Code::PortClash, claim.span, said)
        .label(format!("by `{}`", claim.owner))
        .also(first.span, format!("and by `{}`", first.owner));
    let free = (claim.port.saturating_add(1)..=u16::MAX).find(|p| *p > 1023 && !ports.contains(p));
    match free {
        Some(free) => diagnostic.help(format!("{free} is free on `{host}`")),
        None => diagnostic,
    }
}

fn claims<'t>(topology: &'t Topology, host: &HostName) -> Vec<Claim<'t>> {
    let mut claims = Vec::new();
    let tcp = |pool: &Pool| {
        pool.listen
            .as_ref()
            .is_none_or(|l| l.value == Transport::Tcp)
    };
    for (name, pool) in topology
        .pools
        .iter()
        .filter(|(_, p)| is_on(p.hosts.as_ref(), host) && tcp(p))
    {
        let owner = name.value.as_str();
        for range in pool.ports.iter() {
            let ports = range.value.ports();
            claims.extend(ports.map(|p| Claim {
                port: p.number(),
                span: range.span,
                owner,
            }));
        }
    }
    let mut proxies: Vec<_> = topology.proxies.iter().flat_map(Named::iter).collect();
    proxies.sort_by_key(|(name, _)| &name.value);
    for ((name, proxy), next) in proxies.into_iter().zip(default::FIRST_STATUS..) {
        if !is_on(proxy.hosts.as_ref(), host) {
            continue;
        }
        let owner = name.value.as_str();
        let usual = if proxy.tls.is_some() {
            default::LISTEN_TLS
        } else {
            default::LISTEN
        };
        let claim = |listen: Option<&Spanned<Listen>>, usual: Listen| Claim {
            port: listen.map_or(usual, |l| l.value).socket().port(),
            span: listen.map_or(name.span, |l| l.span),
            owner,
        };
        claims.push(claim(proxy.listen.as_ref(), usual));
        claims.extend(
            proxy
                .tls
                .iter()
                .map(|t| claim(t.redirect_from.as_ref(), default::REDIRECT_FROM)),
        );
        let status = proxy.status.as_ref();
        let port = status.map_or(next, |s| s.value.number());
        let span = status.map_or(name.span, |s| s.span);
        claims.push(Claim { port, span, owner });
    }
    claims
}
