use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::Output;
use super::*;
use crate::deploy::tests::fixture::Fixture;
use crate::deploy::tests::processes::Processes;
use crate::deploy::tests::spec::{APP, one_app};
use crate::systemd::fake::Behavior;

struct Watched {
    host: Fixture,
    good: String,
    file: PathBuf,
    // Removed with it.
    _directory: tempfile::TempDir,
}

/// A host on a release, with a directory for the watched file.
async fn watched() -> Watched {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("randoms");
    let mut spec = one_app(3);
    spec.apps[0].watched_file = Some(file.clone());
    let host = Fixture::with(spec, Processes::Shown);
    let good = host.deployed("v1").await;
    Watched {
        host,
        good,
        file,
        _directory: directory,
    }
}

fn exits() -> Behavior {
    Behavior {
        active_after: None,
        exits: Some((Duration::from_millis(100), 3)),
        is_healthy: false,
    }
}

impl Watched {
    /// Writes a file; returns the release that it becomes.
    fn put(&self, content: &str) -> String {
        fs::write(&self.file, content).unwrap();
        release_of(&sha256_of(&self.file).unwrap()).to_owned()
    }

    async fn settle(&self) -> Result<Output, String> {
        settle(self.host.context(), APP).await
    }

    /// Calls this when the bad release starts first.
    fn when_it_fails(&self, bad: &str, act: impl Fn() + Send + 'static) {
        let starts = AtomicUsize::new(0);
        self.host.set_behavior(bad, move |_| {
            if starts.fetch_add(1, Ordering::Relaxed) == 0 {
                act();
            }
            exits()
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_put_there_is_deployed_and_stays_there() {
    let watched = watched().await;
    let release = watched.put("v2");
    watched.settle().await.unwrap();
    watched.host.assert_runs(&release);
    watched.host.assert_converged().await;
    assert_eq!(fs::read_to_string(&watched.file).unwrap(), "v2");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_runs_already_changes_nothing() {
    let watched = watched().await;
    watched.put("v1");
    watched.host.requests();
    assert_eq!(watched.settle().await.unwrap().text, "");
    assert_eq!(watched.host.requests(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_bad_file_fails_and_is_rolled_back() {
    let watched = watched().await;
    let bad = watched.put("v2");
    watched.host.set_behavior(&bad, |_| exits());
    let message = watched.settle().await.unwrap_err();
    assert!(message.contains(&format!("release {bad}: ")), "{message}");
    watched.host.assert_runs(&watched.good);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_replaces_a_bad_one_is_deployed_next() {
    let watched = watched().await;
    let bad = watched.put("v2");
    let file = watched.file.clone();
    watched.when_it_fails(&bad, move || fs::write(&file, "v3").unwrap());
    watched.settle().await.unwrap();
    let fixed = release_of(&sha256_of(&watched.file).unwrap()).to_owned();
    watched.host.assert_runs(&fixed);
    watched.host.assert_converged().await;
}

#[tokio::test(start_paused = true)]
async fn a_bad_file_that_is_removed_in_the_meantime_is_no_failure() {
    let watched = watched().await;
    let bad = watched.put("v2");
    let file = watched.file.clone();
    watched.when_it_fails(&bad, move || fs::remove_file(&file).unwrap());
    watched.settle().await.unwrap();
    watched.host.assert_runs(&watched.good);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_being_written_is_deployed_when_it_is_complete() {
    let watched = watched().await;
    let behaviors = Arc::new(AtomicUsize::new(0));
    let part = watched.put("v");
    let counted = behaviors.clone();
    watched.host.set_behavior(&part, move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Behavior::good()
    });
    let write = async {
        for content in ["v2", "v2.", "v2.0"] {
            sleep(QUIET_TIME / 2).await;
            watched.put(content);
        }
    };
    let (settled, ()) = tokio::join!(watched.settle(), write);
    settled.unwrap();
    let whole = release_of(&sha256_of(&watched.file).unwrap()).to_owned();
    watched.host.assert_runs(&whole);
    assert_eq!(behaviors.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn an_app_without_a_watched_file_is_an_error() {
    let host = Fixture::new();
    let message = settle(host.context(), APP).await.unwrap_err();
    assert_eq!(message, "randoms has no watched file");
}
