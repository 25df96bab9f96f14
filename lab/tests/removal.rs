//! Removal of labs, after they are dropped and after their process is killed.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use lab::{HostSettings, Lab, cgroup, command, prerequisites, process, runtime_directory};

/// Environment variable of the copy of this test that is killed.
const CHILD: &str = "LAB_REMOVAL_CHILD";

/// Whether a lab can run; otherwise reports the skip, or fails where skipping is forbidden.
fn can_run_lab() -> bool {
    let missing = prerequisites::missing();
    assert!(
        missing.is_empty() || !prerequisites::skipping_is_forbidden(),
        "no lab can run: {missing:?}"
    );
    if !missing.is_empty() {
        let _ = writeln!(std::io::stderr(), "skipped, no lab can run: {missing:?}");
    }
    missing.is_empty()
}

fn boot() -> Lab {
    Lab::boot(&[HostSettings::new("node1", "192.168.56.11")]).unwrap()
}

/// Namespaces, mounts, processes, control groups, and the directory of lab `name`.
fn resources(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let namespaces = command::run_line("ip netns list").unwrap();
    let directory = Path::new(runtime_directory::ROOT).join(name);
    for line in mounts.lines().chain(namespaces.lines()) {
        if line.contains(&format!("{name}-")) || line.contains(&format!("{}/", directory.display()))
        {
            found.push(line.to_owned());
        }
    }
    for id in process::with_argument(&format!("--machine={name}-node1")) {
        found.push(format!("process {id}"));
    }
    let groups = cgroup::paths(&format!("{name}-node1")).unwrap();
    found.extend(groups.into_iter().filter_map(|group| {
        let exists = group.exists();
        exists.then(|| group.display().to_string())
    }));
    if directory.exists() {
        found.push(directory.display().to_string());
    }
    found
}

#[test]
fn a_dropped_lab_is_removed() {
    if !can_run_lab() {
        return;
    }
    let lab = boot();
    let name = lab.name().to_owned();
    assert!(resources(&name).len() >= 5, "{:?}", resources(&name));
    assert_eq!(lab.hosts()[0].shell("hostname").unwrap(), "node1");
    drop(lab);
    assert_eq!(resources(&name), [""; 0]);
}

#[test]
fn a_lab_of_a_killed_process_is_removed() {
    if std::env::var_os(CHILD).is_some() {
        let lab = boot();
        let _ = writeln!(std::io::stderr(), "booted {}", lab.name());
        loop {
            std::thread::park();
        }
    }
    if !can_run_lab() {
        return;
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "a_lab_of_a_killed_process_is_removed",
        ])
        .env(CHILD, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let name = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("booted ").map(str::to_owned))
        .expect("the child process boots a lab");
    runtime_directory::remove_abandoned();
    assert!(resources(&name).len() >= 4, "a running lab was removed");
    child.kill().unwrap();
    child.wait().unwrap();
    runtime_directory::remove_abandoned();
    assert_eq!(resources(&name), [""; 0]);
}
