//! Verifies every topology with the nginx and `HAProxy` of each supported Debian release and of the
//! next one, and checks how `verify` handles versions that are too old.
//!
//! `scripts/engines` downloads the programs.

#![allow(clippy::print_stderr)] // Skipped tests and warnings are printed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Warnings of an engine with the topologies that cause them.
type Warnings = BTreeMap<String, Vec<String>>;

/// TLS on hosts with the operating system `OS`.
const TLS: &str = "\
version: 1
project: p
hosts: { a: { address: 192.0.2.1, os: OS } }
apps: { web: { artifact: web } }
pools: { web: { app: web, ports: [8080-8081] } }
proxies:
  edge: { server_name: [example.org], tls: { certificate: /etc/ssl/a.pem, key: /etc/ssl/a.key }, routes: [{ path: /, pool: web }] }
  internal: { engine: haproxy, listen: 444, tls: { certificate: /etc/ssl/a.pem, key: /etc/ssl/a.key, http_port: 81 }, routes: [{ path: /, pool: web }] }
";

/// Raw lines, which only the engine version of the hosts can verify.
const RAW: &str = "\
version: 1
project: p
hosts: { a: { address: 192.0.2.1, os: debian13 } }
apps: { web: { artifact: web } }
pools: { web: { app: web, ports: [8080] } }
proxies:
  edge: { raw: { server: ['gzip_comp_level 6;'] }, routes: [{ path: /, pool: web }] }
  internal: { engine: haproxy, listen: 81, raw: { global: ['maxconn 1000'] }, routes: [{ path: /, pool: web }] }
";

/// Warnings of `HAProxy`: the status page has no log, and `log-format` cannot be unset for it.
const NO_LOG: [&str; 2] = [
    "log format ignored for frontend 'edge-status' since it has no log address.",
    "log format ignored for frontend 'internal-status' since it has no log address.",
];

/// Warning of nginx 1.25.1 and newer about the syntax that older versions need.
const LISTEN_HTTP2: &str =
    "the \"listen ... http2\" directive is deprecated, use the \"http2\" directive instead";

/// Validators other than the engines, replaced with stubs.
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

/// A directory with programs that precede the installed ones in `PATH`.
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
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .expect("is owned by this user");
    }

    /// The engines of a Debian suite, with wrappers that log their messages. `None` if they were not
    /// downloaded.
    fn of(suite: &str) -> Option<Self> {
        let programs = repository().join("target/engines").join(suite).join("bin");
        if !programs.is_dir() {
            let ci = std::env::var_os("CI").is_some_and(|v| v == "true");
            assert!(
                !ci,
                "the engines of {suite} are missing: run scripts/engines"
            );
            eprintln!(
                "skipped: the engines of {suite} are missing, scripts/engines downloads them"
            );
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

    /// Reuses one certificate for every topology, because creating a key takes longest.
    fn share_certificate(&self, shared: &Path) {
        let path = std::env::var("PATH").unwrap_or_default();
        let shared = shared.display();
        let script = format!(
            "[ -s '{shared}/crt' ] || PATH='{path}' openssl \"$@\" -keyout '{shared}/key' -out '{shared}/crt' || exit\n\
             while [ $# -gt 1 ]; do\n\
             case $1 in -keyout) cp '{shared}/key' \"$2\" ;; -out) cp '{shared}/crt' \"$2\" ;; esac\n\
             shift\n\
             done"
        );
        self.add("openssl", &script);
    }

    fn log(&self, engine: &str) -> PathBuf {
        self.0.path().join(format!("{engine}.log"))
    }

    /// Runs `genconf verify` on a topology.
    fn verify(&self, topology: &str, options: &[&str]) -> Output {
        let file = self.0.path().join("t.yaml");
        fs::write(&file, topology).expect("can be written");
        let installed = std::env::var("PATH").unwrap_or_default();
        Command::new(env!("CARGO_BIN_EXE_genconf"))
            .args(["verify", "--only", "nginx,haproxy"])
            .arg(&file)
            .args(options)
            .env("PATH", format!("{}:{installed}", self.0.path().display()))
            .output()
            .expect("genconf starts")
    }

    /// The distinct warnings of the engines, without locations and process IDs.
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

/// The text of a warning without its location and process ID; `None` for other lines.
fn warning(line: &str) -> Option<String> {
    let is_process = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_digit() || "#()".contains(c))
    };
    if let Some((_, message)) = line.split_once("[warn] ") {
        let message = strip_part(message, ": ", is_process);
        return Some(message.split(" in /").next().unwrap_or(message).to_owned());
    }
    let (_, message) = line.split_once("[WARNING]")?;
    let message = strip_part(message.trim(), " : ", is_process);
    let message = strip_part(message, " : ", |before| before == "config");
    let is_location = |part: &str| part.starts_with("parsing [");
    Some(strip_part(message, " : ", is_location).to_owned())
}

/// The text after the first `separator`, if `is_prefix` accepts the text before it.
fn strip_part<'t>(text: &'t str, separator: &str, is_prefix: impl Fn(&str) -> bool) -> &'t str {
    let parts = text.split_once(separator);
    parts
        .filter(|(before, _)| is_prefix(before))
        .map_or(text, |(_, after)| after)
}

fn report_of(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .concat()
}

