//! Two apps: all of them change, or none.

use std::collections::BTreeMap;

use super::super::{Options, Outcome, Selection, change, select};
use super::change::{exits, unhealthy};
use super::fixture::Fixture;
use super::processes::Processes;
use super::spec;
use crate::execution::{Failure, History};
use crate::systemd::fake::Behavior;

const APPS: [&str; 2] = ["randoms", "web"];

type Releases = BTreeMap<String, String>;

async fn host() -> Fixture {
    let host = Fixture::with(spec::two_apps(), Processes::Shown);
    for content in ["v1", "v2"] {
        let releases = admitted(&host, content);
        deploy(&host, &releases).await.unwrap();
    }
    host
}

fn admitted(host: &Fixture, content: &str) -> Releases {
    let release = |app: &str| host.admit_to(app, &format!("{app} {content}"));
    APPS.iter()
        .map(|app| ((*app).to_owned(), release(app)))
        .collect()
}

async fn deploy(host: &Fixture, releases: &Releases) -> Result<Outcome, Failure> {
    let outcome = change(host.context(), releases, Options::default()).await?;
    host.assert_converged().await;
    Ok(outcome)
}

/// By app, the current, the proven, and the recorded releases.
fn links(host: &Fixture) -> Vec<(Option<String>, Option<String>, Vec<String>)> {
    let links = |app: &&str| {
        let store = host.store_of(app);
        let history = store.history().unwrap();
        (store.current().unwrap(), store.proven().unwrap(), history)
    };
    APPS.iter().map(links).collect()
}

async fn roll_back(host: &Fixture, apps: &[&str]) -> Vec<String> {
    let apps: Vec<String> = apps.iter().map(|app| (*app).to_owned()).collect();
    let Selection::Releases(selected) = select(host.context(), None, &apps, &[]).unwrap() else {
        panic!("nothing is selected");
    };
    let releases = selected
        .into_iter()
        .map(|(app, to)| (app, to.unwrap()))
        .collect();
    let options = Options {
        history: History::Keep,
        ..Options::default()
    };
    let outcome = change(host.context(), &releases, options).await.unwrap();
    host.assert_converged().await;
    outcome.moves.into_iter().map(|change| change.app).collect()
}

#[tokio::test(start_paused = true)]
async fn all_are_rolled_back_if_none_is_named() {
    assert_eq!(roll_back(&host().await, &[]).await, APPS);
}

#[tokio::test(start_paused = true)]
async fn only_the_named_one_is_rolled_back() {
    let host = host().await;
    let before = links(&host);
    assert_eq!(roll_back(&host, &["web"]).await, ["web"]);
    assert_eq!(links(&host)[0], before[0]);
    assert_ne!(links(&host)[1].0, before[1].0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_second_one_undoes_the_first_one() {
    let host = host().await;
    let before = links(&host);
    for behavior in [exits(), unhealthy()] {
        let releases = admitted(&host, "v3");
        host.set_behavior(&releases["web"], move |_| behavior.clone());
        let failure = deploy(&host, &releases).await.unwrap_err();
        let message = failure.message;
        assert!(
            message.starts_with(&format!("node1: release {}: ", releases["web"])),
            "{message}"
        );
        for (_, proven, _) in &before {
            let expected = format!("node1: rolled back to release {}", proven.as_ref().unwrap());
            assert!(message.contains(&expected), "{message}");
        }
        assert_eq!(links(&host), before);
        host.assert_converged().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_instance_with_its_own_socket_starts_first() {
    let host = host().await;
    let releases = admitted(&host, "v3");
    host.requests();
    deploy(&host, &releases).await.unwrap();
    let expected = [
        "restart randoms-spread@8082.service",
        "restart randoms-spread@8083.service",
        "restart randoms-spread@8084.service",
        "restart randoms-web-8085@1.service",
        "restart randoms-web-8085@2.service",
    ];
    assert_eq!(host.requests(), expected);
}

#[tokio::test(start_paused = true)]
async fn workers_behind_one_socket_are_checked_more_than_once() {
    let host = host().await;
    let web = host.admit_to("web", "v3");
    host.checker.take_requests();
    deploy(&host, &Releases::from([("web".to_owned(), web)]))
        .await
        .unwrap();
    // One for the instance with its own socket, four for each worker behind the shared one.
    assert_eq!(host.checker.take_requests(), 1 + 2 * 2 * 4);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_unhealthy_is_not_hidden_by_a_healthy_one() {
    let host = host().await;
    let before = links(&host);
    let web = host.admit_to("web", "v3");
    host.set_behavior(&web, |unit| {
        if unit.ends_with("@2.service") {
            unhealthy()
        } else {
            Behavior::good()
        }
    });
    let failure = deploy(&host, &Releases::from([("web".to_owned(), web)]))
        .await
        .unwrap_err();
    assert_eq!(failure.instance.unwrap(), "randoms-web-8085@2.service");
    assert_eq!(links(&host), before);
    host.assert_converged().await;
}

#[tokio::test(start_paused = true)]
async fn the_socket_of_other_workers_stays_open_when_a_rollback_fails() {
    let host = host().await;
    let old = host.store_of("web").current().unwrap().unwrap();
    let web = host.admit_to("web", "v3");
    let is_worker = |unit: &str| unit.contains("-web-");
    host.set_behavior(&web, move |unit| {
        if is_worker(unit) {
            exits()
        } else {
            Behavior::good()
        }
    });
    host.set_behavior(&old, move |unit| {
        if is_worker(unit) {
            exits()
        } else {
            Behavior::good()
        }
    });
    deploy(&host, &Releases::from([("web".to_owned(), web)]))
        .await
        .unwrap_err();
    assert!(host.systemd.state("randoms-web-8085.socket").is_active());
    assert!(host.systemd.is_healthy("randoms-web-8085@2.service"));
}
