//! Reports keys of an entry that the topology does not support.

use serde_json::{Map, Value};

use crate::import::Finding;

/// Keys that the import uses.
const SUPPORTED: [&str; 27] = [
    "name",
    "script",
    "cmd",
    "exec",
    super::dump::PATH,
    "env_file",
    "args",
    "interpreter",
    "exec_interpreter",
    "node_args",
    "nodeArgs",
    "interpreter_args",
    "interpreterArgs",
    "instances",
    "exec_mode",
    "env",
    "increment_var",
    "cwd",
    "port",
    "max_memory_restart",
    "kill_timeout",
    "listen_timeout",
    "instance_var",
    "wait_ready",
    "autorestart",
    "watch",
    "source_map_support",
];

const LOGS: &str = "logs are in the journal: journalctl -u 'PROJECT-POOL@*'";
const RESTARTS: &str = "systemd restarts immediately and without limit (Restart=always)";
const WATCHES: &str = "for development, set `watch: true` for the app and `development: true` for its host (docs/how-to/hot-reload.md); otherwise deploy with ansible/deploy.yml";
const USERS: &str = "every unit runs as a separate user (DynamicUser=yes)";

/// Unsupported keys and the reason, grouped by meaning.
const UNSUPPORTED: &[(&[&str], &str)] = &[
    (
        &[
            "error_file",
            "out_file",
            "log_file",
            "error",
            "output",
            "log",
            "err_file",
            "err_log",
            "out_log",
            "log_type",
            "log_date_format",
            "merge_logs",
            "combine_logs",
            "time",
            "disable_logs",
            "pid_file",
            "pid",
            "pidFile",
        ],
        LOGS,
    ),
    (
        &[
            "max_restarts",
            "min_uptime",
            "restart_delay",
            "exp_backoff_restart_delay",
            "stop_exit_codes",
            "force",
        ],
        RESTARTS,
    ),
    (
        &[
            "ignore_watch",
            "watch_delay",
            "watch_options",
            "watch_ignore",
        ],
        WATCHES,
    ),
    (&["user", "uid", "gid", "username"], USERS),
    (
        &["cron_restart", "cron"],
        "use a separate systemd timer that runs: systemctl restart 'PROJECT-POOL@*'",
    ),
    (&["namespace"], "the project name groups units"),
    (
        &["post_update", "pre_setup", "post_setup"],
        "set `build` to the build command",
    ),
    (
        &["shutdown_with_message"],
        "instances are stopped with SIGTERM",
    ),
    (
        &[
            "pmx",
            "vizion",
            "automation",
            "treekill",
            "trace",
            "deep_monitoring",
            "windowsHide",
            "filter_env",
            "append_env_to_name",
            "monitoring",
            "disable_trace",
            "autostart",
            "updateEnv",
        ],
        "the key applies only to PM2",
    ),
];

/// Reports the unsupported keys of `entry`.
pub(super) fn report(
    label: &str,
    entry: &Map<String, Value>,
    environment: &str,
    findings: &mut Vec<Finding>,
) {
    for (keys, reason) in UNSUPPORTED {
        let found: Vec<_> = keys
            .iter()
            .filter(|k| is_set(entry.get(**k)))
            .map(|k| format!("`{k}`"))
            .collect();
        if !found.is_empty() {
            findings.push(Finding::skipped(
                format!("{label}: {}", found.join(", ")),
                *reason,
            ));
        }
    }
    report_switches(label, entry, findings);
    let selected = format!("env_{environment}");
    let known = |key: &str| {
        SUPPORTED.contains(&key)
            || key == selected
            || UNSUPPORTED.iter().any(|(keys, _)| keys.contains(&key))
    };
    for key in entry.keys().filter(|k| !known(k)) {
        let reason = if key.starts_with("env_") {
            "another environment: import it with --env, or use a separate topology"
        } else {
            "the key is not supported"
        };
        findings.push(Finding::skipped(format!("{label}: `{key}`"), reason));
    }
}

fn report_switches(label: &str, entry: &Map<String, Value>, findings: &mut Vec<Finding>) {
    let mut skipped = |key: &str, reason: &str| {
        findings.push(Finding::skipped(format!("{label}: `{key}`"), reason));
    };
    if is_set(entry.get("watch")) {
        skipped("watch", WATCHES);
    }
    if entry.get("autorestart") == Some(&Value::Bool(false)) {
        skipped("autorestart: false", "instances are always restarted");
    }
    if entry
        .get("env_file")
        .is_some_and(|f| is_set(Some(f)) && !f.is_string())
    {
        skipped("env_file", "expected the path of a file");
    }
    if is_set(entry.get("wait_ready")) {
        skipped(
            "wait_ready",
            "PM2 waits for process.send('ready'); send `READY=1` with sd_notify instead and set `sd_notify: true`",
        );
    }
    if is_set(entry.get("source_map_support")) {
        skipped(
            "source_map_support",
            "set `NODE_OPTIONS: --enable-source-maps` in `env`",
        );
    }
    if is_set(entry.get("instance_var")) {
        skipped(
            "instance_var",
            "use GENCONF_INSTANCE (pool@port) or PORT to identify the instance",
        );
    }
}

/// Whether a key has a value other than `false`, the default.
fn is_set(value: Option<&Value>) -> bool {
    !matches!(value, None | Some(Value::Null | Value::Bool(false)))
}
