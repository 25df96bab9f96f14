//! Probes one pool.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Endpoint, Instance, PoolStatus, ProbedPool};
use tokio::task::JoinSet;

use super::instance::{Process, Standing, Tracker};
use crate::health_check::{Checker, Failure};
use crate::systemd::{Activity, Error, Systemd};

/// A pool and the history of its instances.
pub(super) struct PoolMonitor {
    spec: ProbedPool,
    trackers: BTreeMap<String, Tracker>,
    /// Addresses of sockets, as systemd reported them.
    endpoints: BTreeMap<String, Endpoint>,
    status: PoolStatus,
    /// Whether the last round could not query systemd.
    has_query_failed: bool,
}

/// What a round needs of the host.
pub(super) struct Environment<'e, S, C> {
    pub(super) systemd: &'e S,
    pub(super) checker: &'e C,
    /// `CLOCK_MONOTONIC`, in microseconds.
    pub(super) now_us: &'e (dyn Fn() -> u64 + Sync),
}

/// An instance that failed a check.
struct Failed<'p> {
    instance: &'p Instance,
    standing: Standing,
    reason: Failure,
}

impl PoolMonitor {
    pub(super) fn new(spec: ProbedPool) -> Self {
        Self {
            spec,
            trackers: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            status: PoolStatus::default(),
            has_query_failed: false,
        }
    }

    pub(super) fn spec(&self) -> &ProbedPool {
        &self.spec
    }

    /// Latest checks.
    pub(super) fn status(&self) -> &PoolStatus {
        &self.status
    }

