//! What the monitor of a host has observed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The latest checks of the instances of a pool: `POOL.json` in the monitor's runtime directory.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct PoolStatus {
    /// Rounds of checks since the monitor started.
    pub rounds: u64,
    /// Instances that were active in the latest round, by unit.
    pub instances: BTreeMap<String, InstanceStatus>,
}

/// The latest checks of one instance.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct InstanceStatus {
    /// Time of the latest successful check on `CLOCK_MONOTONIC`, in microseconds. An instance whose
    /// process started later has not passed a check yet.
    pub passed_at_us: Option<u64>,
    /// Failed checks in a row.
    pub failures: u32,
}
