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
        let mut changing = spec.instances.iter().filter(|i| is(i, Activity::Changing));
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
            // It may have moved: the next round asks again.
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
            // In either case, so that another attempt waits and other instances have their turn.
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
mod tests {
    use std::cell::Cell;
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};

    use model::{HealthCheck, Probe};

    use super::*;
    use crate::systemd::fake::FakeSystemd;

    const SECOND: u64 = 1_000_000;
    const UNITS: [&str; 3] = ["a@1.service", "a@2.service", "a@3.service"];

    /// Fails for the endpoints in `hung`, and lists the endpoints that it checked.
    #[derive(Clone, Default)]
    struct FakeChecker {
        hung: Arc<Mutex<BTreeSet<String>>>,
        checked: Arc<Mutex<BTreeSet<String>>>,
    }

    impl Checker for FakeChecker {
        async fn check(
            &self,
            endpoint: &Endpoint,
            _: &HealthCheck,
            _: Duration,
        ) -> Result<(), Failure> {
            let endpoint = endpoint.to_string();
            self.checked.lock().unwrap().insert(endpoint.clone());
            if self.hung.lock().unwrap().contains(&endpoint) {
                Err(Failure::new("timed out"))
            } else {
                Ok(())
            }
        }
    }

    /// A pool of three instances, of which two run since a minute and have passed a check.
    struct Fixture {
        pool: PoolMonitor,
        systemd: FakeSystemd,
        checker: FakeChecker,
        now: Cell<u64>,
    }

    fn endpoint(number: usize) -> String {
        format!("127.0.0.1:808{number}")
    }

    fn pool() -> ProbedPool {
        let instance = |(unit, number): (&&str, usize)| Instance {
            unit: (*unit).to_owned(),
            socket: Some(format!("a-port@{number}.socket")),
            endpoint: endpoint(number).parse().unwrap(),
        };
        ProbedPool {
            name: "a".to_owned(),
            probe: Probe {
                check: HealthCheck {
                    path: "/".to_owned(),
                    host: "localhost".to_owned(),
                    status: "200-299".to_owned().try_into().unwrap(),
                },
                timeout_ms: 2_000,
                interval_ms: 1_000,
                ready_timeout_ms: 30_000,
            },
            instances: UNITS.iter().zip(1..).map(instance).collect(),
        }
    }

    impl Fixture {
        async fn new() -> Self {
            let mut fixture = Self {
                pool: PoolMonitor::new(pool()),
                systemd: FakeSystemd::default(),
                checker: FakeChecker::default(),
                now: Cell::new(100 * SECOND),
            };
            for unit in &UNITS[..2] {
                fixture.systemd.start(unit, 40 * SECOND);
            }
            assert_eq!(fixture.round().await, Vec::<String>::new());
            fixture
        }

        fn hang(&self, numbers: &[usize]) {
            *self.checker.hung.lock().unwrap() = numbers.iter().map(|n| endpoint(*n)).collect();
        }

        /// A round of checks, one second after the last one.
        async fn round(&mut self) -> Vec<String> {
            self.now.set(self.now.get() + SECOND);
            self.checker.checked.lock().unwrap().clear();
            let now = self.now.get();
            let environment = Environment {
                systemd: &self.systemd,
                checker: &self.checker,
                now_us: &|| now,
            };
            self.pool.round(environment).await
        }

        fn restart(&self, unit: &str) {
            self.systemd.start(unit, self.now.get());
        }

        fn killed(&self) -> Vec<String> {
            self.systemd.take_killed()
        }
    }

    #[tokio::test]
    async fn two_failed_checks_in_a_row_are_a_hang() {
        let mut fixture = Fixture::new().await;
        fixture.hang(&[1]);
        let expected = "a@1.service failed the health check: timed out";
        assert_eq!(fixture.round().await, [expected]);
        assert_eq!(fixture.killed(), Vec::<String>::new());
        let expected = "a@1.service failed the health check 2 times, restarted: timed out";
        assert_eq!(fixture.round().await, [expected]);
        assert_eq!(fixture.killed(), ["a@1.service"]);
    }

    #[tokio::test]
    async fn a_passed_check_resets_the_count() {
        let mut fixture = Fixture::new().await;
        for hung in [&[1][..], &[], &[1]] {
            fixture.hang(hung);
            fixture.round().await;
        }
        assert_eq!(fixture.killed(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn one_is_restarted_at_a_time() {
        let mut fixture = Fixture::new().await;
        fixture.hang(&[1, 2]);
        fixture.round().await;
        fixture.round().await;
        assert_eq!(fixture.killed(), ["a@1.service"]);
        // While systemd starts the first one again, and until it passes, the second one is left alone.
        fixture.round().await;
        assert_eq!(fixture.killed(), Vec::<String>::new());
        fixture.restart("a@1.service");
        for _ in 0..3 {
            fixture.round().await;
            assert_eq!(fixture.killed(), Vec::<String>::new());
        }
        fixture.hang(&[2]);
        fixture.round().await;
        assert_eq!(fixture.killed(), ["a@2.service"]);
    }

    #[tokio::test]
    async fn an_instance_that_never_passed_has_its_start_timeout() {
        let mut fixture = Fixture::new().await;
        fixture.restart("a@3.service");
        fixture.hang(&[3]);
        let mut seconds = 0;
        while fixture.killed().is_empty() {
            fixture.round().await;
            seconds += 1;
        }
        assert_eq!(seconds, 31);
    }

    #[tokio::test]
    async fn failures_count_for_the_process_that_failed() {
        let mut fixture = Fixture::new().await;
        fixture.hang(&[1]);
        fixture.round().await;
        // Another process, which has not passed a check: it has its start timeout.
        fixture.restart("a@1.service");
        fixture.round().await;
        fixture.round().await;
        assert_eq!(fixture.killed(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_process_that_replaced_another_between_two_rounds_is_found_as_fast() {
        let mut fixture = Fixture::new().await;
        fixture.restart("a@1.service");
        fixture.round().await;
        fixture.hang(&[1]);
        fixture.round().await;
        fixture.round().await;
        assert_eq!(fixture.killed(), ["a@1.service"]);
    }

    #[tokio::test]
    async fn a_socket_that_moved_is_checked_where_it_listens() {
        let mut fixture = Fixture::new().await;
        let moved = "/run/shop/a-1.sock";
        fixture
            .systemd
            .bind("a-port@1.socket", moved.parse().unwrap());
        // The old address fails once; from then on the new one is checked.
        fixture.hang(&[1]);
        fixture.round().await;
        fixture.round().await;
        assert!(fixture.checker.checked.lock().unwrap().contains(moved));
        assert_eq!(fixture.killed(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn an_inactive_instance_is_not_checked() {
        let mut fixture = Fixture::new().await;
        fixture.systemd.stop("a@2.service");
        fixture.round().await;
        let checked = fixture.checker.checked.lock().unwrap().clone();
        assert_eq!(checked, BTreeSet::from([endpoint(1)]));
        let status = fixture.pool.status();
        assert_eq!(status.instances.keys().collect::<Vec<_>>(), ["a@1.service"]);
    }

    #[tokio::test]
    async fn a_query_that_fails_restarts_nothing_and_is_logged_once() {
        let mut fixture = Fixture::new().await;
        fixture.hang(&[1]);
        fixture.systemd.set_unreachable(true);
        let expected = "a: not probed: systemd: activity: connection reset";
        assert_eq!(fixture.round().await, [expected]);
        assert_eq!(fixture.round().await, Vec::<String>::new());
        assert!(fixture.checker.checked.lock().unwrap().is_empty());
        fixture.systemd.set_unreachable(false);
        fixture.round().await;
        assert_eq!(fixture.killed(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn an_instance_that_does_not_start_again_holds_up_no_other_one_for_ever() {
        let mut fixture = Fixture::new().await;
        fixture.hang(&[1, 2]);
        let mut seconds = 0;
        while fixture.killed() != ["a@2.service"] {
            fixture.round().await;
            seconds += 1;
        }
        // Two failed checks, the start timeout of the first one, and a round.
        assert_eq!(seconds, 33);
    }

    #[tokio::test]
    async fn a_restart_that_fails_is_logged_and_tried_again_later() {
        let mut fixture = Fixture::new().await;
        fixture.hang(&[1]);
        fixture.systemd.refuse_kill();
        let mut lines = Vec::new();
        for _ in 0..5 {
            lines.extend(fixture.round().await);
        }
        let refused = lines
            .iter()
            .filter(|l| l.contains("not restarted: systemd: KillUnit"));
        assert_eq!(refused.count(), 2, "{lines:#?}");
    }

    #[tokio::test]
    async fn the_status_has_the_latest_check_of_each_instance() {
        let mut fixture = Fixture::new().await;
        fixture.hang(&[2]);
        fixture.round().await;
        let status = fixture.pool.status();
        assert_eq!(status.rounds, 2);
        assert_eq!(
            status.instances["a@1.service"].passed_at_us,
            Some(102 * SECOND)
        );
        assert_eq!(
            status.instances["a@2.service"].passed_at_us,
            Some(101 * SECOND)
        );
        assert_eq!(status.instances["a@2.service"].failures, 1);
    }
}
