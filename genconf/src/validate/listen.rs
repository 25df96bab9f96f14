//! Who listens where on a host: pools, the doors of proxies, their redirects and status pages.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Span, Spanned};
use crate::topology::address::{Listen, Port, PortRange};
use crate::topology::choice::Transport;
use crate::topology::decode::Named;
use crate::topology::name::{HostName, ProxyName};
use crate::topology::{Pool, Proxy, Topology, default};

/// Where a number can be taken once: the ports of a host, the unix sockets of a pool.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
enum Space<'t> {
    Ports,
    Sockets(&'t str),
}

/// Who listens there, and by which key.
#[derive(Clone, Copy)]
enum Owner<'t> {
    Pool(&'t str),
    /// A proxy; whether the key is written, and whether the proxy answers to some names only.
    Proxy {
        name: &'t str,
        key: &'static str,
        is_written: bool,
        has_names: bool,
    },
}

impl Owner<'_> {
    fn tell(self, port: u16) -> String {
        match self {
            Self::Pool(name) => format!("by `{name}`"),
            Self::Proxy {
                name,
                key,
                is_written: true,
                ..
            } => format!("by `{key}` of `{name}`"),
            Self::Proxy { name, key, .. } => {
                format!("by `{key}` of `{name}`, which is {port} unless written")
            }
        }
    }

    fn is_door(self) -> bool {
        matches!(self, Self::Proxy { key: "listen", .. })
    }

    fn has_names(self) -> bool {
        matches!(
            self,
            Self::Proxy {
                has_names: true,
                ..
            }
        )
    }
}

/// Something that listens on a host.
#[derive(Clone, Copy)]
struct Claim<'t> {
    space: Space<'t>,
    /// The address; none for a pool, which has whichever its proxies reach it by.
    ip: Option<IpAddr>,
    ports: PortRange,
    span: Span,
    owner: Owner<'t>,
}

impl Claim<'_> {
    /// Whether both take a port that they share: `0.0.0.0` is every IPv4 address and `::` every
    /// IPv6 one, and no socket takes connections of both (`BindIPv6Only=ipv6-only`).
    fn meets(&self, other: &Self) -> bool {
        let (Some(one), Some(two)) = (self.ip, other.ip) else {
            return true;
        };
        one == two
            || (one.is_ipv4() == two.is_ipv4() && (one.is_unspecified() || two.is_unspecified()))
    }
}

