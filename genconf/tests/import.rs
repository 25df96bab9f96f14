//! Files of other tools, imported: what is printed, and what genconf makes of it.
//! `BLESS=1` rewrites the expected output.

#[path = "import/archive.rs"]
mod archive;
#[path = "import/broken.rs"]
mod broken;
#[path = "import/written.rs"]
mod written;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use genconf::diagnostic::Diagnostics;
use genconf::source::Source;
use genconf::{Generated, generate, render};
use tempfile::TempDir;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import")
}

fn is_expected(name: &str) -> bool {
    let ending = Path::new(name).extension().unwrap_or_default();
    ["yaml", "report", "rs"].iter().any(|e| ending == *e)
}

/// Every fixture and the tool it is for, which begins its name.
fn inputs() -> Vec<(String, String)> {
    let entries = fs::read_dir(fixtures()).expect("is readable");
    let names = entries.map(|e| e.expect("is readable").file_name().display().to_string());
    let inputs = names.filter(|n| !is_expected(n));
    let mut inputs: Vec<_> = inputs
        .map(|n| (n.split('-').next().unwrap_or_default().to_owned(), n))
        .collect();
    inputs.sort();
    inputs
}

/// Without node a laptop skips what needs it, and says so; CI fails.
fn has_node() -> bool {
    let found = Command::new("node").arg("--version").output().is_ok();
    let ci = std::env::var_os("CI").is_some_and(|v| v == "true");
    assert!(found || !ci, "node is not installed");
    if !found {
        let _ = writeln!(io::stderr(), "skipped: node is not installed");
    }
    found
}

fn import(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_genconf"))
        .arg("import")
        .args(args)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("genconf starts")
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().unwrap_or(-1);
    (code, text(&output.stdout), text(&output.stderr))
}

/// What genconf itself makes of an imported topology.
fn sound(name: &str, topology: &str) -> Generated {
    let source = Source::new(name, topology);
    let renderers = render::embedded().expect("the renderers are sound");
    let mut faults = Diagnostics::default();
    let made = generate(&source, ".", &renderers, &mut faults);
    assert!(faults.sorted().is_empty(), "{name}: {faults:?}");
    made.unwrap_or_else(|e| panic!("{name}: {e:?}"))
}

fn compare(path: &Path, got: &str) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, got).expect("can be written");
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        got,
        expected,
        "{} differs; BLESS=1 rewrites it",
        path.display()
    );
}

#[test]
fn each_file_gives_a_topology_that_passes_and_a_report() {
    let node = has_node();
    for (tool, name) in inputs() {
        if name.ends_with("js") && !node {
            continue;
        }
        let (code, out, err) = said(&import(&fixtures(), &[&tool, &name]));
        assert_eq!(code, 0, "{name}: {err}");
        sound(&name, &out);
        compare(&fixtures().join(format!("{name}.yaml")), &out);
        compare(&fixtures().join(format!("{name}.report")), &err);
    }
}

fn imported(name: &str) -> String {
    let tool = name.split('-').next().unwrap_or_default();
    let (code, out, err) = said(&import(&fixtures(), &[tool, name]));
    assert_eq!(code, 0, "{name}: {err}");
    out
}

fn fixture(name: &str) -> Generated {
    sound(name, &imported(name))
}

fn ports(made: &Generated, pool: &str) -> Vec<u16> {
    let pool = made.layout.pools.iter().find(|p| p.name == pool);
    pool.unwrap_or_else(|| panic!("there is no pool {:?}", made.layout.pools))
        .ports
        .clone()
}

#[test]
fn four_commands_with_three_processes_each_are_twelve_instances() {
    let made = fixture("pm2-four-commands.json");
    assert_eq!(ports(&made, "server"), (8082..=8093).collect::<Vec<_>>());
}

#[test]
fn a_process_file_with_four_instances_is_four_ports() {
    assert_eq!(
        ports(&fixture("pm2-process.json"), "api"),
        [3000, 3001, 3002, 3003]
    );
}

#[test]
fn an_app_told_to_be_a_cluster_is_its_own_master() {
    let made = fixture("pm2-modes.json");
    assert_eq!(ports(&made, "many"), [8081]);
    let unit = made
        .tree
        .iter()
        .find(|(path, _)| path.as_str() == "systemd/one-many@.service");
    let unit = unit.expect("there is a unit").1;
    assert!(String::from_utf8_lossy(&unit.bytes).contains("GENCONF_MODE=cluster"));
}

#[test]
fn nothing_of_a_hostile_file_becomes_a_key() {
    for (_, name) in inputs().into_iter().filter(|(_, n)| n.contains("hostile")) {
        let text = imported(&name);
        let read: serde_yaml::Value = serde_yaml::from_str(&text).expect("another reader takes it");
        let keys: Vec<_> = read.as_mapping().expect("is a mapping").keys().collect();
        assert_eq!(
            keys,
            ["version", "project", "hosts", "apps", "pools", "proxies"],
            "{name}"
        );
        let evil =
            |line: &&str| line.trim_start().starts_with("evil") || *line == "project: stolen";
        assert_eq!(text.lines().find(evil), None, "{name}");
    }
}

#[test]
fn a_missing_node_is_told_with_a_way_around() {
    let input = fixtures().join("pm2-every-key.config.js");
    let output = Command::new(env!("CARGO_BIN_EXE_genconf"))
        .args(["import", "pm2"])
        .arg(input)
        .env("PATH", "/nonexistent")
        .output()
        .expect("genconf starts");
    let (code, out, err) = said(&output);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains("node, which would run it, is not installed"),
        "{err}"
    );
    assert_eq!(err.lines().count(), 1, "{err}");
}

#[test]
fn a_script_that_fails_is_told_in_one_line() {
    if !has_node() {
        return;
    }
    for (text, expected) in [
        ("\nmodule.exports = {", "line 2: SyntaxError"),
        ("require('./nowhere')", "Cannot find module"),
        ("throw new Error('first\\nlast')", "line 1: Error: first"),
    ] {
        let folder = TempDir::new().expect("a folder can be made");
        fs::write(folder.path().join("e.config.js"), text).expect("can be written");
        let (code, out, err) = said(&import(folder.path(), &["pm2", "e.config.js"]));
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        assert!(
            err.contains(expected) && err.lines().count() == 1,
            "{text}: {err}"
        );
    }
}

#[test]
fn processors_and_environment_can_be_told() {
    let folder = TempDir::new().expect("a folder can be made");
    let text = r#"{"apps": [{"script": "a.js", "instances": "max", "env": {"LEVEL": 1}, "env_test": {"LEVEL": 2}}]}"#;
    fs::write(folder.path().join("e.json"), text).expect("can be written");
    let args = ["pm2", "e.json", "--cpus", "6", "--env", "test"];
    let (code, out, err) = said(&import(folder.path(), &args));
    assert_eq!(code, 0, "{err}");
    assert_eq!(ports(&sound("e.json", &out), "a").len(), 6);
    assert!(
        out.contains("LEVEL: \"2\"") && out.contains("cpus: 6"),
        "{out}"
    );
}
