//! Addresses of hosts, side by side.

use std::collections::HashMap;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::topology::Topology;

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

/// Where there are several hosts each is reached by the others. One host may be the machine
/// that renders.
pub(super) fn addresses_are_reached(topology: &Topology, faults: &mut Diagnostics) {
    if topology.hosts.names().count() < 2 {
        return;
    }
    for (name, host) in topology.hosts.iter() {
        let address = &host.address;
        if !address.value.is_near() {
            continue;
        }
        let said = format!(
            "the other hosts do not reach `{}` at {}",
            name.value.as_str(),
            address.value.ip()
        );
        faults.push(
            Diagnostic::error(Code::Unreachable, address.span, said).help(
                "write an address of the network they share, such as 192.168.56.11; this one leads each host to itself or to its own wire",
            ),
        );
    }
}
