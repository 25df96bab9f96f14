//! The command that builds the archive of a directory, run with a shell.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::{import, outcome};

/// One app in the topology's directory, and one below it.
const APPS: &str = r#"{"apps": [
    {"name": "web", "script": "./bin/www", "port": 4000},
    {"name": "api", "cwd": "my api", "script": "main.js", "port": 4001}
]}"#;

fn write(folder: &Path, name: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("has a folder")).expect("can be made");
    fs::write(path, name).expect("can be written");
}

fn build(folder: &Path, command: &str) {
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .output();
    let (code, _, err) = outcome(&output.expect("sh starts"));
    assert_eq!((code, err.as_str()), (0, ""), "{command}");
}

fn names(archive: &Path) -> Vec<String> {
    let output = Command::new("tar").arg("-tzf").arg(archive).output();
    let (code, out, err) = outcome(&output.expect("tar starts"));
    assert_eq!(code, 0, "{err}");
    let files = out.lines().filter(|l| !l.ends_with('/'));
    let mut names: Vec<_> = files.map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn an_archive_contains_its_directory_without_archives_and_is_reproducible() {
    let folder = TempDir::new().expect("a folder can be made");
    let path = folder.path();
    for name in [
        "bin/www",
        ".env",
        ".git/HEAD",
        "node_modules/a/index.js",
        "my api/main.js",
    ] {
        write(path, name);
    }
    fs::write(path.join("e.json"), APPS).expect("can be written");
    let (code, out, err) = outcome(&import(path, &["pm2", "e.json"]));
    assert_eq!(code, 0, "{err}");
    let read: serde_yaml::Value = serde_yaml::from_str(&out).expect("is YAML");
    let command = |app: &str| {
        read["apps"][app]["build"]
            .as_str()
            .expect("is built")
            .to_owned()
    };
    let both = || {
        build(path, &command("api"));
        build(path, &command("web"));
        fs::read(path.join("web.tar.gz")).expect("is readable")
    };
    assert_eq!(both(), both());
    let own = [
        "./.env",
        "./bin/www",
        "./e.json",
        "./my api/main.js",
        "./node_modules/a/index.js",
    ];
    assert_eq!(names(&path.join("web.tar.gz")), own);
    assert_eq!(names(&path.join("api.tar.gz")), ["./main.js"]);
}
