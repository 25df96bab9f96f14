//! What the nginx and `HAProxy` of each supported Debian release, and of the next one, say of every
//! topology in the repository, and what `verify` does when the installed version is too old.
//!
//! `scripts/engines` fetches the programs.

#![allow(clippy::print_stderr)] // A skipped test says so, and warnings are listed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A warning of an engine, and the topologies that it is about.
type Warnings = BTreeMap<String, Vec<String>>;

/// Encryption, on hosts with this operating system.
const TLS: &str = "\
version: 1
project: p
hosts: { a: { address: 192.0.2.1, os: OS } }
apps: { web: { artifact: web } }
pools: { web: { app: web, ports: [8080-8081] } }
proxies:
  door: { server_name: [example.org], tls: { certificate: /etc/ssl/a.pem, key: /etc/ssl/a.key }, routes: [{ path: /, pool: web }] }
  gate: { engine: haproxy, listen: 444, tls: { certificate: /etc/ssl/a.pem, key: /etc/ssl/a.key, http_port: 81 }, routes: [{ path: /, pool: web }] }
";

/// Lines that only the hosts' version of an engine can judge.
const RAW: &str = "\
version: 1
project: p
hosts: { a: { address: 192.0.2.1, os: debian13 } }
apps: { web: { artifact: web } }
pools: { web: { app: web, ports: [8080] } }
proxies:
  door: { raw: { server: ['gzip_comp_level 6;'] }, routes: [{ path: /, pool: web }] }
  gate: { engine: haproxy, listen: 81, raw: { global: ['maxconn 1000'] }, routes: [{ path: /, pool: web }] }
";

/// Warnings of `HAProxy`: its status page writes no log, and there is no way to take the format of the
/// others from it.
const NO_LOG: [&str; 2] = [
    "log format ignored for frontend 'edge-status' since it has no log address.",
    "log format ignored for frontend 'gate-status' since it has no log address.",
];

/// A warning of nginx from 1.25.1 on: the form that older versions need, which it still accepts.
const LISTEN_HTTP2: &str =
    "the \"listen ... http2\" directive is deprecated, use the \"http2\" directive instead";

