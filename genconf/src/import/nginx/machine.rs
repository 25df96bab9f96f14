//! Machines, which become hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::import::naming::Names;
use crate::import::plan::HostPlan;

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

/// Whether an address is the proxy's own host.
pub(super) fn is_loopback(text: &str) -> bool {
    text.starts_with("localhost") || text.starts_with("127.") || text.starts_with("[::1]")
}

/// Machine and port of `host:port`, `[v6]:port` or `unix:path`.
pub(super) fn split(text: &str) -> (Machine, Option<u16>) {
    if text.starts_with("unix:") {
        return (Machine::Own, None);
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, port.parse().ok()),
        _ => (text, None),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address: Option<IpAddr> = host.parse().ok();
    let own = address.map_or(!host.contains('.'), |ip| {
        ip.is_loopback() || ip.is_unspecified() || ip.is_multicast()
    });
    (
        if own {
            Machine::Own
        } else {
            Machine::Other(host.to_owned())
        },
        port,
    )
}
