//! Restarts for changed files: decided by what processes were started with, not by times of files.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::fixture::{Fixture, unit_file};
use super::spec::service;

fn env_file() -> PathBuf {
    PathBuf::from("/etc/randoms/randoms.env")
}

fn set_time(host: &Fixture, path: &Path, time: SystemTime) {
    let file = fs::File::open(host.machine.root.resolve(path)).unwrap();
    file.set_modified(time).unwrap();
}

/// Applies the desired state; returns the requests.
async fn applied(host: &Fixture) -> Vec<String> {
    host.requests();
    host.apply().await.unwrap();
    host.requests()
}

fn restarts() -> Vec<String> {
    (0..3).map(|n| format!("restart {}", service(n))).collect()
}

#[tokio::test(start_paused = true)]
async fn other_times_of_files_restart_nothing() {
    let host = Fixture::new();
    host.write(&env_file(), "A=1\n");
    host.deployed("v1").await;
    let day = Duration::from_hours(24);
    for time in [SystemTime::now() + day, SystemTime::now() - day] {
        for path in [unit_file(&service(0)), env_file()] {
            set_time(&host, &path, time);
        }
        assert_eq!(applied(&host).await, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn other_content_restarts_each_instance_once_regardless_of_the_time_of_the_file() {
    let host = Fixture::new();
    host.write(&env_file(), "A=1\n");
    host.deployed("v1").await;
    let changes = [
        (unit_file(&service(0)), "[Service]\nExecStart=/bin/other\n"),
        (env_file(), "A=2\n"),
    ];
    for (path, content) in changes {
        host.write(&path, content);
        set_time(&host, &path, SystemTime::UNIX_EPOCH);
        assert_eq!(applied(&host).await, restarts(), "{}", path.display());
        assert_eq!(applied(&host).await, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_comment_in_a_unit_restarts_nothing() {
    let host = Fixture::new();
    host.deployed("v1").await;
    let path = unit_file(&service(0));
    host.write(&path, "# A comment.\n[Service]\nExecStart=/bin/app\n");
    assert_eq!(applied(&host).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_deploy_of_the_same_release_applies_changed_files() {
    let host = Fixture::new();
    let release = host.deployed("v1").await;
    host.write(&env_file(), "A=1\n");
    host.requests();
    host.deploy(&release).await.unwrap();
    assert_eq!(host.requests(), restarts());
}

#[tokio::test(start_paused = true)]
async fn an_instance_without_a_record_is_restarted_once() {
    let host = Fixture::new();
    host.deployed("v1").await;
    let state = host.machine.root.resolve(&host.host.paths.state);
    fs::remove_file(state.join("started.json")).unwrap();
    assert_eq!(applied(&host).await, restarts());
    assert_eq!(applied(&host).await, Vec::<String>::new());
}
