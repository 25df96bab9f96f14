//! Cluster mode: the supervisor and its workers.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use super::client::{Client, get};
use super::load::Load;
use super::process::{Process, RANDOMS, command, descriptors, runs, wait_until};

fn kill(pid: i32, signal: Signal) {
    let pid = Pid::from_raw(pid).expect("a pid");
    // Fails if the process has exited.
    let _ = kill_process(pid, signal);
}

fn cluster(workers: &str, more: &[&str]) -> Process {
    let arguments = [&["--mode", "Cluster", "--workers", workers], more].concat();
    Process::start(&arguments)
}

#[test]
fn supervisor_is_ready_when_all_workers_are() {
    let supervisor = cluster("3", &[]);
    let address = supervisor.address();
    let workers = supervisor.children();
    assert_eq!(workers.len(), 3);
    let info = get(address, "/info").json();
    assert_eq!(info["mode"], "cluster");
    assert_eq!(info["workers"], 3);
    assert_eq!(info["parent"], supervisor.pid().as_raw_nonzero().get());
    let pid = info["pid"].as_i64().expect("a pid");
    assert!(workers.iter().any(|&worker| i64::from(worker) == pid));
    for pid in workers {
        supervisor.line(&format!("│ {pid}"), 1);
    }
}

#[test]
fn max_is_one_worker_per_cpu() {
    let supervisor = cluster("max", &[]);
    supervisor.address();
    let cpus = std::thread::available_parallelism().expect("CPUs");
    assert_eq!(supervisor.children().len(), cpus.get());
}

#[test]
fn killed_worker_is_replaced() {
    let supervisor = cluster("2", &[]);
    let address = supervisor.address();
    let before = supervisor.children();
    let victim = *before.first().expect("a worker");
    kill(victim, Signal::KILL);
    supervisor.line("processes", 2);
    let after = supervisor.children();
    assert_eq!(after.len(), 2);
    assert!(!after.contains(&victim));
    assert_eq!(get(address, "/health").status, 200);
}

#[test]
fn killed_worker_drops_only_its_requests_in_flight() {
    const CLIENTS: usize = 8;
    let supervisor = cluster("2", &["--respawn", "0ms"]);
    let load = Load::start(supervisor.address(), CLIENTS);
    let mut victims = BTreeSet::new();
    for round in 1..=10 {
        load.wait_for_responses(500);
        let victim = *supervisor.children().first().expect("a worker");
        victims.insert(format!("cluster-{victim}"));
        kill(victim, Signal::KILL);
        supervisor.line("processes", round + 1);
    }
    load.wait_for_responses(500);
    let summary = load.finish();
    for failure in &summary.failures {
        let is_of_a_victim = failure
            .served_by
            .as_ref()
            .is_none_or(|name| victims.contains(name));
        assert!(is_of_a_victim, "{failure:?}");
    }
    // Each client has one request in flight, and fails at most once per round.
    assert!(summary.failures.len() <= CLIENTS * 10, "{summary:?}");
    assert!(
        summary.answered >= 5_500 && summary.refused == 0,
        "{summary:?}"
    );
}

#[test]
fn thousand_replacements_leak_no_descriptor_and_no_zombie() {
    let supervisor = cluster("4", &["--respawn", "0ms"]);
    supervisor.address();
    let descriptors_before = descriptors(supervisor.pid());
    let mut replaced = 0;
    while replaced < 1000 {
        let before = supervisor.children();
        for &pid in &before {
            kill(pid, Signal::KILL);
        }
        wait_until("all workers are new", || {
            let now = supervisor.children();
            now.len() == 4 && now.is_disjoint(&before)
        });
        replaced += before.len();
    }
    let mut workers = BTreeSet::new();
    wait_until("all workers are ready", || {
        workers = supervisor.children();
        workers.len() == 4 && descriptors(supervisor.pid()) == descriptors_before
    });
    assert!(workers.iter().all(|&pid| runs(pid)));
}

#[test]
fn restart_delay_of_a_crashing_worker_doubles() {
    let supervisor = cluster("1", &["--respawn", "50ms"]);
    supervisor.address();
    for round in 1..=4 {
        let victim = *supervisor.children().first().expect("a worker");
        kill(victim, Signal::KILL);
        supervisor.line("processes", round + 1);
    }
    for delay in [0, 50, 100, 200] {
        supervisor.line(&format!("restarting in {delay} ms"), 1);
    }
}

#[test]
fn unresponsive_worker_is_killed_and_replaced() {
    let mut start = command(&[
        "--listen",
        "127.0.0.1:0",
        "--mode",
        "cluster",
        "--workers",
        "2",
    ]);
    let supervisor = Process::spawn(start.env("WATCHDOG_USEC", "2000000"));
    supervisor.address();
    let victim = *supervisor.children().first().expect("a worker");
    kill(victim, Signal::STOP);
    supervisor.line(&format!("(pid {victim}) killed: ping timeout"), 1);
    supervisor.line("processes", 2);
    assert!(!supervisor.children().contains(&victim));
}

