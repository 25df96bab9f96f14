//! The watch of a release after its run.

use std::time::Duration;

use super::super::{Outcome, confirm, watch_release};
use super::fixture::Fixture;
use super::spec::service;
use crate::execution::Failure;
use crate::lock::Turn;
use crate::plan::Move;
use crate::systemd::fake::Fault;
use crate::systemd::{Activity, Systemd as _, Verb};
use crate::unfinished::{Purpose, Unfinished};

const SERVICE: &str = "randoms.guard.service";
const TIME: Duration = Duration::from_secs(10);

struct Watched {
    host: Fixture,
    old: String,
    new: String,
}

/// A host on its second release, which is watched.
async fn watched() -> Watched {
    let host = Fixture::new();
    let old = host.deployed("v1").await;
    let new = host.admit("v2");
    let outcome = host.deploy(&new).await.unwrap();
    confirmed(&host, &outcome).await;
    Watched { host, old, new }
}

async fn confirmed(host: &Fixture, outcome: &Outcome) {
    confirm(host.context(), &outcome.moves, TIME).await.unwrap();
}

fn recorded(host: &Fixture) -> Option<Vec<Move>> {
    let runtime = host.machine.root.resolve(&host.host.paths.runtime);
    Unfinished::new(&runtime, Purpose::Watched).read().unwrap()
}

impl Watched {
    async fn watch(&self) -> Result<(), Failure> {
        watch_release(self.host.context(), TIME).await
    }

    async fn is_undone(&self) {
        self.watch().await.unwrap_err();
        self.host.assert_runs(&self.old);
        self.host.assert_converged().await;
        assert_eq!(recorded(&self.host), None);
    }

