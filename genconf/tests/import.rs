//! `genconf import`: the printed topologies and reports, compared with snapshots.
//! `BLESS=1` updates the snapshots.

#[path = "import/archive.rs"]
mod archive;
#[path = "import/invalid_input.rs"]
mod invalid_input;
#[path = "import/output.rs"]
mod output;

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

fn is_snapshot_or_code(name: &str) -> bool {
    let extension = Path::new(name).extension().unwrap_or_default();
    ["yaml", "report", "rs"].iter().any(|e| extension == *e)
}

/// Every fixture with its tool, the prefix of its name.
fn inputs() -> Vec<(String, String)> {
    let entries = fs::read_dir(fixtures()).expect("is readable");
    let names = entries.map(|e| e.expect("is readable").file_name().display().to_string());
    let inputs = names.filter(|n| !is_snapshot_or_code(n));
    let mut inputs: Vec<_> = inputs
        .map(|n| (n.split('-').next().unwrap_or_default().to_owned(), n))
        .collect();
    inputs.sort();
    inputs
}

/// Whether the import of a fixture runs node.
fn runs_node(name: &str) -> bool {
    name.ends_with("js") || name == "pm2-expression.json"
}

/// Whether node is installed. Without it, CI fails and a local run prints a message.
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

fn outcome(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().unwrap_or(-1);
    (code, text(&output.stdout), text(&output.stderr))
}

/// Renders an imported topology, which must have no diagnostics.
fn render_valid(name: &str, topology: &str) -> Generated {
    let source = Source::new(name, topology);
    let renderers = render::embedded().expect("the renderers are valid");
    let mut diagnostics = Diagnostics::default();
    let made = generate(&source, ".", &renderers, &mut diagnostics);
    assert!(diagnostics.sorted().is_empty(), "{name}: {diagnostics:?}");
    made.unwrap_or_else(|e| panic!("{name}: {e:?}"))
}

fn assert_snapshot(path: &Path, actual: &str) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, actual).expect("can be written");
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        actual,
        expected,
        "{} differs; BLESS=1 updates it",
        path.display()
    );
}

#[test]
fn every_fixture_has_a_valid_topology_and_a_report() {
    let node = has_node();
    for (tool, name) in inputs() {
        if runs_node(&name) && !node {
            continue;
        }
        let (code, out, err) = outcome(&import(&fixtures(), &[&tool, &name]));
        assert_eq!(code, 0, "{name}: {err}");
        render_valid(&name, &out);
        assert_snapshot(&fixtures().join(format!("{name}.yaml")), &out);
        assert_snapshot(&fixtures().join(format!("{name}.report")), &err);
    }
}

fn imported(name: &str) -> String {
    let tool = name.split('-').next().unwrap_or_default();
    let (code, out, err) = outcome(&import(&fixtures(), &[tool, name]));
    assert_eq!(code, 0, "{name}: {err}");
    out
}

