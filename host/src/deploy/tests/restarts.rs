//! Restarts that systemd counts, and runs that end while a release is deployed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::change::exits;
use super::fixture::Fixture;
use super::spec::service;
use crate::systemd::fake::Behavior;
use crate::systemd::{Activity, Systemd as _, Verb};

#[tokio::test(start_paused = true)]
async fn a_good_release_does_not_fail_for_the_restarts_of_the_previous_one() {
    let host = Fixture::new();
    host.deployed("v1").await;
    host.systemd.exit(&service(0), 1);
    host.systemd.exit(&service(0), 1);
    host.systemd.exit(&service(1), 1);
    host.systemd.crash(&service(0));
    let good = host.admit("v2");
    host.requests();
    host.deploy(&good).await.unwrap();
    host.assert_runs(&good);
    for n in 0..3 {
        assert_eq!(host.systemd.state(&service(n)).restarts, 0, "{n}");
    }
    // Stopped first: otherwise systemd may start it before the request, and counts that.
    let steps = ["stop", "reset-failed", "start"];
    let expected = steps.map(|verb| format!("{verb} {}", service(0)));
    assert_eq!(host.requests()[..3], expected);
}

#[tokio::test(start_paused = true)]
async fn a_unit_that_is_not_loaded_yet_has_not_exited() {
    let host = Fixture::new();
    host.deployed("v1").await;
    let good = host.admit("v2");
    host.set_behavior(&good, |_| Behavior {
        active_after: Some(Duration::from_secs(1)),
        ..Behavior::good()
    });
    let unloaded = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut invocation = String::new();
        host.systemd.edit(&service(0), |state| {
            invocation = std::mem::take(&mut state.invocation);
            state.activity = Activity::Inactive;
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        host.systemd.edit(&service(0), |state| {
            state.invocation = invocation;
            state.activity = Activity::Activating;
        });
    };
    let (deployed, ()) = tokio::join!(host.deploy(&good), unloaded);
    deployed.unwrap();
    host.assert_runs(&good);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_systemd_had_to_start_again_is_rejected() {
    let host = Fixture::new();
    let good = host.deployed("v1").await;
    host.systemd.crash(&service(0));
    let bad = host.admit("v2");
    // Its first run exits before it is ready; the next one is healthy.
    let runs = AtomicUsize::new(0);
    host.set_behavior(&bad, move |_| match runs.fetch_add(1, Ordering::Relaxed) {
        0 => Behavior {
            exits: Some((Duration::from_millis(10), 3)),
            active_after: None,
            is_healthy: false,
        },
        _ => Behavior::good(),
    });
    let failure = host.deploy(&bad).await.unwrap_err();
    assert!(
        failure.message.contains("exited before it was healthy"),
        "{failure}"
    );
    host.assert_runs(&good);
    host.assert_converged().await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_systemd_restarted_is_not_restarted_again() {
    let host = Fixture::new();
    let good = host.deployed("v1").await;
    host.systemd.exit(&service(1), 1);
    host.requests();
    host.deploy(&good).await.unwrap();
    assert_eq!(host.requests(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_deploy_starts_what_is_stopped() {
    let host = Fixture::new();
    let good = host.deployed("v1").await;
    host.systemd.run(Verb::Stop, &[service(1)]).await.unwrap();
    host.requests();
    host.deploy(&good).await.unwrap();
    assert_eq!(host.requests(), [format!("start {}", service(1))]);
    host.assert_runs(&good);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_fails_after_a_reboot_stops_the_deploy() {
    let host = Fixture::new();
    let good = host.deployed("v1").await;
    // The records are of runs before the reboot.
    for n in 0..3 {
        host.systemd.start(&service(n), 0);
    }
    let bad = host.admit_as("v2", exits());
    host.requests();
    host.deploy(&bad).await.unwrap_err();
    let requests = host.requests();
    assert!(
        requests.iter().all(|r| r.ends_with(&service(0))),
        "{requests:?}"
    );
    host.assert_runs(&good);
}
