//! Checks every rendered nginx.conf with gixy, a linter for nginx configuration.
//!
//! `scripts/tools` installs the pinned version below `target/`.

#![allow(clippy::print_stderr)] // A skipped test is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use genconf::diagnostic::Diagnostics;
use genconf::source::Source;
use genconf::{generate, render};
use serde_yaml::Value;

/// The topologies with a finding.
enum Topologies {
    /// All topologies with nginx.
    All,
    /// The named topologies.
    Only(&'static [&'static str]),
}

/// Known false positives: the check, the line, and the topologies. gixy prints no findings for a file
/// that it cannot parse.
const FALSE_POSITIVES: &[(&str, &str, Topologies)] = &[
    // LimitNOFILE= of the unit sets the limit. The directive would need setrlimit(2), which
    // SystemCallFilter= of the unit forbids.
    (
        "worker_rlimit_nofile_vs_connections",
        "worker_connections 8192;",
        Topologies::All,
    ),
    // The variable has the name of one of the upstreams in the file, never a host name: nginx
    // resolves nothing. gixy cannot follow a variable that a map completes.
    (
        "missing_resolver",
        "proxy_pass $destination;",
        Topologies::Only(&[
            "containers",
            "node-app",
            "reference",
            "rewrite",
            "topology",
            "two-hosts",
        ]),
    ),
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Path of gixy; `None` if it is not installed.
fn gixy() -> Option<PathBuf> {
    let program = repository().join("target/gixy/bin/gixy");
    if program.is_file() {
        return Some(program);
    }
    let ci = std::env::var_os("CI").is_some_and(|v| v == "true");
    assert!(!ci, "gixy is not installed: run scripts/tools check");
    eprintln!("skipped: gixy is not installed, scripts/tools check installs it");
    None
}

/// Every topology of the repository, and one with TLS on Debian 13, by name.
fn topologies() -> BTreeMap<String, String> {
    let read = |path: &Path| fs::read_to_string(path).expect("is readable");
    let name = |path: &Path| path.file_stem().expect("has a name").display().to_string();
    let folder = fs::read_dir(repository().join("topologies")).expect("is readable");
    let mut all: BTreeMap<_, _> = folder
        .map(|entry| entry.expect("is readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .chain([repository().join("topology.yaml")])
        .map(|path| (name(&path), read(&path)))
        .collect();
    let newer = all["tls"].replace("192.168.56.11", "192.168.56.11, os: debian13");
    all.insert("tls-debian13".to_owned(), newer);
    all
}

/// Every nginx.conf that is rendered from a topology.
fn rendered(topology: &str) -> Vec<String> {
    let renderers = render::embedded().expect("the embedded templates are valid");
    let source = Source::new("topology.yaml", topology);
    let made = generate(&source, ".", &renderers, &mut Diagnostics::default());
    let made = made.expect("the topology is valid");
    let texts = made.tree.iter();
    texts
        .filter(|(path, _)| path.as_str().ends_with("/nginx.conf"))
        .map(|(_, artifact)| String::from_utf8_lossy(&artifact.bytes).into_owned())
        .collect()
}

/// The findings in a configuration: check and line.
fn findings(gixy: &Path, configuration: &str) -> BTreeSet<(String, String)> {
    let folder = tempfile::TempDir::new().expect("a folder can be made");
    let file = folder.path().join("nginx.conf");
    fs::write(&file, configuration).expect("can be written");
    let output = Command::new(gixy)
        .args(["--format", "json"])
        .arg(&file)
        .output()
        .expect("gixy starts");
    let printed: Value = serde_yaml::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    let list = printed.as_sequence().expect("gixy prints a list");
    list.iter()
        .map(|finding| {
            let line = finding["line"]
                .as_u64()
                .and_then(|n| usize::try_from(n).ok());
            let line = line.and_then(|n| configuration.lines().nth(n.checked_sub(1)?));
            let check = finding["plugin"].as_str().unwrap_or_default();
            (check.to_owned(), line.unwrap_or_default().trim().to_owned())
        })
        .collect()
}

#[test]
fn only_known_false_positives_are_found() {
    let Some(gixy) = gixy() else { return };
    let mut found: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let mut with_nginx = Vec::new();
    for (name, topology) in topologies() {
        for configuration in rendered(&topology) {
            with_nginx.push(name.clone());
            for finding in findings(&gixy, &configuration) {
                found.entry(finding).or_default().push(name.clone());
            }
        }
    }
    let expected = FALSE_POSITIVES.iter().map(|(check, line, topologies)| {
        let names = match topologies {
            Topologies::All => with_nginx.clone(),
            Topologies::Only(names) => names.iter().map(|&name| name.to_owned()).collect(),
        };
        (((*check).to_owned(), (*line).to_owned()), names)
    });
    assert_eq!(found, expected.collect());
}

#[test]
fn a_public_status_page_is_found() {
    let Some(gixy) = gixy() else { return };
    let root = fs::read_to_string(repository().join("topology.yaml")).expect("is readable");
    let configuration = rendered(&root).concat();
    let open = configuration.replace("allow 127.0.0.1; deny all; stub_status;", "stub_status;");
    assert_ne!(open, configuration);
    let checks: Vec<String> = findings(&gixy, &open)
        .into_iter()
        .map(|(check, _)| check)
        .collect();
    assert!(
        checks.contains(&"status_page_exposed".to_owned()),
        "{checks:?}"
    );
}