fn fixture(name: &str) -> Generated {
    render_valid(name, &imported(name))
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
fn an_app_with_a_cluster_argument_supervises_its_workers() {
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
fn hostile_values_add_no_keys() {
    for (_, name) in inputs().into_iter().filter(|(_, n)| n.contains("hostile")) {
        let text = imported(&name);
        let read: serde_yaml::Value = serde_yaml::from_str(&text).expect("is valid YAML");
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
fn a_missing_node_is_reported() {
    let input = fixtures().join("pm2-every-key.config.js");
    let output = Command::new(env!("CARGO_BIN_EXE_genconf"))
        .args(["import", "pm2"])
        .arg(input)
        .env("PATH", "/nonexistent")
        .output()
        .expect("genconf starts");
    let (code, out, err) = outcome(&output);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains("node, which runs JavaScript files, is not installed\nhelp: convert the file"),
        "{err}"
    );
    assert_eq!(err.lines().count(), 2, "{err}");
}

#[test]
fn the_error_of_a_failing_script_is_reported() {
    if !has_node() {
        return;
    }
    for (text, expected) in [
        (
            "\nmodule.exports = {",
            "error: e.config.js:2:1: SyntaxError",
        ),
        (
            "require('./nowhere')",
            "e.config.js:1:1: Error: Cannot find module",
        ),
        ("module.exports = { a: [ ;", "e.config.js:1:25: SyntaxError"),
        (
            "throw new Error('first\\nlast')",
            "e.config.js:1:7: Error: first",
        ),
        ("{\n  apps: [\n}", "error: e.json:3:1: SyntaxError"),
        ("{ apps: require('./apps') }", "e.json:1:9: ReferenceError"),
        ("{ apps: fs }", "e.json:1:9: ReferenceError"),
    ] {
        let folder = TempDir::new().expect("a folder can be made");
        let is_expression = text.starts_with('{');
        let name = if is_expression {
            "e.json"
        } else {
            "e.config.js"
        };
        fs::write(folder.path().join(name), text).expect("can be written");
        let (code, out, err) = outcome(&import(folder.path(), &["pm2", name]));
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        assert!(
            err.contains(expected) && err.lines().count() == 2,
            "{text}: {err}"
        );
    }
}

#[test]
fn cpus_and_environment_are_options() {
    let folder = TempDir::new().expect("a folder can be made");
    let text = r#"{"apps": [{"script": "a.js", "instances": "max", "env": {"LEVEL": 1}, "env_test": {"LEVEL": 2}}]}"#;
    fs::write(folder.path().join("e.json"), text).expect("can be written");
    let args = ["pm2", "e.json", "--cpus", "6", "--env", "test"];
    let (code, out, err) = outcome(&import(folder.path(), &args));
    assert_eq!(code, 0, "{err}");
    assert_eq!(ports(&render_valid("e.json", &out), "a").len(), 6);
    assert!(
        out.contains("LEVEL: \"2\"") && out.contains("cpus: 6"),
        "{out}"
    );
}

/// Imports an ecosystem file in JavaScript while `variables` are set.
fn import_with(variables: &[(&str, &str)], text: &str) -> (i32, String, String) {
    let folder = TempDir::new().expect("a folder can be made");
    fs::write(folder.path().join("e.config.js"), text).expect("can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_genconf"))
        .args(["import", "pm2", "e.config.js"])
        .current_dir(folder.path())
        .env("NO_COLOR", "1")
        .envs(variables.iter().copied())
        .output();
    outcome(&output.expect("genconf starts"))
}

#[test]
fn values_of_the_shell_are_not_imported() {
    if !has_node() {
        return;
    }
    let variables = [("GENCONF_TEST_DB", "shop-database")];
    // The second file requires its variable, the third one also requires a certain value.
    for required in [
        "",
        "if (!process.env.GENCONF_TEST_DB) throw new Error('unset');",
        "if (process.env.GENCONF_TEST_DB !== 'shop-database') throw new Error('wrong');",
    ] {
        let text = format!(
            "{required} module.exports = {{ apps: [{{ script: 'a.js', env: {{ PORT: 4000, \
             DB: 'db/' + process.env.GENCONF_TEST_DB }} }}] }};"
        );
        let (code, out, err) = import_with(&variables, &text);
        assert_eq!(code, 0, "{err}");
        render_valid("e.config.js", &out);
        assert!(
            out.contains("ports: [4000]") && !out.contains("DB"),
            "{out}"
        );
        let expected = "`a`: `env.DB` (from GENCONF_TEST_DB): comes from the environment";
        assert!(err.contains(expected), "{err}");
        assert!(!err.contains("shop-database"), "{err}");
    }
}

#[test]
fn programs_of_an_evaluated_file_have_the_variables_of_the_shell() {
    if !has_node() {
        return;
    }
    let text = "const run = require('child_process').execSync; module.exports = { apps: [{ \
                name: `${run('echo $GENCONF_TEST_NAME')}`, script: 'a.js' }] };";
    let (code, out, err) = import_with(&[("GENCONF_TEST_NAME", "shop")], text);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("project: shop"), "{out}");
}

#[test]
fn json_is_imported_without_node() {
    for (text, expected) in [
        (r#"{"apps": [{"script": "a.js"}]}"#, 0),
        ("{\n  apps: []\n}", 1),
    ] {
        let folder = TempDir::new().expect("a folder can be made");
        fs::write(folder.path().join("e.json"), text).expect("can be written");
        let output = Command::new(env!("CARGO_BIN_EXE_genconf"))
            .args(["import", "pm2", "e.json"])
            .current_dir(folder.path())
            .env("PATH", "/nonexistent")
            .output();
        let (code, _, err) = outcome(&output.expect("genconf starts"));
        assert_eq!(code, expected, "{err}");
        let is_located = err.contains("error: e.json:2:3: invalid JSON: key must be a string");
        assert_eq!(is_located, code == 1, "{err}");
    }
}
