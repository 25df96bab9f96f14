//! What a host is asked to hold.

use super::pool::is_by_app;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Span, Spanned};
use crate::topology::choice::{Mode, Workers};
use crate::topology::name::HostName;
use crate::topology::quantity::ByteSize;
use crate::topology::{Host, Pool, Topology, default};

/// Instances one host may be given, and all hosts together: more is a slip of
/// the pen, and would be printed one by one.
const MOST_ON_A_HOST: u64 = 10_000;
const MOST_IN_ALL: u64 = 1_000_000;

/// A host has no more instances than anybody runs.
pub(super) fn instances_are_countable(topology: &Topology, faults: &mut Diagnostics) {
    let mut all = 0_u64;
    for (name, host) in topology.hosts.iter() {
        let mut here = 0_u64;
        for (_, pool) in topology
            .pools
            .iter()
            .filter(|(_, p)| p.is_surely_on(&name.value))
        {
            let more = instances(pool, host);
            (here, all) = (here.saturating_add(more), all.saturating_add(more));
            let Some(range) = pool
                .ports
                .first()
                .filter(|_| here > MOST_ON_A_HOST || all > MOST_IN_ALL)
            else {
                continue;
            };
            let said = if here > MOST_ON_A_HOST {
                format!(
                    "`{}` would run {here} instances; {MOST_ON_A_HOST} are the most",
                    name.value.as_str()
                )
            } else {
                format!("there would be {all} instances; {MOST_IN_ALL} are the most")
            };
            faults.push(
                Diagnostic::error(Code::TooManyInstances, range.span, said)
                    .help("lower `ports` or `workers`"),
            );
            return;
        }
    }
}

/// The bounds of all instances of a host fit its memory, where both are written.
pub(super) fn memory_fits(topology: &Topology, faults: &mut Diagnostics) {
    for (name, host) in topology.hosts.iter() {
        let Some(memory) = &host.memory else {
            continue;
        };
        let asked = asked(topology, &name.value, host);
        if asked <= memory.value.bytes() {
            continue;
        }
        let asked = ByteSize::from_bytes(asked);
        let said = format!(
            "`{}` has {}, its instances may use {asked}",
            name.value.as_str(),
            memory.value
        );
        let mut diagnostic = Diagnostic::error(Code::HostTooSmall, memory.span, said)
            .help("raise the host's `memory`, or lower the apps' or the number of instances");
        for (_, app) in topology.apps.iter() {
            if let Some(bound) = &app.memory {
                diagnostic = diagnostic.also(bound.span, "for each instance");
            }
        }
        faults.push(diagnostic);
    }
}

/// Workers of one port that outnumber the host's processors take turns: no
/// request is answered sooner. A warning, since workers that wait for a
/// database gain by it.
pub(super) fn workers_have_processors(topology: &Topology, faults: &mut Diagnostics) {
    for (_, pool) in topology.pools.iter() {
        let Some((workers, count)) = pool.workers.as_ref().and_then(counted) else {
            continue;
        };
        let small = topology.hosts.iter().find_map(|(name, host)| {
            let cpus = host.cpus.as_ref()?;
            (pool.is_surely_on(&name.value) && count > cpus.value.number())
                .then_some((&name.value, cpus))
        });
        let Some((name, cpus)) = small else {
            continue;
        };
        let number = cpus.value.number();
        let said = format!(
            "{count} workers on one port, and `{}` has processors for {number}",
            name.as_str()
        );
        faults.push(
            Diagnostic::warning(Code::HostTooSmall, workers, said)
                .also(cpus.span, "the processors")
                .help("`workers: max` is one for each processor"),
        );
    }
}

fn counted(workers: &Spanned<Workers>) -> Option<(Span, u16)> {
    match workers.value {
        Workers::Count(count) => Some((workers.span, count)),
        Workers::Max => None,
    }
}

fn asked(topology: &Topology, host: &HostName, machine: &Host) -> u64 {
    let pools = topology.pools.iter().filter(|(_, p)| p.is_surely_on(host));
    pools.fold(0_u64, |sum, (_, pool)| {
        let app = topology.apps.get(&pool.app.value);
        let bound = app
            .and_then(|a| a.memory.as_ref())
            .map_or(0, |m| m.value.bytes());
        sum.saturating_add(bound.saturating_mul(instances(pool, machine)))
    })
}

/// How many instances of `pool` run on `machine`; none where that could not be read.
fn instances(pool: &Pool, machine: &Host) -> u64 {
    let is_counted = matches!(&pool.workers, Some(w) if counted(w).is_some());
    let unsure = pool.is_unsure_of(&["mode", "workers", "supervisor"]);
    if unsure || (machine.is_unsure_of(&["cpus"]) && !is_counted) {
        return 0;
    }
    let ports = pool.ports.iter().map(|r| r.value.count()).sum::<u64>();
    let cluster = pool.mode.as_ref().is_some_and(|m| m.value == Mode::Cluster);
    let cpus = machine
        .cpus
        .as_ref()
        .map_or(default::CPUS, |c| c.value.number());
    match pool.workers.as_ref().map(|w| w.value) {
        // A master and its workers are one unit, with one bound.
        _ if !cluster || is_by_app(pool) => ports,
        Some(Workers::Count(count)) => ports * u64::from(count),
        Some(Workers::Max) | None => ports * u64::from(cpus),
    }
}