/// What verification runs in addition to the engines, which is tested elsewhere.
const OTHER_TOOLS: [&str; 2] = ["logrotate", "systemd-analyze"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn tls(os: &str) -> String {
    TLS.replace("OS", os)
}

/// Every topology of the repository, and one for each operating system, by name.
fn topologies() -> BTreeMap<String, String> {
    let read = |path: &Path| fs::read_to_string(path).expect("is readable");
    let folder = fs::read_dir(repository().join("topologies")).expect("is readable");
    let mut all: BTreeMap<_, _> = folder
        .map(|entry| entry.expect("is readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .map(|path| {
            (
                path.file_stem().expect("has a name").display().to_string(),
                read(&path),
            )
        })
        .collect();
    all.insert(
        "topology".to_owned(),
        read(&repository().join("topology.yaml")),
    );
    for os in ["debian12", "debian13"] {
        all.insert(format!("tls-{os}"), tls(os));
    }
    all
}

/// A folder with programs that come before the installed ones.
struct Tools(TempDir);

impl Tools {
    fn new() -> Self {
        let tools = Self(TempDir::new().expect("a folder can be made"));
        for name in OTHER_TOOLS {
            tools.add(name, "exit 0");
        }
        tools
    }

    fn add(&self, name: &str, script: &str) {
        let path = self.0.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("is ours");
    }

    /// The engines of a suite; what they print is kept. `None` where they were not fetched.
    fn of(suite: &str) -> Option<Self> {
        let programs = repository().join("target/engines").join(suite).join("bin");
        if !programs.is_dir() {
            let ci = std::env::var_os("CI").is_some_and(|v| v == "true");
            assert!(
                !ci,
                "the engines of {suite} are missing: run scripts/engines"
            );
            eprintln!("skipped: the engines of {suite} are missing, scripts/engines fetches them");
            return None;
        }
        let tools = Self::new();
        for engine in ["nginx", "haproxy"] {
            let program = programs.join(engine).display().to_string();
            let log = tools.log(engine).display().to_string();
            tools.add(
                engine,
                &format!(
                    "'{program}' \"$@\" 2>'{log}.last'; status=$?\n\
                     cat '{log}.last' >&2; cat '{log}.last' >>'{log}'; exit $status"
                ),
            );
        }
        Some(tools)
    }

    /// The same certificate for every topology: a key takes longer to make than all the rest.
    fn share_certificate(&self, shared: &Path) {
        let path = std::env::var("PATH").unwrap_or_default();
        let kept = shared.display();
        let script = format!(
            "[ -s '{kept}/crt' ] || PATH='{path}' openssl \"$@\" -keyout '{kept}/key' -out '{kept}/crt' || exit\n\
             while [ $# -gt 1 ]; do\n\
             case $1 in -keyout) cp '{kept}/key' \"$2\" ;; -out) cp '{kept}/crt' \"$2\" ;; esac\n\
             shift\n\
             done"
        );
        self.add("openssl", &script);
    }

    fn log(&self, engine: &str) -> PathBuf {
        self.0.path().join(format!("{engine}.log"))
    }

    /// What `verify` says of a topology of which the files that it names are in `topologies/`.
    fn verify(&self, topology: &str, ci: &str) -> Output {
        let file = self.0.path().join("t.yaml");
        fs::write(&file, topology).expect("can be written");
        let installed = std::env::var("PATH").unwrap_or_default();
        Command::new(env!("CARGO_BIN_EXE_genconf"))
            .args(["verify", "--only", "nginx,haproxy"])
            .arg(&file)
            .env("PATH", format!("{}:{installed}", self.0.path().display()))
            .env("CI", ci)
            .output()
            .expect("genconf starts")
    }

    /// The warnings that the engines have printed, without the places and the process, once each.
    fn warnings(&self) -> Vec<String> {
        let log = |engine| fs::read_to_string(self.log(engine)).unwrap_or_default();
        let mut found: Vec<String> = ["nginx", "haproxy"]
            .map(log)
            .iter()
            .flat_map(|log| log.lines())
            .filter_map(warning)
            .collect();
        found.sort();
        found.dedup();
        found
    }
}

/// The text of a line that is a warning, without what differs from run to run.
fn warning(line: &str) -> Option<String> {
    let is_process = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_digit() || "#()".contains(c))
    };
    if let Some((_, said)) = line.split_once("[warn] ") {
        let said = after(said, ": ", is_process);
        return Some(said.split(" in /").next().unwrap_or(said).to_owned());
    }
    let (_, said) = line.split_once("[WARNING]")?;
    let said = after(said.trim(), " : ", is_process);
    let said = after(said, " : ", |before| before == "config");
    let is_place = |place: &str| place.starts_with("parsing [");
    Some(after(said, " : ", is_place).to_owned())
}

/// What stands after the first `separator`, if what stands before it `is_left_out`.
fn after<'t>(text: &'t str, separator: &str, is_left_out: impl Fn(&str) -> bool) -> &'t str {
    let parts = text.split_once(separator);
    parts
        .filter(|(before, _)| is_left_out(before))
        .map_or(text, |(_, after)| after)
}

fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Verifies every topology by the engines of a suite: the warnings, and what was not asked.
fn judged_by(suite: &str) -> Option<(Warnings, Vec<String>)> {
    let mut warnings = Warnings::new();
    let mut not_asked = Vec::new();
    let certificate = TempDir::new().expect("a folder can be made");
    for (name, topology) in topologies() {
        let tools = Tools::of(suite)?;
        tools.share_certificate(certificate.path());
        let output = tools.verify(&topology, "");
        let said = talk(&output);
        assert!(output.status.success(), "{name} on {suite}: {said}");
        let left = said.lines().filter(|line| line.starts_with("not asked  "));
        not_asked.extend(left.map(|line| format!("{name}: {line}")));
        for warning in tools.warnings() {
            eprintln!("{suite}, {name}: {warning}");
            warnings.entry(warning).or_default().push(name.clone());
        }
    }
    Some((warnings, not_asked))
}

fn expected(warnings: &[(&str, &[&str])]) -> Warnings {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    warnings
        .iter()
        .map(|(text, topologies)| ((*text).to_owned(), names(topologies)))
        .collect()
}

