//! The monitor of each host: the instances that it probes.

use model::{Endpoint, Instance, Monitor, Probe, ProbedPool};
use serde::Serialize;

use super::host_spec::health_check;
use super::naming;
use super::pool::Pool;

/// The unit of the monitor.
#[derive(Clone, Debug, Serialize)]
pub struct MonitorUnit {
    /// Stem of its name, and name of its runtime directory: `randoms-monitor`.
    pub unit: String,
    /// Path of its [`model::HostSpec`] on every host.
    pub spec: String,
}

/// The unit that probes `pools`; `None` if none is probed.
pub(super) fn unit(project: &str, pools: &[Pool]) -> Option<MonitorUnit> {
    pools.iter().any(is_probed).then(|| MonitorUnit {
        unit: naming::monitor(project),
        spec: naming::spec(project),
    })
}

/// Whether the health of the instances of a pool is probed, because they have no watchdog.
fn is_probed(pool: &Pool) -> bool {
    pool.app.health_type == "probe"
}

/// The service that probes these pools of a host; `None` if none is probed.
pub(super) fn service(project: &str, pools: &[&Pool]) -> Option<String> {
    let is_any_probed = pools.iter().any(|pool| is_probed(pool));
    is_any_probed.then(|| naming::service(&naming::monitor(project)))
}

/// What the monitor of a host does. `endpoint` is the address of an instance on that host.
pub(super) fn resolve(
    project: &str,
    pools: &[&Pool],
    endpoint: impl Fn(&Pool, u16) -> Endpoint,
) -> Option<Monitor> {
    let unit = service(project, pools)?;
    let probed = pools.iter().filter(|pool| is_probed(pool));
    let pools: Vec<ProbedPool> = probed
        .map(|pool| ProbedPool {
            name: pool.name.clone(),
            probe: probe(pool),
            instances: pool
                .ports
                .iter()
                .map(|port| instance(pool, *port, endpoint(pool, *port)))
                .collect(),
        })
        .collect();
    Some(Monitor {
        unit,
        runtime_directory: format!("/run/{}", naming::monitor(project)),
        pools,
    })
}

fn probe(pool: &Pool) -> Probe {
    let app = &pool.app;
    Probe {
        check: health_check(pool),
        timeout_ms: app.health_timeout_ms,
        interval_ms: app.health_interval_ms,
        ready_timeout_ms: app.ready_timeout_seconds * 1_000,
    }
}

/// An instance with its own port: validation rejects a probe for workers that share one.
fn instance(pool: &Pool, port: u16, endpoint: Endpoint) -> Instance {
    let has_socket = pool.socket_owner == "systemd";
    Instance {
        unit: format!("{}@{port}.service", pool.unit),
        socket: has_socket.then(|| naming::port_socket(&pool.unit, &port.to_string())),
        endpoint,
    }
}
