//! What the monitor of a host does.

use serde::{Deserialize, Serialize};

use crate::{Endpoint, HealthCheck};

/// What the monitor of a host does.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Monitor {
    /// Its service unit.
    pub unit: String,
    /// Directory of its status files (`RuntimeDirectory=`): `POOL.json` for each pool.
    pub runtime_directory: String,
    /// Pools whose instances it probes.
    pub pools: Vec<ProbedPool>,
}

/// A pool whose app has no systemd watchdog.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProbedPool {
    /// Name of the pool.
    pub name: String,
    /// Its health check.
    pub probe: Probe,
    /// Its instances on this host.
    pub instances: Vec<Instance>,
}

/// A health check, and when it runs.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// The request and the status of a healthy response.
    pub check: HealthCheck,
    /// Time limit of one check, in milliseconds.
    pub timeout_ms: u64,
    /// Time from the end of one check to the start of the next, in milliseconds.
    pub interval_ms: u64,
    /// Time that an instance has from its start to its first successful check, in milliseconds.
    pub ready_timeout_ms: u64,
}

/// An instance of a pool.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// Its service unit.
    pub unit: String,
    /// The socket unit that systemd passes to it; `None` if the app binds its port.
    pub socket: Option<String>,
    /// Where it accepts connections.
    pub endpoint: Endpoint,
}
