//! A lab leaves nothing behind, however its maker ends.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use lab::{HostPlan, Lab, cgroup, command, process, state, tools};

/// Set for the copy of this test that is killed.
const VICTIM: &str = "LAB_REMOVAL_VICTIM";

/// Reports a skip, or fails where skipping is forbidden; tells whether to go on.
fn lab_is_possible() -> bool {
    let missing = tools::missing();
    assert!(
        missing.is_empty() || !tools::skipping_is_forbidden(),
        "no lab here: {missing:?}"
    );
    if !missing.is_empty() {
        let _ = writeln!(std::io::stderr(), "skipped, no lab here: {missing:?}");
    }
    missing.is_empty()
}

fn boot() -> Lab {
    Lab::boot(&[HostPlan::new("node1", "192.168.56.11")]).unwrap()
}

/// Namespaces, mounts, processes and the folder of lab `name`.
fn remains(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let namespaces = command::words("ip netns list").unwrap();
    let folder = Path::new(state::ROOT).join(name);
    for line in mounts.lines().chain(namespaces.lines()) {
        if line.contains(&format!("{name}-")) || line.contains(&format!("{}/", folder.display())) {
            found.push(line.to_owned());
        }
    }
    for id in process::with_argument(&format!("--machine={name}-node1")) {
        found.push(format!("process {id}"));
    }
    let groups = cgroup::places(&format!("{name}-node1")).unwrap();
    found.extend(groups.into_iter().filter_map(|group| {
        let there = group.exists();
        there.then(|| group.display().to_string())
    }));
    if folder.exists() {
        found.push(folder.display().to_string());
    }
    found
}

#[test]
fn a_dropped_lab_leaves_nothing() {
    if !lab_is_possible() {
        return;
    }
    let lab = boot();
    let name = lab.name().to_owned();
    assert!(remains(&name).len() >= 5, "{:?}", remains(&name));
    assert_eq!(lab.hosts()[0].shell("hostname").unwrap(), "node1");
    drop(lab);
    assert_eq!(remains(&name), [""; 0]);
}

#[test]
fn what_a_killed_run_left_is_swept() {
    if std::env::var_os(VICTIM).is_some() {
        let lab = boot();
        let _ = writeln!(std::io::stderr(), "booted {}", lab.name());
        loop {
            std::thread::park();
        }
    }
    if !lab_is_possible() {
        return;
    }
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "what_a_killed_run_left_is_swept"])
        .env(VICTIM, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stderr.take().unwrap()).lines();
    let name = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("booted ").map(str::to_owned))
        .expect("the victim boots");
    state::sweep();
    assert!(remains(&name).len() >= 4, "a living lab was swept");
    victim.kill().unwrap();
    victim.wait().unwrap();
    state::sweep();
    assert_eq!(remains(&name), [""; 0]);
}
