//! Topologies in the documentation are valid, and the validators accept the rendered files.

#![allow(clippy::print_stderr)] // A skipped check is printed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Keys to add to incomplete topologies.
const DEFAULTS: [(&str, &str); 6] = [
    ("version", "version: 1"),
    ("project", "project: shop"),
    ("hosts", "hosts: { a: { address: 192.0.2.1 } }"),
    ("apps", "apps: { web: { artifact: web, runtime: node } }"),
    ("pools", "pools: { web: { app: web, ports: [3001-3002] } }"),
    (
        "proxies",
        "proxies: { edge: { routes: [{ path: /, pool: web }] } }",
    ),
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The documentation pages.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![repository().join("README.md")];
    let mut directories = vec![repository().join("docs")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("is readable") {
            let path = entry.expect("is readable").path();
            if path.is_dir() && !path.ends_with("reference") {
                directories.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                pages.push(path);
            }
        }
    }
    pages
}

/// The YAML blocks of a page that are parts of a topology.
fn topologies(page: &str) -> Vec<String> {
    let blocks = page.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    blocks
        .filter(|block| DEFAULTS.iter().any(|(key, _)| has(block, key)))
        .map(str::to_owned)
        .collect()
}

fn has(block: &str, key: &str) -> bool {
    block.lines().any(|l| l.starts_with(&format!("{key}:")))
}

#[test]
fn topologies_in_the_documentation_are_valid() {
    let mut count = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("is readable");
        for block in topologies(&text) {
            let rest = DEFAULTS.iter().filter(|(key, _)| !has(&block, key));
            let rest: Vec<&str> = rest.map(|(_, line)| *line).collect();
            let folder = tempfile::TempDir::new().expect("a folder can be made");
            let file = folder.path().join("topology.yaml");
            fs::write(&file, format!("{}\n{block}", rest.join("\n"))).expect("can be written");
            let output = Command::new(env!("CARGO_BIN_EXE_genconf"))
                .args(["verify", "--only", "nginx,haproxy,systemd"])
                .arg(&file)
                .output()
                .expect("genconf starts");
            let report = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success(),
                "{}:\n{block}\n{report}{}",
                page.display(),
                String::from_utf8_lossy(&output.stderr)
            );
            if report.contains("skipped  ") {
                eprintln!("{}: {report}", page.display());
            }
            count += 1;
        }
    }
    assert!(count > 1, "only {count} topologies were found");
}
