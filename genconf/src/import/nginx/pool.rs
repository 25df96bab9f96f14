//! Upstreams, as apps and pools.

use std::collections::{BTreeMap, BTreeSet};

use super::machine::{Machine, Server, hosts};
use super::upstream::{Upstream, Upstreams};
use crate::import::Note;
use crate::import::plan::{AppPlan, HostPlan, PoolPlan, Sharing};
use crate::import::ports::Ports;
use crate::topology::choice::Runtime;

/// Ports taken on each machine.
type Taken = BTreeMap<Machine, Ports>;

impl Upstreams {
    /// What is printed of them.
    pub(super) fn plan(
        &self,
        notes: &mut Vec<Note>,
    ) -> (Vec<HostPlan>, Vec<AppPlan>, Vec<PoolPlan>) {
        let used: Vec<_> = self
            .list
            .iter()
            .filter_map(|u| Some((u, u.pool.clone()?)))
            .collect();
        let machines = used.iter().flat_map(|(u, _)| u.servers.iter());
        let machines: BTreeSet<_> = machines.map(|s| s.machine.clone()).collect();
        let (hosts, names) = hosts(&machines);
        let mut taken = Taken::from([(Machine::Own, self.doors.clone())]);
        let (mut apps, mut pools) = (Vec::new(), Vec::new());
        for (upstream, name) in used {
            let mut app = AppPlan::new(name.clone(), name.clone(), Runtime::Native);
            let about = "What answers there, nginx does not say: name the file, and `runtime: node` for JavaScript";
            app.about = vec![about.to_owned()];
            apps.push(app);
            let on: BTreeSet<_> = upstream.servers.iter().map(|s| &s.machine).collect();
            let listed = on.iter().map(|m| names[*m].clone());
            pools.push(PoolPlan {
                name: name.clone(),
                about: vec![format!("In nginx: {}.", upstream.raw)],
                app: name,
                sharing: Sharing::Fork,
                hosts: if hosts.len() > 1 {
                    listed.collect()
                } else {
                    Vec::new()
                },
                ports: ports(upstream, &on, &mut taken, notes),
            });
        }
        (hosts, apps, pools)
    }
}

/// The ports of a pool, the same on all of its machines: those of the fullest
/// one, where they are free.
fn ports(
    upstream: &Upstream,
    on: &BTreeSet<&Machine>,
    taken: &mut Taken,
    notes: &mut Vec<Note>,
) -> Vec<u16> {
    let of = |machine: &Machine| -> Vec<&Server> {
        upstream
            .servers
            .iter()
            .filter(|s| s.machine == *machine)
            .collect()
    };
    let mut fullest = Vec::new();
    for servers in on.iter().map(|m| of(m)) {
        if servers.len() > fullest.len() {
            fullest = servers;
        }
    }
    let mut ports: Vec<u16> = Vec::new();
    for server in fullest {
        let mut from = server.wanted();
        // On one machine after the other, until all agree.
        while let Some(free) = on
            .iter()
            .filter_map(|m| taken.entry((*m).clone()).or_default().free(from))
            .max()
        {
            if free == from {
                break;
            }
            from = free;
        }
        for machine in on {
            taken.entry((*machine).clone()).or_default().take(from);
        }
        if server.port != Some(from) {
            notes.push(
                Note::changed(format!("`{}`", server.raw), format!("it has port {from}"))
                    .at(server.place),
            );
        }
        ports.push(from);
    }
    let differs = |s: &&Server| s.port.is_some_and(|p| !ports.contains(&p));
    for server in upstream
        .servers
        .iter()
        .filter(|s| on.len() > 1 && differs(s))
    {
        let why = "a pool has the same ports on all of its hosts";
        notes.push(Note::changed(format!("`{}`", server.raw), why).at(server.place));
    }
    ports.sort_unstable();
    ports
}
