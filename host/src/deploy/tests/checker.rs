//! Health checks of services of the fake service manager.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use model::{Endpoint, HealthCheck};

use crate::health_check::{self, Checker};
use crate::host::Host;
use crate::systemd::fake::FakeSystemd;

/// Passes if the instance that the request reaches is healthy.
pub(crate) struct FakeChecker {
    systemd: Arc<FakeSystemd>,
    units: BTreeMap<String, Vec<String>>,
    requests: AtomicUsize,
}

impl FakeChecker {
    pub(super) fn new(host: &Host, systemd: &Arc<FakeSystemd>) -> Self {
        let mut units: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for instance in host.instances() {
            let endpoint = instance.endpoint.to_string();
            units
                .entry(endpoint)
                .or_default()
                .push(instance.unit.clone());
        }
        Self {
            systemd: systemd.clone(),
            units,
            requests: AtomicUsize::new(0),
        }
    }

    /// The number of requests since the last call.
    pub(crate) fn take_requests(&self) -> usize {
        self.requests.swap(0, Ordering::Relaxed)
    }
}

impl Checker for FakeChecker {
    async fn check(
        &self,
        endpoint: &Endpoint,
        _: &HealthCheck,
        _: Duration,
    ) -> Result<(), health_check::Failure> {
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut units = self.units[&endpoint.to_string()].clone();
        units.retain(|unit| self.systemd.state(unit).is_active());
        // Workers behind a shared socket accept in turn.
        let reached = units.get(request % units.len().max(1));
        if reached.is_some_and(|unit| self.systemd.is_healthy(unit)) {
            return Ok(());
        }
        Err(health_check::Failure::new("500 Internal Server Error"))
    }
}
