//! Deploys of good and bad releases.

use std::time::Duration;

use super::super::{Options, verify};
use super::fixture::Fixture;
use super::spec::{self, service};
use crate::systemd::fake::Behavior;
use crate::systemd::{Exit, Systemd as _, Verb};

/// Exits again and again.
pub(super) fn exits() -> Behavior {
    Behavior {
        active_after: None,
        exits: Some((Duration::from_millis(100), 3)),
        is_healthy: false,
    }
}

/// Active, and not healthy.
pub(super) fn unhealthy() -> Behavior {
    Behavior {
        is_healthy: false,
        ..Behavior::good()
    }
}

/// Healthy after a second. The first instance exits after this time.
pub(super) fn first_exits_after(time: Duration) -> impl Fn(&str) -> Behavior + Send + 'static {
    move |unit| Behavior {
        active_after: Some(Duration::from_secs(1)),
        exits: (unit == service(0)).then_some((time, 3)),
        is_healthy: true,
    }
}

#[tokio::test(start_paused = true)]
async fn a_good_release_reaches_every_instance_one_at_a_time() {
    let host = Fixture::new();
    let old = host.deployed("v1").await;
    let good = host.admit("v2");
    host.requests();
    let outcome = host.deploy(&good).await.unwrap();
    host.assert_runs(&good);
    let expected: Vec<String> = (0..3).map(|n| format!("restart {}", service(n))).collect();
    assert_eq!(host.requests(), expected);
    assert_eq!(outcome.log, expected);
    assert!(outcome.is_change());
    let change = &outcome.moves[0];
    assert_eq!(change.previous.as_ref(), Some(&old));
    for n in 0..3 {
        let invocation = host.systemd.state(&service(n)).invocation;
        assert_eq!(change.touched[&service(n)], invocation);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_release_again_changes_nothing() {
    let host = Fixture::new();
    let good = host.deployed("v1").await;
    host.requests();
    let outcome = host.deploy(&good).await.unwrap();
    assert!(!outcome.is_change());
    assert_eq!(host.requests(), Vec::<String>::new());
}

/// Deploys a bad release over a good one; returns the failure.
async fn fails_at_the_first_instance(behavior: Behavior) -> String {
    let host = Fixture::new();
    let good = host.deployed("v1").await;
    let bad = host.admit_as("v2", behavior);
    host.requests();
    let failure = host.deploy(&bad).await.unwrap_err();
    let requests = host.requests();
    let is_first = |request: &String| request.ends_with(&service(0));
    assert!(requests.iter().all(is_first), "{requests:?}");
    assert_eq!(failure.instance, Some(service(0)));
    let message = failure.message;
    let expected = format!("node1: release {bad}: {}: ", service(0));
    assert!(message.starts_with(&expected), "{message}");
    let expected = format!("node1: rolled back to release {good}, 1 instances restarted");
    assert!(message.ends_with(&expected), "{message}");
    host.assert_runs(&good);
    host.assert_converged().await;
    assert_eq!(host.store().releases().unwrap(), [good]);
    message
}

#[tokio::test(start_paused = true)]
async fn a_release_that_exits_stops_at_the_first_instance() {
    let message = fails_at_the_first_instance(exits()).await;
    let expected = "exited before it was healthy: Main process exited, code=exited, status=3\n  \
                    last log lines:\n    a log line of";
    assert!(message.contains(expected), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_release_that_is_unhealthy_stops_at_the_first_instance() {
    let message = fails_at_the_first_instance(unhealthy()).await;
    assert!(
        message.contains("still unhealthy after 5 s: 500"),
        "{message}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_release_that_is_never_ready_stops_at_the_first_instance() {
    let started = tokio::time::Instant::now();
    let message = fails_at_the_first_instance(Behavior::default()).await;
    assert!(
        message.contains("still starting after 30 s: activating (start)"),
        "{message}"
    );
    assert!(started.elapsed() < Duration::from_secs(31));
}

#[tokio::test(start_paused = true)]
async fn a_release_that_exits_while_the_last_instance_starts_is_undone() {
    let host = Fixture::new();
    let good = host.deployed("v1").await;
    let bad = host.admit("v2");
    host.set_behavior(&bad, first_exits_after(Duration::from_millis(2_500)));
    let failure = host.deploy(&bad).await.unwrap_err();
    let expected = format!("{}: exited after it was healthy", service(0));
    assert!(failure.message.contains(&expected), "{failure}");
    assert!(
        failure.message.ends_with("3 instances restarted"),
        "{failure}"
    );
    host.assert_runs(&good);
    host.assert_converged().await;
    assert_eq!(
        host.store().releases().unwrap(),
        std::slice::from_ref(&good)
    );
    assert_eq!(host.store().history().unwrap(), [good]);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_exited_is_started_on_no_further_instance() {
    let host = Fixture::new();
    let good = host.deployed("v1").await;
    let bad = host.admit("v2");
    host.set_behavior(&bad, first_exits_after(Duration::from_millis(1_500)));
    host.requests();
    let failure = host.deploy(&bad).await.unwrap_err();
    assert!(
        failure.message.contains("exited after it was healthy"),
        "{failure}"
    );
    let requests = host.requests();
    assert!(
        !requests.contains(&format!("restart {}", service(2))),
        "{requests:?}"
    );
    host.assert_runs(&good);
}

#[tokio::test(start_paused = true)]
async fn the_first_instance_runs_alone_for_the_observed_time() {
    let host = Fixture::new();
    let good = host.deployed("v1").await;
    let bad = host.admit("v2");
    host.set_behavior(&bad, first_exits_after(Duration::from_secs(20)));
    host.requests();
    let options = Options {
        observe: Duration::from_secs(30),
        ..Options::default()
    };
    host.deploy_with(&bad, options).await.unwrap_err();
    let requests = host.requests();
    assert!(
        requests.iter().all(|r| r.ends_with(&service(0))),
        "{requests:?}"
    );
    host.assert_runs(&good);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_exits_before_it_is_confirmed_fails_the_run() {
    let host = Fixture::new();
    let release = host.admit("v1");
    let moves = host.deploy(&release).await.unwrap().moves;
    verify(host.context(), &moves).await.unwrap();
    host.systemd.exit(&service(1), 7);
    let failure = verify(host.context(), &moves).await.unwrap_err();
    assert_eq!(failure.instance, Some(service(1)));
    let expected = format!("{}: exited after it was healthy: ", service(1));
    assert!(failure.message.starts_with(&expected), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_first_release_that_fails_leaves_nothing() {
    let host = Fixture::new();
    let bad = host.admit_as("v1", exits());
    let failure = host.deploy(&bad).await.unwrap_err();
    let expected = "node1: no earlier release to roll back to; randoms is stopped";
    assert!(failure.message.ends_with(expected), "{failure}");
    assert_eq!(host.store().current().unwrap(), None);
    assert_eq!(host.store().releases().unwrap(), Vec::<String>::new());
    for n in 0..3 {
        assert!(host.systemd.state(&service(n)).is_stopped(), "{n}");
        // A connection to an open socket would start it.
        assert!(host.systemd.state(&spec::socket(n)).is_stopped(), "{n}");
    }
    assert_eq!(host.systemd.state(&service(0)).exit, Exit::default());
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_the_release_stayed_the_same_restarts_nothing_else() {
    let host = Fixture::new();
    let release = host.deployed("v1").await;
    host.systemd.run(Verb::Stop, &[service(0)]).await.unwrap();
    host.set_behavior(&release, |_| exits());
    host.requests();
    let failure = host.deploy(&release).await.unwrap_err();
    let message = failure.message;
    assert!(
        message.contains("later instances were not restarted"),
        "{message}"
    );
    assert!(
        message.ends_with(&format!("node1: randoms stays on release {release}")),
        "{message}"
    );
    assert_eq!(host.requests(), [format!("start {}", service(0))]);
    assert_eq!(host.store().releases().unwrap(), [release]);
}