#[test]
fn debian_12_accepts_every_topology_for_it() {
    let Some((warnings, not_asked)) = judged_by("bookworm") else {
        return;
    };
    let known: &[(&str, &[&str])] = &[(NO_LOG[0], &["haproxy"]), (NO_LOG[1], &["tls-debian12"])];
    assert_eq!(warnings, expected(known));
    assert_eq!(
        not_asked,
        [
            "tls-debian13: not asked  haproxy: haproxy -c -f SCRATCH/../bundle/haproxy/gate/haproxy.cfg: \
             haproxy 2.6.12 is installed, the hosts have debian13 (haproxy 3.0)",
            "tls-debian13: not asked  nginx: nginx -t -q -e stderr -c SCRATCH/../bundle/nginx/door/nginx.conf: \
             nginx 1.22.1 is installed, the hosts have debian13 (nginx 1.26)",
        ]
    );
}

fn assert_newer_accepts_every_topology(suite: &str) {
    if let Some((warnings, not_asked)) = judged_by(suite) {
        let known: &[(&str, &[&str])] = &[
            (NO_LOG[0], &["haproxy"]),
            (NO_LOG[1], &["tls-debian12", "tls-debian13"]),
            (LISTEN_HTTP2, &["reference", "tls", "tls-debian12"]),
        ];
        assert_eq!(warnings, expected(known));
        assert_eq!(not_asked, [""; 0]);
    }
}

#[test]
fn debian_13_accepts_every_topology() {
    assert_newer_accepts_every_topology("trixie");
}

#[test]
fn the_next_debian_accepts_every_topology() {
    assert_newer_accepts_every_topology("testing");
}

#[test]
fn a_version_older_than_the_hosts_is_not_asked_and_under_ci_a_failure() {
    let tools = Tools::new();
    for (engine, printed) in [
        ("nginx", "nginx version: nginx/1.22.1"),
        ("haproxy", "HAProxy version 2.6.12-1+deb12u3 2025/10/03"),
    ] {
        // It refuses every file.
        tools.add(engine, &format!("[ $1 = -v ] && echo '{printed}' >&2"));
    }
    let output = tools.verify(RAW, "");
    let said = talk(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for reason in [
        ": nginx 1.22.1 is installed, the hosts have debian13 (nginx 1.26)",
        ": haproxy 2.6.12 is installed, the hosts have debian13 (haproxy 3.0)",
        " 0 refused, 2 not asked",
    ] {
        assert!(said.contains(reason), "{said}");
    }
    assert_eq!(tools.verify(RAW, "true").status.code(), Some(3));
    // What every supported version knows is asked of any.
    let plain = tls("debian12");
    assert_eq!(tools.verify(&plain, "").status.code(), Some(3));
}

#[test]
fn the_version_of_the_hosts_is_asked() {
    let tools = Tools::new();
    tools.add(
        "haproxy",
        "[ $1 != -v ] || echo 'HAProxy version 3.0.11-1+deb13u4'",
    );
    for (status, code) in [(0, 0), (1, 3)] {
        let nginx =
            format!("[ $1 != -v ] || exec echo 'nginx version: nginx/1.26.3' >&2\nexit {status}");
        tools.add("nginx", &nginx);
        let output = tools.verify(&tls("debian13"), "true");
        assert_eq!(output.status.code(), Some(code), "{}", talk(&output));
    }
}

#[test]
fn a_tool_that_prints_no_version_is_not_asked() {
    let tools = Tools::new();
    tools.add("nginx", "exit 0");
    tools.add("haproxy", "exit 0");
    let said = talk(&tools.verify(RAW, ""));
    assert!(said.contains(": `nginx -v` prints no version"), "{said}");
}

#[test]
fn warnings_are_told_from_other_lines() {
    for (line, text) in [
        (
            "nginx: [warn] the \"listen ... http2\" directive is deprecated in /tmp/s/nginx.conf:9",
            Some("the \"listen ... http2\" directive is deprecated"),
        ),
        (
            "2026/11/29 00:43:53 [warn] 12#12: conflicting server name in /tmp/s/nginx.conf:9",
            Some("conflicting server name"),
        ),
        (
            "[WARNING]  (12) : proxy 'gate' has no address",
            Some("proxy 'gate' has no address"),
        ),
        (
            "[WARNING]  (12) : config : parsing [/tmp/s/haproxy.cfg:7] : 'a' is deprecated",
            Some("'a' is deprecated"),
        ),
        (
            "[WARNING]  (12) : config : proxy 'door' has no address",
            Some("proxy 'door' has no address"),
        ),
        ("[NOTICE]   (12) : haproxy version is 3.2.26-1", None),
        ("nginx: [emerg] unknown directive", None),
    ] {
        assert_eq!(warning(line).as_deref(), text, "{line}");
    }
}
