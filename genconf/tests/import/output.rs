//! Input from files and standard input, output to files and standard output.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::{fixtures, import, outcome};

#[test]
fn an_existing_file_is_not_overwritten() {
    let folder = TempDir::new().expect("a folder can be made");
    let input = fixtures().join("nginx-rewrite.conf");
    let args = [
        "nginx",
        input.to_str().expect("is UTF-8"),
        "-t",
        "topology.yaml",
    ];
    assert_eq!(import(folder.path(), &args).status.code(), Some(0));
    fs::write(folder.path().join("topology.yaml"), "existing").expect("can be written");
    let (code, out, err) = outcome(&import(folder.path(), &args));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains("error: topology.yaml already exists\n"),
        "{err}"
    );
    let kept = fs::read_to_string(folder.path().join("topology.yaml")).expect("is readable");
    assert_eq!(kept, "existing");
}

#[test]
fn a_topology_is_written_with_its_schema() {
    let folder = TempDir::new().expect("a folder can be made");
    let input = fixtures().join("nginx-rewrite.conf");
    let input = input.to_str().expect("is UTF-8");
    let (code, out, err) = outcome(&import(folder.path(), &["nginx", input, "-t", "t.yaml"]));
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("is readable");
    let text = read("t.yaml");
    let (first, rest) = text.split_once("\n#\n").expect("has a first line");
    assert_eq!(
        first,
        "# yaml-language-server: $schema=topology.schema.json"
    );
    let (_, printed, _) = outcome(&import(folder.path(), &["nginx", input]));
    assert_eq!(rest, printed);
    assert!(read("topology.schema.json").contains("genconf topology"));
}

#[test]
fn standard_input_is_read_like_a_file() {
    for (tool, name) in [
        ("nginx", "nginx-all-files.dump"),
        ("pm2", "pm2-anchors.yml"),
        ("pm2", "pm2-process.json"),
        ("procfile", "procfile-ports.Procfile"),
    ] {
        let path = fixtures().join(name);
        let output = Command::new(env!("CARGO_BIN_EXE_genconf"))
            .args(["import", tool, "-"])
            .stdin(Stdio::from(File::open(&path).expect("is readable")))
            .output()
            .expect("genconf starts");
        let (code, out, err) = outcome(&output);
        assert_eq!(code, 0, "{name}: {err}");
        let expected = fs::read_to_string(fixtures().join(format!("{name}.yaml")));
        let named = expected
            .expect("is readable")
            .replace("project: nginx-all-files", "project: site");
        assert_eq!(out, named, "{name}");
    }
}