#[test]
fn workers_exit_when_the_supervisor_is_killed() {
    let mut supervisor = cluster("3", &[]);
    let address = supervisor.address();
    let workers = supervisor.children();
    let mut client = Client::connect(address).expect("a connection");
    client.get("/health").expect("a response");
    supervisor.signal(Signal::KILL);
    supervisor.wait();
    wait_until("all workers have exited", || {
        !workers.iter().any(|&pid| runs(pid))
    });
    assert!(client.is_closed());
}

#[test]
fn workers_exit_when_the_supervisor_is_killed_during_start() {
    for _ in 0..20 {
        let mut supervisor = cluster("4", &[]);
        let mut workers = BTreeSet::new();
        wait_until("workers are starting", || {
            workers.extend(supervisor.children());
            workers.len() >= 2
        });
        workers.extend(supervisor.children());
        supervisor.signal(Signal::KILL);
        supervisor.wait();
        wait_until("all workers have exited", || {
            !workers.iter().any(|&pid| runs(pid))
        });
    }
}

#[test]
fn worker_without_its_supervisor_does_not_start() {
    let mut orphan = command(&["--listen", "127.0.0.1:0", "--mode", "cluster"]);
    orphan.env("RANDOMS_INHERITED", "2147483647 3 1 1 1000");
    let output = orphan.output().expect("output");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("has exited"));
}

#[test]
fn sigterm_stops_all_workers() {
    let mut supervisor = cluster("3", &[]);
    supervisor.address();
    let workers = supervisor.children();
    supervisor.stop();
    assert!(!workers.iter().any(|&pid| runs(pid)));
}

#[test]
fn worker_that_does_not_stop_is_killed() {
    let mut supervisor = cluster("2", &["--drain", "100ms"]);
    supervisor.address();
    let victim = *supervisor.children().first().expect("a worker");
    kill(victim, Signal::STOP);
    supervisor.signal(Signal::TERM);
    supervisor.line(&format!("(pid {victim}) killed: stop timeout"), 1);
    assert!(supervisor.wait().success());
    assert!(!runs(victim));
}

/// Replaces `path` with a copy of `content`, without writing to a running executable.
fn replace(path: &Path, content: &Path) {
    let copy = path.with_extension("new");
    fs::copy(content, &copy).expect("a copy");
    fs::rename(&copy, path).expect("a rename");
}

#[test]
fn sighup_starts_the_current_executable() {
    let directory = tempfile::tempdir().expect("a directory");
    let [old, new] = ["1", "2"].map(|release| directory.path().join(release));
    for release in [&old, &new] {
        fs::create_dir(release).expect("a release");
        replace(&release.join("randoms"), Path::new(RANDOMS));
    }
    let current = directory.path().join("current");
    std::os::unix::fs::symlink(&old, &current).expect("a link");
    let mut start = std::process::Command::new(current.join("randoms"));
    start.args([
        "--listen",
        "127.0.0.1:0",
        "--mode",
        "cluster",
        "--workers",
        "2",
    ]);
    let supervisor = Process::spawn(&mut start);
    let address = supervisor.address();
    let executable = || get(address, "/info").json()["executable"].clone();
    assert_eq!(executable(), old.join("randoms").to_str().expect("text"));
    fs::remove_file(&current).expect("no link");
    std::os::unix::fs::symlink(&new, &current).expect("a link");
    supervisor.signal(Signal::HUP);
    supervisor.line("processes", 2);
    assert_eq!(executable(), new.join("randoms").to_str().expect("text"));
}

#[test]
fn sighup_with_a_broken_executable_keeps_the_old_workers() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = directory.path().join("randoms");
    replace(&program, Path::new(RANDOMS));
    let mut start = std::process::Command::new(&program);
    start.args([
        "--listen",
        "127.0.0.1:0",
        "--mode",
        "cluster",
        "--workers",
        "2",
    ]);
    let supervisor = Process::spawn(&mut start);
    let address = supervisor.address();
    let before = supervisor.children();
    replace(&program, Path::new("/bin/false"));
    supervisor.signal(Signal::HUP);
    supervisor.line("rolling restart canceled", 1);
    wait_until("only the old workers are left", || {
        supervisor.children() == before
    });
    assert_eq!(get(address, "/health").status, 200);
    replace(&program, Path::new(RANDOMS));
    supervisor.signal(Signal::HUP);
    wait_until("all workers are new", || {
        let now = supervisor.children();
        now.len() == 2 && now.is_disjoint(&before)
    });
    let mut client = Client::connect(address).expect("a connection");
    assert_eq!(client.get("/health").expect("a response").status, 200);
}
