//! Rules for addresses of hosts.

use std::collections::HashMap;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::topology::Topology;

/// Hosts have different addresses.
pub(super) fn addresses_are_distinct(topology: &Topology, diagnostics: &mut Diagnostics) {
    let mut seen = HashMap::new();
    for (name, host) in topology.hosts.iter() {
        let address = &host.address;
        let Some((first, span)) = seen.insert(address.value, (&name.value, address.span)) else {
            continue;
        };
        let ip = address.value.ip();
        let message = format!(
            "address `{ip}` is used by hosts `{}` and `{}`",
            first.as_str(),
            name.value.as_str()
        );
        let help = format!(
            "set the address of host `{}`, or remove the host",
            name.value.as_str()
        );
        diagnostics.push(
            Diagnostic::error(Code::AddressClash, address.span, message, help)
                .label("used again here")
                .also(span, "first used here"),
        );
    }
}

/// With several hosts each address is reachable from the others. A single host can be the machine
/// that runs genconf.
pub(super) fn addresses_are_reachable(topology: &Topology, diagnostics: &mut Diagnostics) {
    if topology.hosts.names().count() < 2 {
        return;
    }
    for (name, host) in topology.hosts.iter() {
        let address = &host.address;
        if !address.value.is_local() {
            continue;
        }
        let message = format!(
            "host `{}` must have an address that other hosts can reach, found `{}`",
            name.value.as_str(),
            address.value.ip()
        );
        let help = "use an address of a network that all hosts share: `address: 192.168.56.11`";
        let code = Code::Unreachable;
        diagnostics.push(Diagnostic::error(code, address.span, message, help));
    }
}
