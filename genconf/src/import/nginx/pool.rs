//! Upstreams, as apps and pools.

use std::collections::BTreeSet;

use super::machine::hosts;
use super::upstream::{Upstream, Upstreams};
use crate::import::plan::{AppPlan, HostPlan, PoolPlan, Sharing};
use crate::topology::choice::Runtime;

impl Upstreams {
    /// What is printed of them.
    pub(super) fn plan(&self) -> (Vec<HostPlan>, Vec<AppPlan>, Vec<PoolPlan>) {
        let used = || self.list.iter().filter_map(|u| Some((u, u.pool.clone()?)));
        let machines: BTreeSet<_> = used()
            .flat_map(|(u, _)| u.servers.iter().map(|(m, _)| m.clone()))
            .collect();
        let (hosts, names) = hosts(&machines);
        let app = |(_, name): (&Upstream, String)| {
            let mut app = AppPlan::new(name.clone(), name, Runtime::Native);
            app.about = vec!["What answers there, nginx does not say: name the file, and `runtime: node` for JavaScript".to_owned()];
            app
        };
        let pool = |(upstream, name): (&Upstream, String)| {
            let on: BTreeSet<_> = upstream.servers.iter().map(|(m, _)| m).collect();
            let ports: BTreeSet<_> = upstream.servers.iter().map(|(_, port)| *port).collect();
            let mut about = vec![format!("In nginx: {}.", upstream.raw)];
            if upstream.servers.len() < on.len() * ports.len() {
                about.push(
                    "Each host has every port: a pool is the same on all of its hosts.".to_owned(),
                );
            }
            PoolPlan {
                name: name.clone(),
                about,
                app: name,
                sharing: Sharing::Fork,
                hosts: if hosts.len() > 1 {
                    on.iter().map(|m| names[*m].clone()).collect()
                } else {
                    Vec::new()
                },
                ports: ports.into_iter().collect(),
            }
        };
        let (apps, pools) = (used().map(app).collect(), used().map(pool).collect());
        (hosts, apps, pools)
    }
}
