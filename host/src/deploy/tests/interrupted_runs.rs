//! Runs that continue what an earlier run has not finished, and what runs record for that.

use std::fs;
use std::sync::{Arc, Mutex};

use super::super::Options;
use super::change::unhealthy;
use super::fixture::Fixture;
use super::spec::service;
use crate::lock::Run;
use crate::plan::Move;
use crate::systemd::fake::Behavior;
use crate::unfinished::{Purpose, Unfinished};

/// A run of this user.
pub(super) fn run(who: &str) -> Run {
    Run {
        who: who.to_owned(),
        machine: "laptop".to_owned(),
        pid: 10,
        living: vec![10],
        take_over: false,
        expires_after_s: 900,
    }
}

fn recorded(host: &Fixture, purpose: Purpose) -> Unfinished {
    Unfinished::new(
        &host.machine.root.resolve(&host.host.paths.runtime),
        purpose,
    )
}

fn continuing(unfinished: Vec<Move>) -> Options {
    Options {
        unfinished,
        ..Options::default()
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_is_completed_by_the_next_one() {
    let host = Fixture::new();
    host.deployed("v1").await;
    let new = host.admit("v2");
    host.store().select(&new).unwrap();
    host.systemd.start(&service(0), 0);
    host.requests();
    host.deploy(&new).await.unwrap();
    let expected: Vec<String> = (1..3).map(|n| format!("restart {}", service(n))).collect();
    assert_eq!(host.requests(), expected);
    host.assert_runs(&new);
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_that_cannot_be_completed_returns_to_what_was_proven() {
    let host = Fixture::new();
    let old = host.deployed("v1").await;
    let bad = host.admit_as("v2", unhealthy());
    host.store().select(&bad).unwrap();
    host.systemd.start(&service(0), 0);
    host.deploy(&bad).await.unwrap_err();
    host.assert_runs(&old);
    host.assert_converged().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_run_did_not_finish_is_undone_with_the_next_one() {
    let host = Fixture::new();
    let old = host.deployed("v1").await;
    for content in ["v2", "v3"] {
        // The first run changed this host, and not all of its hosts.
        let interrupted = host.admit("v2");
        let unfinished = host.deploy(&interrupted).await.unwrap().moves;
        let new = host.admit(content);
        let outcome = host
            .deploy_with(&new, continuing(unfinished))
            .await
            .unwrap();
        assert_eq!(outcome.moves[0].previous.as_ref(), Some(&old));
        host.undo(&outcome.moves).await;
        host.assert_runs(&old);
        host.assert_converged().await;
        assert_eq!(host.store().history().unwrap().last(), Some(&old));
        assert!(!host.store().releases().unwrap().contains(&new));
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_that_was_removed_is_not_the_one_to_return_to() {
    let host = Fixture::new();
    let gone = host.deployed("v1").await;
    let old = host.deployed("v2").await;
    let unfinished = Move {
        app: "randoms".to_owned(),
        release: old.clone(),
        previous: Some(gone.clone()),
        fresh: true,
        ..Move::default()
    };
    host.store().forget(&gone).unwrap();
    let new = host.admit("v3");
    let outcome = host
        .deploy_with(&new, continuing(vec![unfinished]))
        .await
        .unwrap();
    assert_eq!(outcome.moves[0].previous, Some(old));
}

#[tokio::test(start_paused = true)]
async fn a_deploy_of_what_the_unfinished_run_replaced_returns_to_that_run() {
    let host = Fixture::new();
    let old = host.deployed("v1").await;
    let new = host.admit("v2");
    let unfinished = host.deploy(&new).await.unwrap().moves;
    let outcome = host
        .deploy_with(&old, continuing(unfinished))
        .await
        .unwrap();
    assert_eq!(outcome.moves[0].previous, Some(new));
}

#[tokio::test(start_paused = true)]
async fn a_release_that_was_removed_in_the_meantime_is_not_deployed() {
    let host = Fixture::new();
    let old = host.deployed("v1").await;
    let gone = host.admit("v2");
    host.store().forget(&gone).unwrap();
    host.requests();
    let failure = host.deploy(&gone).await.unwrap_err();
    let expected = format!("node1: release {gone} of randoms was removed");
    assert_eq!(failure.message, expected);
    assert_eq!(host.requests(), Vec::<String>::new());
    host.assert_runs(&old);
}

#[tokio::test(start_paused = true)]
async fn a_run_records_what_it_has_done_and_only_it_reads_that() {
    let host = Fixture::new();
    let old = host.deployed("v1").await;
    let new = host.admit("v2");
    let options = Options {
        run: Some(run("alice")),
        ..Options::default()
    };
    let outcome = host.deploy_with(&new, options).await.unwrap();
    let file = recorded(&host, Purpose::Unfinished);
    assert_eq!(file.read().unwrap(), Some(outcome.moves.clone()));
    let own = file.clone().of(&run("alice"));
    assert_eq!(own.read().unwrap(), Some(outcome.moves.clone()));
    assert_eq!(file.clone().of(&run("bob")).read().unwrap(), None);
    file.clone().of(&run("bob")).write(&[]).unwrap();
    assert_eq!(file.read().unwrap(), Some(Vec::new()));
    assert_eq!(own.read().unwrap(), None);
    host.undo(&outcome.moves).await;
    host.assert_runs(&old);
}

#[tokio::test(start_paused = true)]
async fn each_instance_is_recorded_before_the_next_one_changes() {
    let host = Fixture::new();
    host.deployed("v1").await;
    let new = host.admit("v2");
    let file = host
        .machine
        .root
        .resolve(&host.host.paths.runtime)
        .join("unfinished.json");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let at_start = seen.clone();
    host.set_behavior(&new, move |_| {
        let text = fs::read_to_string(&file).unwrap();
        at_start
            .lock()
            .unwrap()
            .push(text.matches("\"run-").count());
        Behavior::good()
    });
    let options = Options {
        run: Some(run("alice")),
        ..Options::default()
    };
    host.deploy_with(&new, options).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn watched_and_unfinished_changes_are_recorded_separately() {
    let host = Fixture::new();
    recorded(&host, Purpose::Watched).write(&[]).unwrap();
    let unfinished = recorded(&host, Purpose::Unfinished);
    assert_eq!(unfinished.read().unwrap(), None);
    unfinished.remove().unwrap();
    assert_eq!(
        recorded(&host, Purpose::Watched).read().unwrap(),
        Some(Vec::new())
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_not_of_an_instance_is_undone_as_well() {
    let host = Fixture::new();
    let old = host.deployed("v1").await;
    let app = host.host.apps[0].directory.join(".history");
    let state = host.host.paths.state.join(".started.json.new");
    let runtime = host.host.paths.runtime.join(".unfinished.json.new");
    // The temporary file of what is written first for an instance, for a release, and for a run.
    for (obstacle, restarted) in [(state, 0), (app, 3), (runtime, 0)] {
        let obstacle = host.machine.root.resolve(&obstacle);
        let new = host.admit(&obstacle.to_string_lossy());
        fs::create_dir_all(&obstacle).unwrap();
        let options = Options {
            run: Some(run("alice")),
            ..Options::default()
        };
        let failure = host.deploy_with(&new, options).await.unwrap_err();
        fs::remove_dir(&obstacle).unwrap();
        let message = failure.message;
        assert!(message.contains("Is a directory"), "{message}");
        if restarted > 0 {
            assert!(message.ends_with("3 instances restarted"), "{message}");
        }
        host.assert_runs(&old);
        host.assert_converged().await;
        assert_eq!(host.store().history().unwrap(), std::slice::from_ref(&old));
    }
}