/// No port of a host is taken twice, by pools, proxies or status pages.
pub(super) fn ports_are_free(topology: &Topology, faults: &mut Diagnostics) {
    let doors = doors(topology);
    let mut told = HashSet::new();
    for host in topology.hosts.names() {
        let claims = claims(topology, &doors, &host.value);
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

/// Every claim by its number; several where their addresses differ.
type Taken<'t> = HashMap<(Space<'t>, u16), Vec<Claim<'t>>>;

/// Enters `claim`; tells the first number that another one has. The rest of
/// its range would say the same.
fn take<'t>(claim: &Claim<'t>, taken: &mut Taken<'t>) -> Option<(u16, Claim<'t>)> {
    let mut clash = None;
    for port in claim.ports.ports().map(Port::number) {
        let there = taken.entry((claim.space, port)).or_default();
        match there.iter().find(|other| other.meets(claim)) {
            None => there.push(*claim),
            // A range that lies in another one has nothing more to enter.
            Some(first) if clash.is_some() && first.ports.covers(claim.ports) => break,
            Some(first) => {
                clash.get_or_insert((port, *first));
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
            .label(self.second.owner.tell(port))
            .also(
                self.first.span,
                format!("and {}", self.first.owner.tell(port)),
            )
    }

    /// Says what would work: one proxy for several names, or the next port that nobody has.
    fn advise(&self, diagnostic: Diagnostic, claims: &[Claim<'_>]) -> Diagnostic {
        let owners = [self.first.owner, self.second.owner];
        if owners.iter().all(|o| o.is_door()) && owners.iter().any(|o| o.has_names()) {
            return diagnostic.help(
                "a port has one proxy: give it all names and routes; its routes may lead to several pools",
            );
        }
        let is_free = |port: &u16| {
            let taken = |c: &Claim<'_>| c.space == self.second.space && c.ports.holds(*port);
            *port > 1023 && !claims.iter().any(taken)
        };
        let next = self.port.max(1023).saturating_add(1);
        let Some(free) = (next..=next.saturating_add(TRIED)).find(is_free) else {
            return diagnostic;
        };
        let help = format!("{free} is free on `{}`", self.host.as_str());
        match self.second.owner {
            Owner::Proxy {
                name,
                key,
                is_written: false,
                ..
            } => diagnostic.help(format!("{help}: write `{key}: {free}` at `{name}`")),
            _ => diagnostic.help(help),
        }
    }
}

/// A proxy and what it claims on each of its hosts.
type Door<'t> = (&'t Proxy, Vec<Claim<'t>>);

fn claims<'t>(topology: &'t Topology, doors: &[Door<'t>], host: &HostName) -> Vec<Claim<'t>> {
    let pools = topology.pools.iter();
    let pools = pools.filter(|(_, pool)| pool.is_surely_on(host));
    let doors = doors.iter().filter(|(proxy, _)| proxy.is_surely_on(host));
    pools
        .flat_map(|(name, pool)| pool_claims(name.value.as_str(), pool))
        .chain(doors.flat_map(|(_, claims)| claims.iter().copied()))
        .collect()
}

fn pool_claims<'t>(name: &'t str, pool: &'t Pool) -> impl Iterator<Item = Claim<'t>> {
    let listen = pool.listen.as_ref();
    let space = if listen.is_some_and(|l| l.value == Transport::Unix) {
        Space::Sockets(name)
    } else {
        Space::Ports
    };
    let is_known = listen.is_some() || !pool.is_unsure_of(&["listen"]);
    let ports = pool.ports.iter().filter(move |_| is_known);
    ports.map(move |range| Claim {
        space,
        ip: None,
        ports: range.value,
        span: range.span,
        owner: Owner::Pool(name),
    })
}

/// Every proxy with its claims, in the order of names, which is that of their status pages.
fn doors(topology: &Topology) -> Vec<Door<'_>> {
    let mut written: Vec<_> = topology.proxies.iter().flat_map(Named::entries).collect();
    written.sort_by_key(|(name, _)| &name.value);
    let mut doors = Vec::new();
    for ((name, proxy), status) in written.into_iter().zip(default::FIRST_STATUS_PORT..) {
        // One that cannot be read has its number all the same.
        if let Some(proxy) = proxy {
            doors.push((proxy, proxy_claims((name, proxy), status)));
        }
    }
    doors
}

/// The door of a proxy, where it redirects, and its status page. What it says of them and could
/// not be read claims nothing: the default is not what was meant.
fn proxy_claims<'t>(
    (name, proxy): (&'t Spanned<ProxyName>, &'t Proxy),
    status: u16,
) -> Vec<Claim<'t>> {
    let claim = |key: &'static str, at: SocketAddr, written: Option<Span>| {
        Some(Claim {
            space: Space::Ports,
            ip: Some(at.ip()),
            ports: PortRange::single(Port::from_number(at.port())?),
            span: written.unwrap_or(name.span),
            owner: Owner::Proxy {
                name: name.value.as_str(),
                key,
                is_written: written.is_some(),
                has_names: proxy.server_name.is_some(),
            },
        })
    };
    let listens = |key: &'static str, listen: Listen, written: Option<Span>| {
        let sockets = listen.sockets().into_iter();
        sockets.filter_map(move |at| claim(key, at, written))
    };
    let tls = proxy.tls.as_ref();
    let written = proxy.listen.as_ref().map(|l| l.span);
    let has_door = written.is_some()
        || !(proxy.is_unsure_of(&["listen"]) || (tls.is_none() && proxy.is_unsure_of(&["tls"])));
    let door = has_door.then(|| listens("listen", proxy.door(), written));
    let written = tls.and_then(|t| t.http_port.as_ref()).map(|l| l.span);
    let has_redirect =
        written.is_some() || (has_door && !tls.is_some_and(|t| t.is_unsure_of(&["http_port"])));
    let redirect = proxy.redirect().filter(|_| has_redirect);
    let redirect = redirect.map(|listen| listens("http_port", listen, written));
    let written = proxy.status_port.as_ref();
    let has_page = written.is_some() || !proxy.is_unsure_of(&["status_port"]);
    let port = written.map_or(status, |s| s.value.number());
    let page = SocketAddr::new(default::STATUS_IP, port);
    let page = claim("status_port", page, written.map(|s| s.span)).filter(|_| has_page);
    let doors = door.into_iter().flatten();
    doors
        .chain(redirect.into_iter().flatten())
        .chain(page)
        .collect()
}