    async fn is_kept(&self) {
        self.watch().await.unwrap();
        assert_eq!(
            self.host.store().current().unwrap().as_ref(),
            Some(&self.new)
        );
        assert_eq!(recorded(&self.host), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_transient_service_watches() {
    let watched = watched().await;
    let service = watched.host.systemd.transient().pop().unwrap();
    assert_eq!(service.unit, SERVICE);
    let expected = [
        "/opt/randoms/bin/genconf-host",
        "watch-release",
        "randoms",
        "10",
    ];
    assert_eq!(service.command, expected);
}

#[tokio::test(start_paused = true)]
async fn what_has_not_changed_or_has_no_earlier_release_is_not_watched() {
    let host = Fixture::new();
    let release = host.admit("v1");
    // The first release, and the same one again.
    for _ in 0..2 {
        let outcome = host.deploy(&release).await.unwrap();
        confirmed(&host, &outcome).await;
    }
    let new = host.admit("v2");
    let outcome = host.deploy(&new).await.unwrap();
    confirm(host.context(), &outcome.moves, Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(host.systemd.transient(), []);
    assert_eq!(recorded(&host), None);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_start_is_an_error_with_its_reason() {
    let host = Fixture::new();
    host.deployed("v1").await;
    let new = host.admit("v2");
    let outcome = host.deploy(&new).await.unwrap();
    // After two requests that stop a timer, and two for an earlier watch.
    host.systemd
        .set_fault(host.systemd.changes() + 4, Fault::Refused);
    let failure = confirm(host.context(), &outcome.moves, TIME)
        .await
        .unwrap_err();
    let message = failure.message;
    let expected = "cannot start the post-deploy monitoring of randoms: systemd: ";
    assert!(message.starts_with(expected), "{message}");
    assert_eq!(recorded(&host), None);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_stays_up_is_kept() {
    watched().await.is_kept().await;
}

#[tokio::test(start_paused = true)]
async fn a_release_that_exits_is_undone() {
    let watched = watched().await;
    watched.host.systemd.exit(&service(1), 7);
    let failure = watched.watch().await.unwrap_err();
    let lines: Vec<&str> = failure.message.lines().collect();
    let (old, new) = (&watched.old, &watched.new);
    let reason = "Main process exited, code=exited, status=7";
    let first = format!(
        "release {new} is rolled back, {} exited: {reason}",
        service(1)
    );
    let second = format!("node1: rolled back to release {old}, 3 instances restarted");
    assert_eq!(lines, [first, second]);
    watched.host.assert_runs(old);
    watched.host.assert_converged().await;
}

#[tokio::test(start_paused = true)]
async fn a_release_that_exits_later_is_undone() {
    let watched = watched().await;
    let exit = async {
        tokio::time::sleep(TIME / 2).await;
        watched.host.systemd.exit(&service(2), 7);
    };
    tokio::join!(watched.is_undone(), exit);
}

#[tokio::test(start_paused = true)]
async fn what_is_down_restarts_before_what_serves() {
    let watched = watched().await;
    watched.host.systemd.exit(&service(1), 7);
    watched.host.requests();
    watched.is_undone().await;
    let requests = watched.host.requests();
    let starts = requests.iter().filter(|r| r.contains("start "));
    let units: Vec<&str> = starts.map(|r| r.split_once(' ').unwrap().1).collect();
    assert_eq!(units, [service(1), service(2), service(0)]);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_systemd_is_about_to_start_again_has_exited() {
    let watched = watched().await;
    watched.host.systemd.crash(&service(2));
    watched.is_undone().await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_systemd_cannot_start_again_has_exited() {
    let watched = watched().await;
    watched.host.systemd.crash(&service(0));
    watched.host.systemd.edit(&service(0), |state| {
        state.activity = Activity::Inactive;
        state.sub_state = "dead".to_owned();
        state.restarts = 1;
    });
    watched.is_undone().await;
}

#[tokio::test(start_paused = true)]
async fn a_manual_restart_and_a_manual_stop_are_no_exits() {
    let watched = watched().await;
    let systemd = &watched.host.systemd;
    systemd.run(Verb::Restart, &[service(0)]).await.unwrap();
    systemd.run(Verb::Stop, &[service(1)]).await.unwrap();
    watched.is_kept().await;
}

#[tokio::test(start_paused = true)]
async fn a_manual_stop_that_took_too_long_is_no_exit() {
    let watched = watched().await;
    let systemd = &watched.host.systemd;
    systemd.run(Verb::Stop, &[service(1)]).await.unwrap();
    systemd.edit(&service(1), |state| {
        state.activity = Activity::Failed;
        state.sub_state = "failed".to_owned();
        state.result = "timeout".to_owned();
    });
    watched.is_kept().await;
}

#[tokio::test(start_paused = true)]
async fn the_run_that_was_healthy_has_not_exited_regardless_of_the_count() {
    let watched = watched().await;
    watched
        .host
        .systemd
        .edit(&service(0), |state| state.restarts = 3);
    watched.is_kept().await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_waits_for_its_turn_for_as_long_as_it_takes() {
    let watched = watched().await;
    let runtime = watched
        .host
        .machine
        .root
        .resolve(&watched.host.host.paths.runtime);
    let turn = Turn::take(&runtime, Duration::ZERO).await.unwrap();
    watched.host.systemd.exit(&service(1), 7);
    let release = async {
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert_eq!(
            watched.host.store().current().unwrap().as_ref(),
            Some(&watched.new)
        );
        drop(turn);
    };
    tokio::join!(watched.is_undone(), release);
}

#[tokio::test(start_paused = true)]
async fn what_another_run_repairs_in_the_meantime_is_kept() {
    let watched = watched().await;
    let runtime = watched
        .host
        .machine
        .root
        .resolve(&watched.host.host.paths.runtime);
    let turn = Turn::take(&runtime, Duration::ZERO).await.unwrap();
    watched.host.systemd.exit(&service(1), 7);
    let repair = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let systemd = &watched.host.systemd;
        systemd.run(Verb::Restart, &[service(1)]).await.unwrap();
        drop(turn);
    };
    tokio::join!(watched.is_kept(), repair);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_changes_the_release_ends_the_watch() {
    let watched = watched().await;
    let newest = watched.host.deployed("v3").await;
    watched.host.systemd.exit(&service(1), 7);
    let started = tokio::time::Instant::now();
    watched.watch().await.unwrap();
    assert!(started.elapsed() < TIME);
    assert_eq!(watched.host.store().current().unwrap(), Some(newest));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_changes_nothing_keeps_the_watch() {
    let watched = watched().await;
    let outcome = watched.host.deploy(&watched.new).await.unwrap();
    watched.host.requests();
    confirmed(&watched.host, &outcome).await;
    let requests = watched.host.requests();
    // The report of an earlier one ends.
    assert_eq!(requests[2..], [format!("reset-failed {SERVICE}")]);
    watched.host.systemd.exit(&service(1), 7);
    watched.is_undone().await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_the_earlier_one() {
    let watched = watched().await;
    let newest = watched.host.admit("v3");
    let outcome = watched.host.deploy(&newest).await.unwrap();
    watched.host.requests();
    confirmed(&watched.host, &outcome).await;
    let requests = watched.host.requests();
    let expected = ["stop", "reset-failed", "run"].map(|verb| format!("{verb} {SERVICE}"));
    assert_eq!(requests[2..], expected);
    assert_eq!(recorded(&watched.host), Some(outcome.moves));
}
