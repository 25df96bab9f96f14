//! Apps whose processes are not in /proc, as those of containers.

use super::super::{Options, run};
use super::change::{exits, unhealthy};
use super::fixture::Fixture;
use super::processes::Processes;
use super::spec;
use super::spec::service;
use crate::plan::{Move, Step};
use crate::systemd::fake::Fault;

fn host() -> Fixture {
    Fixture::with(spec::one_app(3), Processes::Hidden)
}

#[tokio::test(start_paused = true)]
async fn a_good_release_reaches_every_instance() {
    let host = host();
    host.deployed("v1").await;
    let good = host.deployed("v2").await;
    host.assert_runs(&good);
}

#[tokio::test(start_paused = true)]
async fn the_instance_that_failed_is_rolled_back() {
    let host = host();
    let good = host.deployed("v1").await;
    for behavior in [exits(), unhealthy()] {
        let bad = host.admit_as("v2", behavior);
        host.requests();
        let failure = host.deploy(&bad).await.unwrap_err();
        assert!(
            failure.message.ends_with("1 instances restarted"),
            "{failure}"
        );
        let requests = host.requests();
        assert!(
            requests.iter().all(|r| r.ends_with(&service(0))),
            "{requests:?}"
        );
        host.assert_runs(&good);
        host.assert_converged().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_whose_reply_was_lost_is_on_the_new_release() {
    let host = host();
    let good = host.deployed("v1").await;
    let new = host.admit("v2");
    host.systemd
        .set_fault(host.systemd.changes() + 1, Fault::ReplyLost);
    host.deploy(&new).await.unwrap();
    assert_ne!(good, new);
    host.assert_runs(&new);
    host.assert_converged().await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_systemd_did_not_restart_is_left_as_it_is() {
    let host = host();
    let good = host.deployed("v1").await;
    let invocation = host.systemd.state(&service(0)).invocation;
    let new = host.admit("v2");
    host.systemd
        .set_fault(host.systemd.changes(), Fault::Refused);
    host.deploy(&new).await.unwrap_err();
    assert_eq!(host.systemd.state(&service(0)).invocation, invocation);
    host.assert_runs(&good);
    host.assert_converged().await;
}

#[tokio::test(start_paused = true)]
async fn a_reboot_restarts_nothing() {
    let host = host();
    let good = host.deployed("v1").await;
    for n in 0..3 {
        host.systemd.start(&service(n), 0);
    }
    host.assert_converged().await;
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

#[tokio::test(start_paused = true)]
async fn an_undo_restarts_what_systemd_has_restarted_with_the_rejected_release() {
    let host = host();
    let good = host.deployed("v1").await;
    // Still on the release that is good.
    host.systemd.start(&service(0), 0);
    let rejected = host.admit("v2");
    let change = Move::new("randoms", &rejected, &host.observe().await, &[]);
    let select = [Step::Select(change)];
    run(host.context(), &select, Options::default())
        .await
        .unwrap();
    host.systemd.start(&service(1), 0);
    host.requests();
    host.undo(&[]).await;
    assert_eq!(host.requests(), [format!("restart {}", service(1))]);
    host.assert_runs(&good);
    host.assert_converged().await;
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_undo_knows_what_systemd_has_restarted_before_it() {
    let host = host();
    let good = host.deployed("v1").await;
    let rejected = host.deployed("v2").await;
    host.systemd.start(&service(1), 0);
    let change = Move {
        app: "randoms".to_owned(),
        release: rejected,
        previous: Some(good.clone()),
        ..Move::default()
    };
    // Interrupted at its first request.
    host.systemd
        .set_fault(host.systemd.changes(), Fault::Refused);
    let undone = host.undo(std::slice::from_ref(&change)).await;
    assert!(undone.contains("still failing"), "{undone}");
    host.apply().await.unwrap();
    host.assert_runs(&good);
}
