//! The timer that undoes a run that is not confirmed.

use std::time::Duration;

use super::super::{arm, confirm, disarm, verify};
use super::fixture::Fixture;
use crate::systemd::fake::Fault;
use crate::unfinished::{Purpose, Unfinished};

const TIME: Duration = Duration::from_secs(30);
const STOPPED: [&str; 2] = ["stop randoms.undo.timer", "stop randoms.undo.service"];

#[tokio::test(start_paused = true)]
async fn the_timer_calls_undo() {
    let host = Fixture::new();
    arm(host.context(), TIME).await.unwrap();
    let timer = &host.systemd.transient()[0];
    assert_eq!(timer.unit, "randoms.undo");
    assert!(timer.options.contains(&"--on-active=30s".to_owned()));
    assert!(timer.options.contains(&"--collect".to_owned()));
    assert_eq!(
        timer.command,
        ["/opt/randoms/bin/genconf-host", "undo", "randoms"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_waits_for_its_turn_does_not_undo_the_next_run() {
    let host = Fixture::new();
    arm(host.context(), TIME).await.unwrap();
    assert_eq!(host.requests()[..2], STOPPED);
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_does_not_start_is_an_error_with_its_reason() {
    let host = Fixture::new();
    // After the two requests that stop an earlier one.
    host.systemd
        .set_fault(host.systemd.changes() + 2, Fault::Refused);
    let failure = arm(host.context(), TIME).await.unwrap_err();
    let message = failure.message;
    let expected = "cannot start the rollback timer of randoms: systemd: ";
    assert!(message.starts_with(expected), "{message}");
    assert!(message.ends_with("refused by the test"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_does_not_exist_cannot_be_stopped_and_that_is_no_failure() {
    let host = Fixture::new();
    for n in 0..2 {
        host.systemd
            .set_fault(host.systemd.changes() + n, Fault::Refused);
    }
    disarm(host.context()).await;
    arm(host.context(), TIME).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_confirmed_run_is_not_undone() {
    let host = Fixture::new();
    let release = host.admit("v1");
    let moves = host.deploy(&release).await.unwrap().moves;
    let runtime = host.machine.root.resolve(&host.host.paths.runtime);
    let unfinished = Unfinished::new(&runtime, Purpose::Unfinished);
    unfinished.write(&moves).unwrap();
    arm(host.context(), TIME).await.unwrap();
    host.requests();
    confirm(host.context(), &moves, Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(host.requests()[..2], STOPPED);
    assert_eq!(unfinished.read().unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_not_verified_is_still_undone_by_the_timer() {
    let host = Fixture::new();
    let release = host.admit("v1");
    let moves = host.deploy(&release).await.unwrap().moves;
    let runtime = host.machine.root.resolve(&host.host.paths.runtime);
    let unfinished = Unfinished::new(&runtime, Purpose::Unfinished);
    unfinished.write(&moves).unwrap();
    host.systemd.exit(&super::spec::service(0), 1);
    host.requests();
    verify(host.context(), &moves).await.unwrap_err();
    assert_eq!(host.requests(), Vec::<String>::new());
    assert_eq!(unfinished.read().unwrap(), Some(moves));
}
