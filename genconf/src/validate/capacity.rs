//! Rules for the memory, the CPUs, and the number of instances of hosts.

use super::pool::is_supervised_by_app;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Span, Spanned};
use crate::topology::choice::{Mode, Workers};
use crate::topology::name::HostName;
use crate::topology::quantity::ByteSize;
use crate::topology::{Host, Pool, Topology, default};

/// Maximum number of instances of one host.
const MAX_ON_A_HOST: u64 = 10_000;
/// Maximum number of instances of all hosts.
const MAX_IN_TOTAL: u64 = 1_000_000;

/// The number of instances is limited.
pub(super) fn instances_are_limited(topology: &Topology, diagnostics: &mut Diagnostics) {
    let mut total = 0_u64;
    for (name, host) in topology.hosts.iter() {
        let mut here = 0_u64;
        for (_, pool) in topology
            .pools
            .iter()
            .filter(|(_, p)| p.runs_on_host(&name.value))
        {
            let more = instances(pool, host);
            (here, total) = (here.saturating_add(more), total.saturating_add(more));
            let Some(range) = pool
                .ports
                .first()
                .filter(|_| here > MAX_ON_A_HOST || total > MAX_IN_TOTAL)
            else {
                continue;
            };
            let message = if here > MAX_ON_A_HOST {
                format!(
                    "host `{}` must have at most {MAX_ON_A_HOST} instances, found {here}",
                    name.value.as_str()
                )
            } else {
                format!("all hosts must have at most {MAX_IN_TOTAL} instances, found {total}")
            };
            let help = "use fewer ports or workers: `ports: [8080-8083]`, `workers: 2`";
            let code = Code::TooManyInstances;
            diagnostics.push(Diagnostic::error(code, range.span, message, help));
            return;
        }
    }
}

/// The memory limits of all instances of a host fit in its memory, if both are set.
pub(super) fn memory_fits(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (name, host) in topology.hosts.iter() {
        let Some(memory) = &host.memory else {
            continue;
        };
        let needed = needed_memory(topology, &name.value, host);
        if needed <= memory.value.bytes() {
            continue;
        }
        let needed = ByteSize::from_bytes(needed);
        let message = format!(
            "the instances of host `{}` must use at most `{}` of memory, found `{needed}`",
            name.value.as_str(),
            memory.value
        );
        let help = format!(
            "raise the memory of the host: `memory: {needed}`, or lower `memory` or `ports`"
        );
        let code = Code::HostTooSmall;
        let mut diagnostic = Diagnostic::error(code, memory.span, message, help);
        for (_, app) in topology.apps.iter() {
            if let Some(limit) = &app.memory {
                diagnostic = diagnostic.also(limit.span, "limit of each instance");
            }
        }
        diagnostics.push(diagnostic);
    }
}

/// A port does not have more workers than its host has CPUs. A warning, because workers that wait
/// for I/O can exceed it.
pub(super) fn workers_fit_cpus(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (_, pool) in topology.pools.iter() {
        let Some((workers, count)) = pool.workers.as_ref().and_then(fixed_number) else {
            continue;
        };
        let small = topology.hosts.iter().find_map(|(name, host)| {
            let cpus = host.cpus.as_ref()?;
            (pool.runs_on_host(&name.value) && count > cpus.value.number())
                .then_some((&name.value, cpus))
        });
        let Some((name, cpus)) = small else {
            continue;
        };
        let message = format!(
            "`workers` should be at most {} on host `{}`, found {count}",
            cpus.value.number(),
            name.as_str()
        );
        let help = "use one worker per CPU: `workers: max`";
        diagnostics.push(
            Diagnostic::warning(Code::TooManyWorkers, workers, message, help)
                .also(cpus.span, "CPUs of the host"),
        );
    }
}

fn fixed_number(workers: &Spanned<Workers>) -> Option<(Span, u16)> {
    match workers.value {
        Workers::Count(count) => Some((workers.span, count)),
        Workers::Max => None,
    }
}

fn needed_memory(topology: &Topology, name: &HostName, host: &Host) -> u64 {
    let pools = topology.pools.iter().filter(|(_, p)| p.runs_on_host(name));
    pools.fold(0_u64, |sum, (_, pool)| {
        let app = topology.apps.get(&pool.app.value);
        let limit = app
            .and_then(|a| a.memory.as_ref())
            .map_or(0, |m| m.value.bytes());
        sum.saturating_add(limit.saturating_mul(instances(pool, host)))
    })
}

/// The number of instances of `pool` on `host`; 0 if a key that determines it is invalid.
fn instances(pool: &Pool, host: &Host) -> u64 {
    let is_fixed = matches!(&pool.workers, Some(w) if fixed_number(w).is_some());
    let is_unknown = pool.has_invalid(&["mode", "workers", "supervisor"]);
    if is_unknown || (host.has_invalid(&["cpus"]) && !is_fixed) {
        return 0;
    }
    let ports = pool.ports.iter().map(|r| r.value.count()).sum::<u64>();
    let cluster = pool.mode.as_ref().is_some_and(|m| m.value == Mode::Cluster);
    let cpus = host
        .cpus
        .as_ref()
        .map_or(default::CPUS, |c| c.value.number());
    match pool.workers.as_ref().map(|w| w.value) {
        // The app and its workers are one unit with one limit.
        _ if !cluster || is_supervised_by_app(pool) => ports,
        Some(Workers::Count(count)) => ports * u64::from(count),
        Some(Workers::Max) | None => ports * u64::from(cpus),
    }
}