    /// Checks every active instance once, and restarts at most one. Returns what to log.
    ///
    /// If systemd cannot be queried, nothing is checked: a connection to the socket of an inactive
    /// instance would start it.
    pub(super) async fn round<S, C>(&mut self, environment: Environment<'_, S, C>) -> Vec<String>
    where
        S: Systemd,
        C: Checker + Clone + Send + 'static,
    {
        let mut log = Vec::new();
        match self.try_round(&environment).await {
            Ok(lines) => {
                self.has_query_failed = false;
                log = lines;
            }
            // Once, not in every round.
            Err(error) if !self.has_query_failed => {
                self.has_query_failed = true;
                log.push(format!("{}: not probed: {error}", self.spec.name));
            }
            Err(_) => {}
        }
        self.status.rounds += 1;
        log
    }

    async fn try_round<S, C>(
        &mut self,
        environment: &Environment<'_, S, C>,
    ) -> Result<Vec<String>, Error>
    where
        S: Systemd,
        C: Checker + Clone + Send + 'static,
    {
        let Environment {
            systemd,
            checker,
            now_us,
        } = environment;
        let spec = self.spec.clone();
        let units: Vec<String> = spec.instances.iter().map(|i| i.unit.clone()).collect();
        let activity = systemd.activity(&units).await?;
        let is = |instance: &Instance, state| activity.get(&instance.unit) == Some(&state);
        let active = spec.instances.iter().filter(|i| is(i, Activity::Active));
        let mut checks = Vec::new();
        for instance in active {
            checks.push((instance, self.endpoint(*systemd, instance).await?));
        }
        // Before the checks: a process that starts during them has not passed one.
        let checked_at_us = now_us();
        let results = check_all(*checker, &spec, &checks).await;
        let mut failed = Vec::new();
        self.status.instances.clear();
        for ((instance, _), result) in checks.iter().zip(results) {
            match result {
                Ok(()) => self.tracker(&instance.unit).pass(checked_at_us),
                Err(reason) => {
                    let standing = self.fail(environment, instance).await?;
                    failed.push(Failed {
                        instance,
                        standing,
                        reason,
                    });
                }
            }
            let status = self.tracker(&instance.unit).status().clone();
            self.status.instances.insert(instance.unit.clone(), status);
        }
        let is_changing =
            |i: &Instance| is(i, Activity::Activating) || is(i, Activity::Deactivating);
        let mut changing = spec.instances.iter().filter(|i| is_changing(i));
        let now_us = now_us();
        if changing.any(|instance| self.was_restarted_recently(instance, now_us)) {
            return Ok(log_of(&failed, None));
        }
        Ok(self.restart_one(environment, &failed).await)
    }

    /// Whether the monitor has restarted an instance, which may still be starting.
    fn was_restarted_recently(&self, instance: &Instance, now_us: u64) -> bool {
        let ready_timeout = Duration::from_millis(self.spec.probe.ready_timeout_ms);
        let tracker = self.trackers.get(&instance.unit);
        tracker.is_some_and(|tracker| tracker.was_restarted_within(ready_timeout, now_us))
    }

    /// The address of an instance: of its socket, where that listens now.
    async fn endpoint<S: Systemd>(
        &mut self,
        systemd: &S,
        instance: &Instance,
    ) -> Result<Endpoint, Error> {
        let Some(socket) = &instance.socket else {
            return Ok(instance.endpoint.clone());
        };
        if let Some(endpoint) = self.endpoints.get(socket) {
            return Ok(endpoint.clone());
        }
        let endpoint = systemd.listen(socket).await?;
        let endpoint = endpoint.unwrap_or_else(|| instance.endpoint.clone());
        self.endpoints.insert(socket.clone(), endpoint.clone());
        Ok(endpoint)
    }

    /// Records a failed check.
    async fn fail<S: Systemd, C>(
        &mut self,
        environment: &Environment<'_, S, C>,
        instance: &Instance,
    ) -> Result<Standing, Error> {
        if let Some(socket) = &instance.socket {
            // It may have moved: the next round queries its address.
            self.endpoints.remove(socket);
        }
        let process = Process {
            started_at_us: environment.systemd.started_at_us(&instance.unit).await?,
            ready_timeout: Duration::from_millis(self.spec.probe.ready_timeout_ms),
        };
        let now_us = (environment.now_us)();
        Ok(self.tracker(&instance.unit).fail(now_us, process))
    }

    /// Restarts the instance that has failed for longest, unless another one is starting: if all fail
    /// because of load, restarting them at once would leave none to serve.
    async fn restart_one<S: Systemd, C>(
        &mut self,
        environment: &Environment<'_, S, C>,
        failed: &[Failed<'_>],
    ) -> Vec<String> {
        let is_any_starting = failed.iter().any(|f| f.standing == Standing::Starting);
        let worst = failed
            .iter()
            .rev()
            .filter_map(|f| match f.standing {
                Standing::Failing {
                    failures,
                    is_due: true,
                } if !is_any_starting => Some((failures, f.instance)),
                _ => None,
            })
            .max_by_key(|(failures, _)| *failures)
            .map(|(_, instance)| instance);
        let mut log = log_of(failed, worst);
        if let Some(instance) = worst {
            // It hangs, so that it would not handle SIGTERM. systemd starts it again (`Restart=always`).
            if let Err(error) = environment.systemd.kill(&instance.unit).await {
                log.push(format!("{}: not restarted: {error}", instance.unit));
            }
            // In either case: the next attempt waits, and another instance that hangs is restarted first.
            self.tracker(&instance.unit)
                .restarted((environment.now_us)());
        }
        log
    }

    fn tracker(&mut self, unit: &str) -> &mut Tracker {
        self.trackers.entry(unit.to_owned()).or_default()
    }
}

/// What to log of failed checks, of which that of `restarted` leads to a restart.
fn log_of(failed: &[Failed<'_>], restarted: Option<&Instance>) -> Vec<String> {
    let is_restarted = |f: &Failed| restarted.is_some_and(|it| it.unit == f.instance.unit);
    let lines = failed.iter().filter_map(|f| line(f, is_restarted(f)));
    lines.collect()
}

/// What to log of a failed check: the first one in a row, and the one that leads to a restart.
fn line(failed: &Failed<'_>, is_restarted: bool) -> Option<String> {
    let Standing::Failing { failures, .. } = failed.standing else {
        return None;
    };
    let Failed {
        instance, reason, ..
    } = failed;
    let unit = &instance.unit;
    match (failures, is_restarted) {
        (_, true) => Some(format!(
            "{unit} failed the health check {failures} times, restarted: {reason}"
        )),
        (1, false) => Some(format!("{unit} failed the health check: {reason}")),
        (_, false) => None,
    }
}

/// Checks all instances at the same time. The results are in the order of `checks`.
async fn check_all<C>(
    checker: &C,
    spec: &ProbedPool,
    checks: &[(&Instance, Endpoint)],
) -> Vec<Result<(), Failure>>
where
    C: Checker + Clone + Send + 'static,
{
    let timeout = Duration::from_millis(spec.probe.timeout_ms);
    let mut tasks = JoinSet::new();
    for (index, (_, endpoint)) in checks.iter().enumerate() {
        let (checker, endpoint) = (checker.clone(), endpoint.clone());
        let check = spec.probe.check.clone();
        tasks.spawn(async move { (index, checker.check(&endpoint, &check, timeout).await) });
    }
    let mut results = tasks.join_all().await;
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests;
