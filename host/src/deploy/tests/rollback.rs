//! Which releases rollbacks select.

use std::collections::BTreeMap;

use super::super::{Selection, Which, lacking, select};
use super::fixture::Fixture;
use super::spec::{APP, service};
use crate::plan::Move;
use crate::systemd::{Systemd as _, Verb};

#[tokio::test(start_paused = true)]
async fn after_a_rollback_there_is_no_earlier_release() {
    let host = Fixture::new();
    let old = host.deployed("v1").await;
    host.deployed("v2").await;
    host.roll_back(&[]).await;
    host.assert_runs(&old);
    let nothing = select(host.context(), None, &[], &[]).unwrap();
    assert_eq!(
        nothing,
        Selection::Nothing("node1: no earlier release".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_rollback_goes_back_further() {
    let host = Fixture::new();
    let first = host.deployed("v1").await;
    let second = host.deployed("v2").await;
    host.deployed("v3").await;
    host.roll_back(&[]).await;
    host.assert_runs(&second);
    host.roll_back(&[]).await;
    host.assert_runs(&first);
}

#[tokio::test(start_paused = true)]
async fn after_a_rollback_and_a_deploy_the_release_before_is_selected() {
    let host = Fixture::new();
    host.deployed("v1").await;
    let before = host.deployed("v2").await;
    host.deployed("v3").await;
    host.roll_back(&[]).await;
    host.deployed("v4").await;
    host.roll_back(&[]).await;
    host.assert_runs(&before);
}

#[tokio::test(start_paused = true)]
async fn a_start_after_a_rollback_does_not_change_what_is_selected() {
    let host = Fixture::new();
    let first = host.deployed("v1").await;
    host.deployed("v2").await;
    host.deployed("v3").await;
    host.roll_back(&[]).await;
    host.systemd.run(Verb::Stop, &[service(0)]).await.unwrap();
    host.apply().await.unwrap();
    assert_eq!(host.selected(None, &[]), Some(first));
}

#[tokio::test(start_paused = true)]
async fn a_deploy_of_an_old_release_makes_it_the_newest() {
    let host = Fixture::new();
    let first = host.deployed("v1").await;
    let second = host.deployed("v2").await;
    host.deploy(&first).await.unwrap();
    assert_eq!(host.store().history().unwrap(), [second.clone(), first]);
    host.roll_back(&[]).await;
    host.assert_runs(&second);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_is_not_here_is_nothing_to_roll_back_to() {
    let host = Fixture::new();
    host.deployed("v1").await;
    let nothing = select(host.context(), Some("zz"), &[], &[]).unwrap();
    assert_eq!(
        nothing,
        Selection::Nothing("node1: no release starts with zz".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_host_with_one_release_has_nothing_to_roll_back_to_and_that_is_no_failure() {
    let host = Fixture::new();
    host.deployed("v1").await;
    host.requests();
    let nothing = select(host.context(), None, &[], &[]).unwrap();
    assert_eq!(
        nothing,
        Selection::Nothing("node1: no earlier release".to_owned())
    );
    assert_eq!(host.requests(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_was_interrupted_is_continued() {
    let host = Fixture::new();
    let first = host.deployed("v1").await;
    let second = host.deployed("v2").await;
    let third = host.deployed("v3").await;
    host.store().select(&second).unwrap();
    host.systemd.start(&service(0), 0);
    assert_eq!(host.selected(None, &[]), Some(second.clone()));
    host.requests();
    host.roll_back(&[]).await;
    assert_eq!(host.requests().len(), 2);
    host.assert_runs(&second);
    assert_eq!(host.selected(None, &[]), Some(first));
    assert_eq!(host.selected(Some(&third), &[]), Some(third));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_whose_run_did_not_finish_is_continued() {
    let host = Fixture::new();
    let first = host.deployed("v1").await;
    let second = host.deployed("v2").await;
    let third = host.deployed("v3").await;
    let unfinished = host.roll_back(&[]).await.moves;
    assert_eq!(host.selected(None, &unfinished), Some(second.clone()));
    assert_eq!(host.selected(None, &[]), Some(first));
    // However often it is interrupted.
    let again = host.roll_back(&unfinished).await.moves;
    assert_eq!(again[0].previous, Some(third));
    assert_eq!(host.selected(None, &again), Some(second));
}

#[tokio::test(start_paused = true)]
async fn a_deploy_whose_run_did_not_finish_is_undone_by_a_rollback() {
    let host = Fixture::new();
    host.deployed("v1").await;
    let second = host.deployed("v2").await;
    let third = host.admit("v3");
    let unfinished = host.deploy(&third).await.unwrap().moves;
    assert_eq!(host.selected(None, &unfinished), Some(second));
}

#[tokio::test(start_paused = true)]
async fn a_host_without_the_selected_app_has_nothing_to_do() {
    let host = Fixture::new();
    host.deployed("v1").await;
    let selected = select(host.context(), None, &["elsewhere".to_owned()], &[]).unwrap();
    assert_eq!(selected, Selection::Releases(BTreeMap::new()));
}

#[tokio::test(start_paused = true)]
async fn a_missing_artifact_names_the_command_that_builds_it() {
    let host = Fixture::new();
    let artifacts = BTreeMap::from([(APP.to_owned(), String::new())]);
    let failure = lacking(host.context(), &artifacts, Which::All).unwrap_err();
    let expected = "the artifact of randoms does not exist; run: cargo build";
    assert_eq!(failure.message, expected);
}

#[tokio::test(start_paused = true)]
async fn artifacts_that_are_not_here_are_lacking() {
    let host = Fixture::new();
    let artifacts = BTreeMap::from([(APP.to_owned(), "a1".repeat(32))]);
    let lacking = |which| lacking(host.context(), &artifacts, which).unwrap();
    assert_eq!(lacking(Which::All), [APP]);
    assert_eq!(lacking(Which::FirstReleases), [APP]);
    host.deployed("v1").await;
    assert_eq!(lacking(Which::All), [APP]);
    assert_eq!(lacking(Which::FirstReleases), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_change_of_another_app_does_not_affect_what_is_selected() {
    let host = Fixture::new();
    let first = host.deployed("v1").await;
    let second = host.deployed("v2").await;
    let change = Move {
        app: "web".to_owned(),
        release: second,
        ..Move::default()
    };
    assert_eq!(host.selected(None, &[change]), Some(first));
}
