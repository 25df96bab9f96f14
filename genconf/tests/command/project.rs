//! A temporary directory with a topology, and functions to run genconf in it.
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

pub(crate) const TOPOLOGY: &str = "\
version: 1
project: p
hosts: { a: { address: 192.0.2.1 } }
apps: { web: { artifact: web } }
pools: { web: { app: web, ports: [8080-8081] } }
proxies: { edge: { routes: [{ path: /, pool: web }] } }
";

pub(crate) fn genconf(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_genconf"))
        .args(args)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("genconf starts")
}

pub(crate) fn outcome(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}

pub(crate) fn project(topology: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder can be made");
    fs::write(folder.path().join("topology.yaml"), topology).expect("a file can be written");
    folder
}

/// Every file below `folder` with its contents, sorted by path.
pub(crate) fn snapshot(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("is readable") {
            let path = entry.expect("is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(folder)
                    .expect("is below")
                    .display()
                    .to_string();
                files.push((name, fs::read(&path).expect("is readable")));
            }
        }
    }
    files.sort();
    files
}
