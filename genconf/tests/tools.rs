//! What the real tools say of every topology in the repository, and that their refusal is heard.

#![allow(clippy::print_stderr)] // A skipped test says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn verify(topology: &Path, only: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_genconf"))
        .args(["verify", "--only", only])
        .arg(topology)
        .current_dir(repository())
        .output()
        .expect("genconf starts")
}

fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_topology_is_accepted() {
    let folder = fs::read_dir(repository().join("topologies")).expect("is readable");
    let files = folder.map(|e| e.expect("is readable").path());
    for topology in files.filter(|p| p.extension().is_some_and(|e| e == "yaml")) {
        let output = verify(&topology, "nginx,haproxy,systemd,vagrant");
        let said = talk(&output);
        assert!(output.status.success(), "{}: {said}", topology.display());
        if said.contains("not asked  ") {
            eprintln!("{}: {said}", topology.display());
        }
    }
}

#[test]
fn a_refusal_is_told_with_the_line_of_the_topology() {
    let text = fs::read_to_string(repository().join("topologies/tls.yaml")).expect("is readable");
    let folder = tempfile::TempDir::new().expect("a folder can be made");
    let topology = folder.path().join("t.yaml");
    fs::write(&topology, text.replace("gzip on;", "gzipp on;")).expect("can be written");
    let output = verify(&topology, "nginx");
    let said = talk(&output);
    if said.contains("nginx is not installed") {
        eprintln!("skipped: nginx is not installed");
        return;
    }
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("unknown directive \"gzipp\""), "{said}");
    assert!(
        said.contains("t.yaml:31:16: proxies.edge.extra.server.0"),
        "{said}"
    );
    assert!(said.contains("as written nginx/edge: gzipp on;"), "{said}");
}

#[test]
fn a_tool_that_is_missing_is_told_and_under_ci_a_failure() {
    let run = |ci: &str| {
        Command::new(env!("CARGO_BIN_EXE_genconf"))
            .args(["verify", "--only", "vagrant", "topology.yaml"])
            .current_dir(repository())
            .env("PATH", "/nonexistent")
            .env("CI", ci)
            .output()
            .expect("genconf starts")
    };
    let lenient = run("");
    assert_eq!(lenient.status.code(), Some(0));
    assert!(
        talk(&lenient).contains("ruby is not installed"),
        "{}",
        talk(&lenient)
    );
    assert_eq!(run("true").status.code(), Some(3));
}
