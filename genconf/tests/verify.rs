//! `genconf verify`: the validators accept every topology, and their errors are reported.

#![allow(clippy::print_stderr)] // A skipped test is printed.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// With CI=true a missing tool is a failure.
fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|v| v == "true")
}

fn verify(topology: &Path, only: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_genconf"))
        .args(["verify", "--only", only])
        .arg(topology)
        .args(is_ci().then_some("--require-tools"))
        .current_dir(repository())
        .output()
        .expect("genconf starts")
}

fn report_of(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .concat()
}

#[test]
fn every_topology_is_accepted() {
    let folder = fs::read_dir(repository().join("topologies")).expect("is readable");
    let files = folder.map(|e| e.expect("is readable").path());
    for topology in files.filter(|p| p.extension().is_some_and(|e| e == "yaml")) {
        let output = verify(&topology, "nginx,haproxy,systemd,vagrant");
        let report = report_of(&output);
        assert!(output.status.success(), "{}: {report}", topology.display());
        if report.contains("skipped  ") {
            eprintln!("{}: {report}", topology.display());
        }
    }
}

#[test]
fn an_error_is_reported_with_the_line_of_the_topology() {
    let text = fs::read_to_string(repository().join("topologies/tls.yaml")).expect("is readable");
    let folder = tempfile::TempDir::new().expect("a folder can be made");
    let topology = folder.path().join("t.yaml");
    fs::write(&topology, text.replace("gzip_comp", "gzipp_comp")).expect("can be written");
    let output = verify(&topology, "nginx");
    let report = report_of(&output);
    if report.contains("nginx is not installed") {
        eprintln!("skipped: nginx is not installed");
        return;
    }
    assert_eq!(output.status.code(), Some(3), "{report}");
    assert!(
        report.contains("unknown directive \"gzipp_comp_level\""),
        "{report}"
    );
    assert!(
        report.contains("t.yaml:31:16: proxies.edge.raw.server.0"),
        "{report}"
    );
    assert!(
        report.contains("raw      nginx/edge: gzipp_comp_level 6;"),
        "{report}"
    );
}

/// A world-readable directory with a topology and the `genconf` binary.
fn public_directory(topology: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder can be made");
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.path(), open).expect("is owned by this user");
    fs::copy(env!("CARGO_BIN_EXE_genconf"), folder.path().join("genconf")).expect("is copied");
    fs::write(folder.path().join("t.yaml"), topology).expect("can be written");
    folder
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Exit code and report of `verify`; `None` if a tool is missing, which is printed.
fn verified(topology: &str, only: &str) -> Option<(Option<i32>, String)> {
    let folder = public_directory(topology);
    let output = verify(&folder.path().join("t.yaml"), only);
    let report = report_of(&output);
    if report.contains("skipped  ") {
        eprintln!("skipped: {report}");
        return None;
    }
    Some((output.status.code(), report))
}

fn assert_accepted(topology: &str, only: &str) {
    if let Some((code, report)) = verified(topology, only) {
        assert_eq!(code, Some(0), "{report}");
    }
}

const PLAIN: &str = "\
version: 1
project: p
hosts: { a: { address: 192.0.2.1 } }
apps: { web: { artifact: web } }
pools: { web: { app: web, ports: [8080] } }
proxies: { edge: { routes: [{ path: /, pool: web }] } }
";

#[test]
fn verify_needs_no_privileges_and_no_local_addresses() {
    let with_listen =
        |listen: &str| PLAIN.replace("routes:", &format!("listen: {listen}, routes:"));
    let root = fs::read_to_string(repository().join("topology.yaml")).expect("is readable");
    let listeners = ["'203.0.113.77:443'", "'[2001:db8::1]:80'"].map(with_listen);
    let tls = fs::read_to_string(repository().join("topologies/tls.yaml")).expect("is readable");
    // Raw lines can contain listeners.
    let lines = "raw: { server: ['listen 81;', 'listen unix:/run/p/edge;'] }, routes:";
    let raw = PLAIN.replace("routes:", lines);
    for topology in listeners.into_iter().chain([root, tls, raw]) {
        let folder = public_directory(&topology);
        let mut command = if is_root() {
            let mut other = Command::new("setpriv");
            other.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
            other.arg("./genconf");
            other
        } else {
            Command::new(folder.path().join("genconf"))
        };
        let output = command
            .args(["verify", "--only", "nginx,haproxy,systemd", "t.yaml"])
            .current_dir(folder.path())
            .output()
            .expect("genconf starts");
        let report = report_of(&output);
        assert!(output.status.success(), "{topology}{report}");
        assert!(report.contains("passed "), "{report}");
    }
}

#[test]
fn the_line_length_of_the_inventory_is_not_checked() {
    let build = format!("apps: {{ web: {{ build: '{}',", "make all && ".repeat(20));
    let five = PLAIN
        .replace("apps: { web: {", &build)
        .replace("app: web,", "app: web, mode: cluster, workers: 5,")
        .replace("1 }", "1, cpus: 5 }");
    assert_accepted(&five, "ansible");
}

