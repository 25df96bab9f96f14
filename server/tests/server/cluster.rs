//! The master and its workers.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use super::client::{Client, get};
use super::load::Load;
use super::process::{Process, RANDOMS, command, descriptors, runs, until};

fn kill(pid: i32, signal: Signal) {
    let pid = Pid::from_raw(pid).expect("a pid");
    // It may have ended by itself.
    let _ = kill_process(pid, signal);
}

fn cluster(workers: &str, more: &[&str]) -> Process {
    let arguments = [&["--mode", "Cluster", "--workers", workers], more].concat();
    Process::start(&arguments)
}

#[test]
fn master_is_ready_when_all_workers_are() {
    let master = cluster("3", &[]);
    let address = master.address();
    let workers = master.children();
    assert_eq!(workers.len(), 3);
    let info = get(address, "/info").json();
    assert_eq!(info["mode"], "cluster");
    assert_eq!(info["workers"], 3);
    assert_eq!(info["parent"], master.pid().as_raw_nonzero().get());
    let pid = info["pid"].as_i64().expect("a pid");
    assert!(workers.iter().any(|&worker| i64::from(worker) == pid));
    for pid in workers {
        master.line(&format!("│ {pid}"), 1);
    }
}

#[test]
fn max_is_one_worker_for_each_processor() {
    let master = cluster("max", &[]);
    master.address();
    let processors = std::thread::available_parallelism().expect("processors");
    assert_eq!(master.children().len(), processors.get());
}

#[test]
fn dead_worker_is_replaced() {
    let master = cluster("2", &[]);
    let address = master.address();
    let before = master.children();
    let victim = *before.first().expect("a worker");
    kill(victim, Signal::KILL);
    master.line("processes", 2);
    let after = master.children();
    assert_eq!(after.len(), 2);
    assert!(!after.contains(&victim));
    assert_eq!(get(address, "/health").status, 200);
}

#[test]
fn killed_worker_costs_at_most_what_it_was_answering() {
    const CLIENTS: usize = 8;
    let master = cluster("2", &["--respawn", "0ms"]);
    let load = Load::start(master.address(), CLIENTS);
    let mut victims = BTreeSet::new();
    for round in 1..=10 {
        load.go_on(500);
        let victim = *master.children().first().expect("a worker");
        victims.insert(format!("cluster-{victim}"));
        kill(victim, Signal::KILL);
        master.line("processes", round + 1);
    }
    load.go_on(500);
    let account = load.finish();
    for failure in &account.failures {
        let is_of_a_victim = failure
            .served_by
            .as_ref()
            .is_none_or(|name| victims.contains(name));
        assert!(is_of_a_victim, "{failure:?}");
    }
    // Each client has one request under way, and none is hit twice a round.
    assert!(account.failures.len() <= CLIENTS * 10, "{account:?}");
    assert!(
        account.answered >= 5_500 && account.refused == 0,
        "{account:?}"
    );
}

#[test]
fn no_descriptor_and_no_zombie_is_left_by_a_thousand_replacements() {
    let master = cluster("4", &["--respawn", "0ms"]);
    master.address();
    let descriptors_before = descriptors(master.pid());
    let mut replaced = 0;
    while replaced < 1000 {
        let before = master.children();
        for &pid in &before {
            kill(pid, Signal::KILL);
        }
        until("all workers are new", || {
            let now = master.children();
            now.len() == 4 && now.is_disjoint(&before)
        });
        replaced += before.len();
    }
    let mut settled = BTreeSet::new();
    until("all workers answer themselves", || {
        settled = master.children();
        settled.len() == 4 && descriptors(master.pid()) == descriptors_before
    });
    assert!(settled.iter().all(|&pid| runs(pid)));
}

#[test]
fn worker_that_keeps_dying_is_replaced_ever_later_and_then_again() {
    let master = cluster("1", &["--respawn", "50ms"]);
    master.address();
    for round in 1..=4 {
        let victim = *master.children().first().expect("a worker");
        kill(victim, Signal::KILL);
        master.line("processes", round + 1);
    }
    for pause in [0, 50, 100, 200] {
        master.line(&format!("replaced in {pause} ms"), 1);
    }
}

