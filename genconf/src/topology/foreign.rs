//! Keys and files of other tools: Docker Compose, Kubernetes, PM2, and Ansible.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Kind, Node, Span};

/// The fix for a key of another tool.
#[derive(Clone, Copy, Debug)]
pub(super) enum Advice {
    /// The key with the same purpose in the same record.
    Key(&'static str),
    /// A help text, and the key that must not be reported as missing as well.
    Text(Option<&'static str>, &'static str),
}

use Advice::{Key, Text};

const INSTANCES: Advice = Text(
    None,
    "remove it; list one entry in `ports` of a pool for each instance, or set `workers` of a pool",
);
const PORTS_OF_A_POOL: Advice = Text(None, "remove it; set `ports` of a pool");
const USER: Advice = Text(None, "remove it; set it in ~/.ssh/config or with `--user`");
const SCRIPT: Advice = Text(
    Some("artifact"),
    "use `artifact`, or `main` for a program inside an archive",
);
const POOL_INSTANCES: Advice = Text(
    None,
    "remove it; list one entry in `ports` for each instance, or set `workers`",
);

/// Record, key of another tool, and fix.
const FOREIGN: &[(&str, &str, Advice)] = &[
    ("app", "command", Key("args")),
    ("app", "environment", Key("env")),
    ("app", "healthcheck", Key("health")),
    ("app", "instances", INSTANCES),
    ("app", "livenessProbe", Key("health")),
    ("app", "max_memory_restart", Key("memory")),
    ("app", "mem_limit", Key("memory")),
    ("app", "port", PORTS_OF_A_POOL),
    ("app", "ports", PORTS_OF_A_POOL),
    ("app", "replicas", INSTANCES),
    ("app", "script", SCRIPT),
    ("host", "ansible_host", Key("address")),
    ("host", "ansible_user", USER),
    ("host", "ip", Key("address")),
    ("host", "user", USER),
    ("pool", "instances", POOL_INSTANCES),
    ("pool", "port", Key("ports")),
    ("pool", "replicas", POOL_INSTANCES),
    ("topology", "app", Key("apps")),
    ("topology", "host", Key("hosts")),
    ("topology", "pool", Key("pools")),
    ("topology", "proxy", Key("proxies")),
    ("topology", "services", Key("apps")),
];

/// The fix for the unknown key `key` of `record`, if another tool has this key.
pub(super) fn foreign(record: &str, key: &str) -> Option<Advice> {
    let found = FOREIGN
        .iter()
        .find(|(of, name, _)| *of == record && *name == key);
    found.map(|(_, _, advice)| *advice)
}

/// The error for a file of another tool.
pub(super) fn foreign_file(root: &Node) -> Option<Diagnostic> {
    let has = |key: &str| root.get(key).is_some();
    if has("hosts") || has("pools") {
        return None;
    }
    let found = |key: &str, what: &str, help: &str| {
        let message = format!("expected a topology, found {what}");
        let span = key_span(root, key);
        Some(Diagnostic::error(Code::WrongShape, span, message, help))
    };
    if has("apiVersion") && has("kind") {
        let help = "create a starter topology in another directory: `genconf init`";
        return found("apiVersion", "a Kubernetes manifest", help);
    }
    if has("services") && !has("apps") {
        let help = "this is a compose file: see docs/migrate/docker-compose.md";
        return found("services", "a compose file", help);
    }
    let apps = root.get("apps").map(|apps| &apps.kind);
    if matches!(apps, Some(Kind::Sequence(_))) {
        let help = "this is a PM2 ecosystem file: convert it with `genconf import pm2 FILE`";
        return found("apps", "a PM2 ecosystem file", help);
    }
    None
}

fn key_span(root: &Node, key: &str) -> Span {
    let entry = root.entries().iter().find(|e| e.key.text() == Some(key));
    entry.map_or(root.span, |e| e.key.span)
}
