//! Converts upstreams to hosts, apps, and pools.

use std::collections::{BTreeMap, BTreeSet};

use super::backend::{BackendHost, BackendServer, hosts};
use super::upstream::{Upstream, Upstreams};
use crate::import::Finding;
use crate::import::draft::{AppDraft, HostDraft, PoolDraft, PoolMode};
use crate::import::ports::Ports;
use crate::topology::choice::Runtime;

/// Ports in use on each host.
type Taken = BTreeMap<BackendHost, Ports>;

impl Upstreams {
    /// The hosts, apps, and pools of all used upstreams.
    pub(super) fn draft(
        &self,
        findings: &mut Vec<Finding>,
    ) -> (Vec<HostDraft>, Vec<AppDraft>, Vec<PoolDraft>) {
        let used: Vec<_> = self
            .list
            .iter()
            .filter_map(|u| Some((u, u.pool.clone()?)))
            .collect();
        let backend_hosts = used.iter().flat_map(|(u, _)| u.servers.iter());
        let backend_hosts: BTreeSet<_> = backend_hosts.map(|s| s.host.clone()).collect();
        let (hosts, names) = hosts(&backend_hosts);
        let mut taken = Taken::from([(BackendHost::Local, self.reserved_ports.clone())]);
        let (mut apps, mut pools) = (Vec::new(), Vec::new());
        for (upstream, name) in used {
            for server in &upstream.servers {
                let assumption = server.assumption.map(|reason| {
                    Finding::adjusted(format!("`{}`", server.raw), reason).at(server.position)
                });
                findings.extend(assumption);
            }
            let mut app = AppDraft::new(name.clone(), name.clone(), Runtime::Native);
            let comment = "Set the file to deploy, and `runtime: node` for JavaScript.";
            app.comments = vec![comment.to_owned()];
            apps.push(app);
            let on: BTreeSet<_> = upstream.servers.iter().map(|s| &s.host).collect();
            let listed = on.iter().map(|m| names[*m].clone());
            pools.push(PoolDraft {
                name: name.clone(),
                comments: vec![format!("In nginx: {}.", upstream.raw)],
                app: name,
                mode: PoolMode::Fork,
                hosts: if hosts.len() > 1 {
                    listed.collect()
                } else {
                    Vec::new()
                },
                ports: ports(upstream, &on, &mut taken, findings),
            });
        }
        (hosts, apps, pools)
    }
}

/// The ports of a pool, the same on every host: those of the host with the most servers, where free.
fn ports(
    upstream: &Upstream,
    on: &BTreeSet<&BackendHost>,
    taken: &mut Taken,
    findings: &mut Vec<Finding>,
) -> Vec<u16> {
    let of = |host: &BackendHost| -> Vec<&BackendServer> {
        upstream
            .servers
            .iter()
            .filter(|s| s.host == *host)
            .collect()
    };
    let mut longest = Vec::new();
    for servers in on.iter().map(|m| of(m)) {
        if servers.len() > longest.len() {
            longest = servers;
        }
    }
    let mut ports: Vec<u16> = Vec::new();
    for server in longest {
        let mut from = server.preferred_port();
        // Repeated until the port is free on every host.
        while let Some(free) = on
            .iter()
            .filter_map(|m| taken.entry((*m).clone()).or_default().first_free(from))
            .max()
        {
            if free == from {
                break;
            }
            from = free;
        }
        for host in on {
            taken.entry((*host).clone()).or_default().reserve(from);
        }
        if server.port != Some(from) {
            findings.push(
                Finding::adjusted(
                    format!("`{}`: port {from}", server.raw),
                    "the port is missing, reserved, or in use",
                )
                .at(server.position),
            );
        }
        ports.push(from);
    }
    let differs = |s: &&BackendServer| s.port.is_some_and(|p| !ports.contains(&p));
    for server in upstream
        .servers
        .iter()
        .filter(|s| on.len() > 1 && differs(s))
    {
        let reason = "a pool has the same ports on every host";
        findings.push(Finding::adjusted(format!("`{}`", server.raw), reason).at(server.position));
    }
    ports.sort_unstable();
    ports
}