#[test]
fn an_app_with_outbound_connections_is_accepted() {
    let single = PLAIN.replace("artifact: web", "artifact: web, outbound: true");
    assert_accepted(&single, "systemd");
    let workers = single.replace("app: web,", "app: web, mode: cluster, workers: 2,");
    assert_accepted(&workers, "systemd");
}

#[test]
fn long_names_are_accepted() {
    let long = PLAIN
        .replace("project: p", "project: customer-portal-production")
        .replace("edge: {", "public-https-edge-frankfurt: { engine: haproxy,");
    assert_accepted(&long, "haproxy");
    let socket = "web-of-the-customer-portal-production";
    let unix = long
        .replace(
            "{ web: { app: web,",
            &format!("{{ {socket}: {{ app: web, listen: unix,"),
        )
        .replace("pool: web", &format!("pool: {socket}"));
    assert_accepted(&unix, "haproxy,systemd");
    assert_accepted(&unix.replace("engine: haproxy,", ""), "nginx,systemd");
}

#[test]
fn a_haproxy_error_has_its_line_and_source() {
    let invalid = "{ engine: haproxy, raw: { server: ['http-request denyy'] }, routes:";
    let topology = PLAIN.replace("{ routes:", invalid);
    if let Some((code, report)) = verified(&topology, "haproxy") {
        assert_eq!(code, Some(3), "{report}");
        assert!(report.contains("denyy"), "{report}");
        assert!(report.contains("proxies.edge.raw.server.0"), "{report}");
    }
}

/// Runs a command in a mount namespace without the programs in `$HIDDEN`.
const HIDING: &str = r#"
set -e
for folder in /usr/bin /usr/sbin; do
    mkdir -p "real$folder" "seen$folder"
    mount --bind "$folder" "real$folder"
    find "$PWD/real$folder" -mindepth 1 -maxdepth 1 -exec ln -s -t "seen$folder" {} +
done
for program in $HIDDEN; do
    rm -f "seen/usr/bin/$program" "seen/usr/sbin/$program"
done
mount --bind "$PWD/seen/usr/bin" /usr/bin
mount --bind "$PWD/seen/usr/sbin" /usr/sbin
exec "$@"
"#;

#[test]
fn missing_programs_are_skipped() {
    let topology = "\
version: 1
project: p
hosts: { a: { address: 192.0.2.1 } }
apps:
  api: { artifact: api.js, runtime: node }
  bare: { artifact: bare }
  boxed: { artifact: boxed.tar, runtime: container, image: 'boxed:1' }
  jar: { artifact: jar.jar, runtime: jvm, socket_activation: true }
pools:
  api: { app: api, ports: [8080] }
  bare: { app: bare, mode: cluster, supervisor: app, ports: [8081] }
  boxed: { app: boxed, ports: [8082] }
  jar: { app: jar, ports: [8083] }
proxies:
  edge: { routes: [{ path: /, pool: api }, { path: /bare, pool: bare }] }
  internal: { engine: haproxy, listen: 81, routes: [{ path: /, pool: jar }, { path: /b, pool: boxed }] }
";
    let folder = public_directory(topology);
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", HIDING, "sh"])
        .args([
            "./genconf",
            "verify",
            "--only",
            "nginx,haproxy,systemd",
            "t.yaml",
        ])
        .env(
            "HIDDEN",
            "nginx haproxy node java podman docker kill logrotate",
        )
        .current_dir(folder.path());
    let mut mounts = Command::new("unshare");
    let can_mount = mounts.args(["--mount", "true"]).status();
    if !is_root() || !can_mount.is_ok_and(|status| status.success()) {
        eprintln!("skipped: hiding programs needs root and mount namespaces");
        return;
    }
    let output = command.output().expect("unshare starts");
    let report = report_of(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    for program in ["nginx", "haproxy", "logrotate"] {
        let message = format!(": {program} is not installed");
        assert!(report.contains(&message), "{report}");
    }
    assert!(report.contains("0 failed, 3 skipped"), "{report}");
}

#[test]
fn a_missing_tool_is_reported_and_fails_on_request() {
    let run = |options: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_genconf"))
            .args(["verify", "--only", "vagrant", "topology.yaml"])
            .args(options)
            .current_dir(repository())
            .env("PATH", "/nonexistent")
            .output()
            .expect("genconf starts")
    };
    let lenient = run(&[]);
    let report = report_of(&lenient);
    assert_eq!(lenient.status.code(), Some(0), "{report}");
    let line = "skipped  vagrant: ruby -c vagrant/Vagrantfile: ruby is not installed\n";
    assert!(report.contains(line), "{report}");
    let strict = run(&["--require-tools"]);
    let report = report_of(&strict);
    assert_eq!(strict.status.code(), Some(1), "{report}");
    assert!(
        report.contains("error: a validator was skipped\n"),
        "{report}"
    );
}