#[test]
fn hung_worker_is_killed_and_replaced() {
    let mut start = command(&[
        "--listen",
        "127.0.0.1:0",
        "--mode",
        "cluster",
        "--workers",
        "2",
    ]);
    let master = Process::spawn(start.env("WATCHDOG_USEC", "2000000"));
    master.address();
    let victim = *master.children().first().expect("a worker");
    kill(victim, Signal::STOP);
    master.line(&format!("(pid {victim}) hangs; killed"), 1);
    master.line("processes", 2);
    assert!(!master.children().contains(&victim));
}

#[test]
fn no_worker_outlives_a_killed_master() {
    let mut master = cluster("3", &[]);
    let address = master.address();
    let workers = master.children();
    let mut client = Client::connect(address).expect("a connection");
    client.get("/health").expect("an answer");
    master.signal(Signal::KILL);
    master.wait();
    until("all workers have ended", || {
        !workers.iter().any(|&pid| runs(pid))
    });
    assert!(client.is_ended());
}

#[test]
fn no_worker_outlives_a_master_killed_while_starting() {
    for _ in 0..20 {
        let mut master = cluster("4", &[]);
        let mut workers = BTreeSet::new();
        until("workers are starting", || {
            workers.extend(master.children());
            workers.len() >= 2
        });
        workers.extend(master.children());
        master.signal(Signal::KILL);
        master.wait();
        until("all workers have ended", || {
            !workers.iter().any(|&pid| runs(pid))
        });
    }
}

#[test]
fn worker_without_its_master_does_not_begin() {
    let mut orphan = command(&["--listen", "127.0.0.1:0", "--mode", "cluster"]);
    orphan.env("RANDOMS_INHERITED", "2147483647 3 1 1 1000");
    let output = orphan.output().expect("output");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is gone"));
}

#[test]
fn sigterm_ends_everybody() {
    let mut master = cluster("3", &[]);
    master.address();
    let workers = master.children();
    master.stop();
    assert!(!workers.iter().any(|&pid| runs(pid)));
}

#[test]
fn worker_that_does_not_leave_is_killed() {
    let mut master = cluster("2", &["--drain", "100ms"]);
    master.address();
    let victim = *master.children().first().expect("a worker");
    kill(victim, Signal::STOP);
    master.signal(Signal::TERM);
    master.line(&format!("(pid {victim}) does not leave; killed"), 1);
    assert!(master.wait().success());
    assert!(!runs(victim));
}

/// Puts `content` in place of `path` without writing into a running program.
fn replace(path: &Path, content: &Path) {
    let fresh = path.with_extension("new");
    fs::copy(content, &fresh).expect("a copy");
    fs::rename(&fresh, path).expect("a place");
}

#[test]
fn sighup_starts_the_program_that_is_on_disk_now() {
    let folder = tempfile::tempdir().expect("a folder");
    let [old, new] = ["1", "2"].map(|release| folder.path().join(release));
    for release in [&old, &new] {
        fs::create_dir(release).expect("a release");
        replace(&release.join("randoms"), Path::new(RANDOMS));
    }
    let current = folder.path().join("current");
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
    let master = Process::spawn(&mut start);
    let address = master.address();
    let executable = || get(address, "/info").json()["executable"].clone();
    assert_eq!(executable(), old.join("randoms").to_str().expect("text"));
    fs::remove_file(&current).expect("no link");
    std::os::unix::fs::symlink(&new, &current).expect("a link");
    master.signal(Signal::HUP);
    master.line("processes", 2);
    assert_eq!(executable(), new.join("randoms").to_str().expect("text"));
}

#[test]
fn sighup_with_a_broken_program_keeps_the_old_workers() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("randoms");
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
    let master = Process::spawn(&mut start);
    let address = master.address();
    let before = master.children();
    replace(&program, Path::new("/bin/false"));
    master.signal(Signal::HUP);
    master.line("replacing is given up", 1);
    until("only the old workers are left", || {
        master.children() == before
    });
    assert_eq!(get(address, "/health").status, 200);
    replace(&program, Path::new(RANDOMS));
    master.signal(Signal::HUP);
    until("all workers are new", || {
        let now = master.children();
        now.len() == 2 && now.is_disjoint(&before)
    });
    let mut client = Client::connect(address).expect("a connection");
    assert_eq!(client.get("/health").expect("an answer").status, 200);
}
