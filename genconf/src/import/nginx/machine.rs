//! Machines, which become hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::import::naming::Names;
use crate::import::plan::HostPlan;
use crate::import::ports::FIRST;
use crate::source::Position;

/// Where an instance is.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Machine {
    /// The proxy's own host: loopback, a unix socket, a container's bare name.
    Own,
    /// A machine with this address, or this name.
    Other(String),
}

/// A host for the proxy and one for each other machine.
pub(super) fn hosts(machines: &BTreeSet<Machine>) -> (Vec<HostPlan>, BTreeMap<Machine, String>) {
    let mut names = Names::default();
    // Ansible gives these a meaning of its own.
    names.give("all", "all");
    names.give("localhost", "localhost");
    let known = |machine: &Machine| match machine {
        Machine::Own => None,
        Machine::Other(text) => text.parse::<IpAddr>().ok(),
    };
    let taken: BTreeSet<_> = machines.iter().filter_map(known).collect();
    let numbers =
        (56..=255_u8).flat_map(|c| (11..=250_u8).map(move |d| IpAddr::from([192, 168, c, d])));
    let mut made_up = numbers.filter(|ip| !taken.contains(ip));
    let (mut hosts, mut called) = (Vec::new(), BTreeMap::new());
    let others = machines.iter().filter(|m| **m != Machine::Own);
    for machine in std::iter::once(&Machine::Own).chain(others) {
        let name = match machine {
            Machine::Own => names.give("node1", "node"),
            Machine::Other(_) if known(machine).is_some() => names.give("node", "node"),
            Machine::Other(text) => names.give(text.split('.').next().unwrap_or(text), "node"),
        };
        let written = known(machine);
        let address = written
            .or_else(|| made_up.next())
            .map(|ip| ip.to_string())
            .unwrap_or_default();
        hosts.push(HostPlan {
            name: name.clone(),
            address,
            cpus: None,
            guess: written.is_none(),
        });
        called.insert(machine.clone(), name);
    }
    (hosts, called)
}

/// An instance as nginx names it.
#[derive(Clone, Debug)]
pub(super) struct Server {
    /// As it is written.
    pub(super) raw: String,
    /// Where that is.
    pub(super) place: Position,
    /// Its host as written; one word for all names of loopback.
    pub(super) name: String,
    /// The machine it is on.
    pub(super) machine: Machine,
    /// Its port, where that is one an app can have.
    pub(super) port: Option<u16>,
}

impl Server {
    /// Reads `host:port`, `[v6]:port` or `unix:path`.
    pub(super) fn read(raw: &str, place: Position) -> Self {
        let (name, port) = match raw.rsplit_once(':') {
            _ if raw.starts_with("unix:") => (raw, None),
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
                (host, port.parse().ok())
            }
            _ => (raw, None),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let address: Option<IpAddr> = name.parse().ok();
        let own = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified() || ip.is_multicast();
        let loopback = name == "localhost" || address.is_some_and(own);
        let bare = raw.starts_with("unix:") || (address.is_none() && !name.contains('.'));
        Self {
            raw: raw.to_owned(),
            place,
            name: if loopback { "localhost" } else { name }.to_owned(),
            machine: if loopback || bare {
                Machine::Own
            } else {
                Machine::Other(name.to_owned())
            },
            port: port.filter(|p| *p >= FIRST),
        }
    }

    /// The port to look for a free one from.
    pub(super) fn wanted(&self) -> u16 {
        self.port.unwrap_or(if self.raw.starts_with("unix:") {
            8000
        } else {
            8080
        })
    }
}
