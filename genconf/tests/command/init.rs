//! `genconf init`.

use std::fs;

use tempfile::TempDir;

use crate::project::{genconf, output};

#[test]
fn every_template_renders_and_no_file_is_overwritten() {
    let folder = TempDir::new().expect("a folder can be made");
    let (_, list, _) = output(&genconf(folder.path(), &["init", "--list"]));
    // Each summary is a sentence.
    assert!(list.lines().all(|line| line.ends_with('.')), "{list}");
    for name in list.lines().filter_map(|l| l.split_whitespace().next()) {
        let file = format!("{name}.yaml");
        let (code, _, err) = output(&genconf(folder.path(), &["init", name, "-t", &file]));
        assert_eq!(code, 0, "{err}");
        let (code, _, err) = output(&genconf(folder.path(), &[&file, "--out-dir", name]));
        assert_eq!(code, 0, "{name}: {err}");
    }
    let written = |file: &str| fs::read_to_string(folder.path().join(file)).expect("is readable");
    let host = "node1: { address: 192.168.56.11, cpus: 2, memory: 1GiB, os: debian13 }";
    assert!(written("default.yaml").contains(host));
    assert!(!written("single.yaml").contains("os: "));
    let (code, _, err) = output(&genconf(folder.path(), &["init", "-t", "default.yaml"]));
    assert!(
        code == 1 && err.contains("error: default.yaml already exists\n"),
        "{err}"
    );
    let (code, _, err) = output(&genconf(
        folder.path(),
        &["init", "-t", "default.yaml", "--force"],
    ));
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = output(&genconf(folder.path(), &["init", "no-such"]));
    assert!(
        code == 64 && err.contains("unknown template `no-such`"),
        "{err}"
    );
    let (code, _, err) = output(&genconf(folder.path(), &["init"]));
    assert!(code == 0 && err.contains("genconf check    "), "{err}");
    assert!(folder.path().join("topology.schema.json").exists());
}