/// Verifies every topology with the engines of a suite. Returns the warnings and skipped checks.
fn verify_with(suite: &str) -> Option<(Warnings, Vec<String>)> {
    let mut warnings = Warnings::new();
    let mut skipped = Vec::new();
    let certificate = TempDir::new().expect("a folder can be made");
    for (name, topology) in topologies() {
        let tools = Tools::of(suite)?;
        tools.share_certificate(certificate.path());
        let output = tools.verify(&topology, &[]);
        let report = report_of(&output);
        assert!(output.status.success(), "{name} on {suite}: {report}");
        let lines = report.lines().filter(|line| line.starts_with("skipped  "));
        skipped.extend(lines.map(|line| format!("{name}: {line}")));
        for warning in tools.warnings() {
            eprintln!("{suite}, {name}: {warning}");
            warnings.entry(warning).or_default().push(name.clone());
        }
    }
    Some((warnings, skipped))
}

fn expected(warnings: &[(&str, &[&str])]) -> Warnings {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    warnings
        .iter()
        .map(|(text, topologies)| ((*text).to_owned(), names(topologies)))
        .collect()
}

/// A skipped validator is an error.
const REQUIRE: &[&str] = &["--require-tools"];

#[test]
fn debian_12_accepts_every_topology() {
    let Some((warnings, skipped)) = verify_with("bookworm") else {
        return;
    };
    let known: &[(&str, &[&str])] = &[(NO_LOG[0], &["haproxy"]), (NO_LOG[1], &["tls-debian12"])];
    assert_eq!(warnings, expected(known));
    assert_eq!(
        skipped,
        [
            "tls-debian13: skipped  haproxy: haproxy -c -f haproxy/internal/haproxy.cfg: \
             haproxy 2.6.12 is installed, the hosts have debian13 (haproxy 3.0)",
            "tls-debian13: skipped  nginx: nginx -t -q -e stderr -c nginx/edge/nginx.conf: \
             nginx 1.22.1 is installed, the hosts have debian13 (nginx 1.26)",
        ]
    );
}

fn assert_newer_accepts_every_topology(suite: &str) {
    if let Some((warnings, skipped)) = verify_with(suite) {
        let known: &[(&str, &[&str])] = &[
            (NO_LOG[0], &["haproxy"]),
            (NO_LOG[1], &["tls-debian12", "tls-debian13"]),
            (LISTEN_HTTP2, &["reference", "tls", "tls-debian12"]),
        ];
        assert_eq!(warnings, expected(known));
        assert_eq!(skipped, [""; 0]);
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
fn a_version_older_than_that_of_the_hosts_is_skipped() {
    let tools = Tools::new();
    for (engine, printed) in [
        ("nginx", "nginx version: nginx/1.22.1"),
        ("haproxy", "HAProxy version 2.6.12-1+deb12u3 2025/10/03"),
    ] {
        // The stub rejects every file.
        tools.add(engine, &format!("[ $1 = -v ] && echo '{printed}' >&2"));
    }
    let output = tools.verify(RAW, &[]);
    let report = report_of(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    for reason in [
        ": nginx 1.22.1 is installed, the hosts have debian13 (nginx 1.26)",
        ": haproxy 2.6.12 is installed, the hosts have debian13 (haproxy 3.0)",
        " 0 failed, 2 skipped",
    ] {
        assert!(report.contains(reason), "{report}");
    }
    assert_eq!(tools.verify(RAW, REQUIRE).status.code(), Some(1));
    // Syntax that every supported version accepts is verified with any version.
    let plain = tls("debian12");
    assert_eq!(tools.verify(&plain, &[]).status.code(), Some(3));
}

#[test]
fn a_version_of_the_hosts_is_used() {
    let tools = Tools::new();
    tools.add(
        "haproxy",
        "[ $1 != -v ] || echo 'HAProxy version 3.0.11-1+deb13u4'",
    );
    for (status, code) in [(0, 0), (1, 3)] {
        let nginx =
            format!("[ $1 != -v ] || exec echo 'nginx version: nginx/1.26.3' >&2\nexit {status}");
        tools.add("nginx", &nginx);
        let output = tools.verify(&tls("debian13"), REQUIRE);
        assert_eq!(output.status.code(), Some(code), "{}", report_of(&output));
    }
}

#[test]
fn a_tool_without_a_version_is_skipped() {
    let tools = Tools::new();
    tools.add("nginx", "exit 0");
    tools.add("haproxy", "exit 0");
    let report = report_of(&tools.verify(RAW, &[]));
    assert!(
        report.contains(": `nginx -v` printed no version"),
        "{report}"
    );
}

#[test]
fn warnings_are_recognized() {
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
            "[WARNING]  (12) : proxy 'internal' has no address",
            Some("proxy 'internal' has no address"),
        ),
        (
            "[WARNING]  (12) : config : parsing [/tmp/s/haproxy.cfg:7] : 'a' is deprecated",
            Some("'a' is deprecated"),
        ),
        (
            "[WARNING]  (12) : config : proxy 'edge' has no address",
            Some("proxy 'edge' has no address"),
        ),
        ("[NOTICE]   (12) : haproxy version is 3.2.26-1", None),
        ("nginx: [emerg] unknown directive", None),
    ] {
        assert_eq!(warning(line).as_deref(), text, "{line}");
    }
}
