//! A pool's own keys, taken together.

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::topology::Topology;
use crate::topology::choice::Mode;

/// Ports below 1024 belong to proxies.
pub(super) fn ports_are_unprivileged(topology: &Topology, faults: &mut Diagnostics) {
    for (name, pool) in topology.pools.iter() {
        for range in pool.ports.iter() {
            let Some(port) = range.value.ports().find(|p| p.number() < 1024) else {
                continue;
            };
            let said = format!(
                "`{}` asks for the privileged port {}",
                name.value.as_str(),
                port.number()
            );
            faults.push(
                Diagnostic::error(Code::PrivilegedPort, range.span, said)
                    .help("give the app a port from 1024 on and let a proxy listen on the low one"),
            );
        }
    }
}

/// A fork pool has one process for each port.
pub(super) fn workers_belong_to_clusters(topology: &Topology, faults: &mut Diagnostics) {
    for (_, pool) in topology.pools.iter() {
        let fork = pool.mode.as_ref().is_none_or(|m| m.value == Mode::Fork);
        let (Some(workers), true) = (&pool.workers, fork) else {
            continue;
        };
        let said = "a fork pool has one process for each port, not workers";
        let diagnostic = Diagnostic::error(Code::Contradiction, workers.span, said)
            .help("write `mode: cluster`, or give it more `ports`");
        faults.push(match &pool.mode {
            Some(mode) => diagnostic.also(mode.span, "fork here"),
            None => diagnostic,
        });
    }
}
