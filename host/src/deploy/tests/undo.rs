//! Undoing changes of releases.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::undo;
use super::change::{exits, unhealthy};
use super::fixture::Fixture;
use super::spec::{service, socket};
use crate::plan::Move;
use crate::systemd::fake::Fault;

#[tokio::test(start_paused = true)]
async fn a_release_that_passed_is_undone() {
    let host = Fixture::new();
    let old = host.deployed("v1").await;
    let new = host.admit("v2");
    let moves = host.deploy(&new).await.unwrap().moves;
    let undone = host.undo(&moves).await;
    assert_eq!(
        undone,
        format!("node1: rolled back to release {old}, 3 instances restarted")
    );
    host.assert_runs(&old);
    host.assert_converged().await;
    assert_eq!(host.store().history().unwrap(), std::slice::from_ref(&old));
    assert_eq!(host.store().releases().unwrap(), [old]);
}

#[tokio::test(start_paused = true)]
async fn a_second_undo_has_nothing_to_do() {
    let host = Fixture::new();
    host.deployed("v1").await;
    let new = host.admit("v2");
    let moves = host.deploy(&new).await.unwrap().moves;
    host.undo(&moves).await;
    host.requests();
    assert_eq!(host.undo(&moves).await, "");
    assert_eq!(host.requests(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_interrupted_is_undone() {
    let host = Fixture::new();
    let old = host.deployed("v1").await;
    let new = host.admit("v2");
    host.store().select(&new).unwrap();
    host.systemd.start(&service(0), 0);
    host.requests();
    host.undo(&[]).await;
    assert_eq!(host.requests(), [format!("restart {}", service(0))]);
    host.assert_runs(&old);
    host.assert_converged().await;
}

#[tokio::test(start_paused = true)]
async fn what_another_run_has_changed_since_is_not_undone() {
    let host = Fixture::new();
    host.deployed("v1").await;
    let new = host.admit("v2");
    let moves = host.deploy(&new).await.unwrap().moves;
    let newest = host.deployed("v3").await;
    host.requests();
    assert_eq!(host.undo(&moves).await, "");
    host.assert_runs(&newest);
    assert_eq!(host.requests(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_no_longer_described_is_not_undone() {
    let host = Fixture::new();
    host.deployed("v1").await;
    let new = host.admit("v2");
    let mut moves = host.deploy(&new).await.unwrap().moves;
    moves[0].app = "gone".to_owned();
    assert_eq!(host.undo(&moves).await, "");
    host.assert_runs(&new);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_restarts_only_what_runs_the_rejected_release() {
    let host = Fixture::new();
    let good = host.deployed("v1").await;
    // A drop-in that no process has read.
    let file = PathBuf::from("/etc/systemd/system/randoms-spread@.service.d/override.conf");
    host.write(&file, "[Service]\nExecStart=/nowhere\n");
    for n in 0..3 {
        host.systemd
            .edit(&service(n), |state| state.files.push(file.clone()));
    }
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
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_of_a_rollback_ends_it() {
    let host = Fixture::new();
    let good = host.deployed("v1").await;
    let bad = host.admit("v2");
    let moves = host.deploy(&bad).await.unwrap().moves;
    host.set_behavior(&good, |_| exits());
    host.requests();
    let undone = host.undo(&moves).await;
    let lines: Vec<&str> = undone.lines().collect();
    let summary = format!("node1: rolled back to release {good}, 0 instances restarted");
    assert_eq!(lines[0], summary);
    assert!(
        lines[1].starts_with("still failing: randoms-spread@8084.service: "),
        "{undone}"
    );
    let closed = format!("{} is closed until site.yml runs again", socket(2));
    let rest = format!("not restarted: {} {}", service(1), service(0));
    assert_eq!(lines[lines.len() - 2..], [closed, rest]);
    // Proxies send the requests of a closed port to other instances.
    let stop = format!("stop {} {}", socket(2), service(2));
    assert_eq!(host.requests(), [format!("restart {}", service(2)), stop]);
    assert!(host.systemd.state(&socket(2)).is_stopped());
    for n in 0..2 {
        assert!(host.systemd.is_healthy(&service(n)), "{n}");
        assert!(host.systemd.state(&socket(n)).is_active(), "{n}");
    }
    // They still run it.
    assert!(host.store().releases().unwrap().contains(&bad));
}

#[tokio::test(start_paused = true)]
async fn what_is_closed_after_a_rollback_opens_with_the_next_good_release() {
    let host = Fixture::new();
    let good = host.deployed("v1").await;
    let bad = host.admit_as("v2", exits());
    host.set_behavior(&good, |_| exits());
    host.deploy(&bad).await.unwrap_err();
    assert!(host.systemd.state(&socket(0)).is_stopped());
    let fixed = host.deployed("v3").await;
    host.assert_runs(&fixed);
    assert!(host.systemd.state(&socket(0)).is_active());
}

#[tokio::test(start_paused = true)]
async fn a_rollback_is_tried_once() {
    let host = Fixture::new();
    let good = host.deployed("v1").await;
    let bad = host.admit_as("v2", exits());
    host.set_behavior(&good, |_| exits());
    host.requests();
    let failure = host.deploy(&bad).await.unwrap_err();
    assert!(failure.message.contains("still failing: "), "{failure}");
    let requests = host.requests();
    let starts = requests
        .iter()
        .filter(|r| r.ends_with(&format!("start {}", service(0))));
    assert_eq!(starts.count(), 2, "{requests:?}");
    let other = requests
        .iter()
        .any(|r| r.ends_with(&service(1)) || r.ends_with(&service(2)));
    assert!(!other, "{requests:?}");
    assert_eq!(host.store().proven().unwrap(), Some(good));
}

#[tokio::test(start_paused = true)]
async fn instances_that_do_not_serve_are_restarted_first() {
    let host = Fixture::new();
    host.deployed("v1").await;
    let new = host.admit("v2");
    let moves = host.deploy(&new).await.unwrap().moves;
    host.systemd.exit(&service(1), 1);
    host.requests();
    host.undo(&moves).await;
    let requests = host.requests();
    let starts: Vec<&String> = requests.iter().filter(|r| r.contains("start ")).collect();
    let expected = [
        format!("start {}", service(1)),
        format!("restart {}", service(2)),
        format!("restart {}", service(0)),
    ];
    assert_eq!(starts, expected.iter().collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_systemd_refuses_leaves_the_instance_as_it_is() {
    let host = Fixture::new();
    let good = host.deployed("v1").await;
    let invocation = host.systemd.state(&service(0)).invocation;
    let bad = host.admit("v2");
    host.systemd
        .set_fault(host.systemd.changes(), Fault::Refused);
    let failure = host.deploy(&bad).await.unwrap_err();
    assert!(failure.message.contains("refused by the test"), "{failure}");
    assert!(
        failure.message.ends_with("0 instances restarted"),
        "{failure}"
    );
    assert_eq!(host.systemd.state(&service(0)).invocation, invocation);
    host.assert_runs(&good);
    host.assert_converged().await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_whose_reply_is_lost_continues() {
    let host = Fixture::new();
    let good = host.deployed("v1").await;
    let bad = host.admit("v2");
    host.systemd
        .set_fault(host.systemd.changes(), Fault::ReplyLost);
    host.deploy(&bad).await.unwrap();
    assert_ne!(good, bad);
    host.assert_runs(&bad);
    host.assert_converged().await;
}

#[tokio::test(start_paused = true)]
async fn without_the_release_to_return_to_nothing_is_stopped() {
    let host = Fixture::new();
    let release = host.admit("v1");
    host.deploy(&release).await.unwrap();
    let change = Move {
        app: "randoms".to_owned(),
        release: release.clone(),
        previous: Some("0123456789ab".to_owned()),
        fresh: false,
        touched: BTreeMap::new(),
    };
    let failure = undo(host.context(), &[change]).await.unwrap_err();
    assert_eq!(
        failure.message,
        format!(
            "node1: release 0123456789ab of randoms is missing; its instances stay on {release}"
        )
    );
    host.assert_runs(&release);
    assert_eq!(host.store().releases().unwrap(), [release]);
}
