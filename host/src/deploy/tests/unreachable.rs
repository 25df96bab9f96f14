//! A service manager that cannot be reached has no state: that is an error, and no reason to roll back.

use std::time::Duration;

use super::super::{Options, confirm, undo, verify, watch_release};
use super::change::{exits, first_exits_after};
use super::fixture::Fixture;
use super::interrupted_runs::run;
use super::spec::{service, socket};
use crate::systemd::fake::Behavior;
use crate::unfinished::{Purpose, Unfinished};

const TIME: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn a_deploy_does_not_start() {
    let host = Fixture::new();
    let old = host.deployed("v1").await;
    let new = host.admit("v2");
    host.systemd.set_unreachable(true);
    let failure = host.deploy(&new).await.unwrap_err();
    assert_eq!(failure.message, "systemd: find: connection reset");
    host.systemd.set_unreachable(false);
    host.assert_runs(&old);
    host.assert_converged().await;
    host.deploy(&new).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_deploy_that_loses_it_reports_that_and_is_completed_by_the_next_run() {
    let host = Fixture::new();
    let old = host.deployed("v1").await;
    let new = host.admit("v2");
    host.set_behavior(&new, |_| slow());
    let lost = async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        host.systemd.set_unreachable(true);
    };
    let (deployed, ()) = tokio::join!(host.deploy(&new), lost);
    let failure = deployed.unwrap_err();
    let reason = "connection reset";
    assert_eq!(failure.message.matches(reason).count(), 2, "{failure}");
    assert!(!failure.message.contains("rolled back"), "{failure}");
    host.systemd.set_unreachable(false);
    // As it was left: one instance on the new release, another one on the way to it.
    assert_eq!(host.running(), [new.clone(), new.clone(), old.clone()]);
    assert_eq!(host.store().current().unwrap(), Some(new.clone()));
    assert_eq!(host.store().proven().unwrap(), Some(old));
    host.deploy(&new).await.unwrap();
    host.assert_runs(&new);
}

#[tokio::test(start_paused = true)]
async fn a_deploy_that_lost_it_is_undone_by_the_timer() {
    let host = Fixture::new();
    let old = host.deployed("v1").await;
    let bad = host.admit_as("v2", exits());
    let lost = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        host.systemd.set_unreachable(true);
    };
    let (deployed, ()) = tokio::join!(host.deploy(&bad), lost);
    deployed.unwrap_err();
    host.systemd.set_unreachable(false);
    host.undo(&[]).await;
    host.assert_runs(&old);
    host.assert_converged().await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_with_an_error_and_undoes_nothing() {
    let host = Fixture::new();
    host.deployed("v1").await;
    let new = host.admit("v2");
    let moves = host.deploy(&new).await.unwrap().moves;
    confirm(host.context(), &moves, TIME).await.unwrap();
    host.systemd.set_unreachable(true);
    let failure = watch_release(host.context(), TIME).await.unwrap_err();
    assert_eq!(failure.message, "systemd: states: connection reset");
    host.systemd.set_unreachable(false);
    host.assert_runs(&new);
    host.assert_converged().await;
}

#[tokio::test(start_paused = true)]
async fn a_verification_fails_without_naming_an_instance() {
    let host = Fixture::new();
    let release = host.admit("v1");
    let moves = host.deploy(&release).await.unwrap().moves;
    host.systemd.set_unreachable(true);
    let failure = verify(host.context(), &moves).await.unwrap_err();
    assert_eq!(failure.instance, None);
    assert_eq!(failure.message, "systemd: states: connection reset");
}

#[tokio::test(start_paused = true)]
async fn an_undo_fails_and_the_next_one_completes_it() {
    let host = Fixture::new();
    let old = host.deployed("v1").await;
    let new = host.admit("v2");
    let moves = host.deploy(&new).await.unwrap().moves;
    host.systemd.set_unreachable(true);
    undo(host.context(), &moves).await.unwrap_err();
    host.systemd.set_unreachable(false);
    assert!(host.systemd.is_healthy(&service(0)));
    host.undo(&moves).await;
    host.assert_runs(&old);
    host.assert_converged().await;
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_loses_it_halfway_closes_no_port_and_is_completed_by_the_next_one() {
    let host = Fixture::new();
    let old = host.deployed("v1").await;
    host.set_behavior(&old, |_| slow());
    let new = host.admit("v2");
    let moves = host.deploy(&new).await.unwrap().moves;
    let lost = async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        host.systemd.set_unreachable(true);
    };
    let (undone, ()) = tokio::join!(undo(host.context(), &moves), lost);
    let failure = undone.unwrap_err();
    assert_eq!(failure.message, "systemd: states: connection reset");
    host.systemd.set_unreachable(false);
    assert_eq!(host.store().proven().unwrap(), Some(new.clone()));
    assert!(host.store().releases().unwrap().contains(&new));
    for n in 0..3 {
        assert!(host.systemd.state(&socket(n)).is_active(), "{n}");
    }
    host.undo(&moves).await;
    host.assert_runs(&old);
    host.assert_converged().await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_loses_it_is_completed_by_the_next_undo() {
    let host = Fixture::new();
    let old = host.deployed("v1").await;
    let bad = host.admit("v2");
    host.set_behavior(&bad, first_exits_after(Duration::from_millis(2_500)));
    host.set_behavior(&old, |_| slow());
    let file = Unfinished::new(
        &host.machine.root.resolve(&host.host.paths.runtime),
        Purpose::Unfinished,
    );
    let options = Options {
        run: Some(run("alice")),
        ..Options::default()
    };
    // The third instance fails after 3 s, and is rolled back from then on.
    let lost = async {
        tokio::time::sleep(Duration::from_millis(3_500)).await;
        host.systemd.set_unreachable(true);
    };
    let (deployed, ()) = tokio::join!(host.deploy_with(&bad, options), lost);
    deployed.unwrap_err();
    host.systemd.set_unreachable(false);
    assert_eq!(host.store().current().unwrap(), Some(old.clone()));
    assert!(host.running().contains(&bad));
    let moves = file.read().unwrap().unwrap();
    host.undo(&moves).await;
    host.assert_runs(&old);
    host.assert_converged().await;
}

fn slow() -> Behavior {
    Behavior {
        active_after: Some(Duration::from_secs(1)),
        ..Behavior::good()
    }
}
