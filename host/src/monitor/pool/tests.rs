//! Rounds of probes of one pool.

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

    /// Rounds, one each second, until this service and no other is killed.
    async fn seconds_until_killed(&mut self, service: &str) -> u32 {
        let mut seconds = 0;
        while self.killed() != [service] {
            self.round().await;
            seconds += 1;
        }
        seconds
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
    assert_eq!(fixture.seconds_until_killed("a@3.service").await, 31);
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
async fn an_instance_that_does_not_start_again_delays_others_by_its_start_timeout() {
    let mut fixture = Fixture::new().await;
    fixture.hang(&[1, 2]);
    // Two failed checks, the start timeout of the first one, and a round.
    assert_eq!(fixture.seconds_until_killed("a@2.service").await, 33);
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
