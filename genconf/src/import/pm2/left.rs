//! What of an app's entry is not carried, and why.

use serde_json::{Map, Value};

use crate::import::Note;

/// Keys that are read elsewhere.
const READ: [&str; 27] = [
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

const LOGS: &str = "systemd keeps the log, with time and instance: journalctl -u 'PROJECT-POOL@*'";
const RESTARTS: &str = "systemd restarts at once and without end (Restart=always)";
const WATCHES: &str = "while you work, `watch: true` at the app with `development: true` at its host rolls each new artifact (docs/from-pm2.md); elsewhere ansible/deploy.yml ships one";
const USERS: &str = "each unit runs as a user of its own (DynamicUser=yes)";

/// Keys that mean one thing, and why they are left.
const LEFT: &[(&[&str], &str)] = &[
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
        "a systemd timer of your own restarts at a time: systemctl restart 'PROJECT-POOL@*'",
    ),
    (
        &["namespace"],
        "the project's name is what groups its units",
    ),
    (
        &["post_update", "pre_setup", "post_setup"],
        "write a command that builds as `build`",
    ),
    (
        &["shutdown_with_message"],
        "an instance is told to stop with SIGTERM",
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
        "it concerns PM2 itself",
    ),
];

/// Tells each key of `entry` that nothing reads.
pub(super) fn tell(
    label: &str,
    entry: &Map<String, Value>,
    environment: &str,
    notes: &mut Vec<Note>,
) {
    for (keys, why) in LEFT {
        let found: Vec<_> = keys
            .iter()
            .filter(|k| says(entry.get(**k)))
            .map(|k| format!("`{k}`"))
            .collect();
        if !found.is_empty() {
            notes.push(Note::left(format!("{label}: {}", found.join(", ")), *why));
        }
    }
    switches(label, entry, notes);
    let chosen = format!("env_{environment}");
    let known = |key: &str| {
        READ.contains(&key) || key == chosen || LEFT.iter().any(|(keys, _)| keys.contains(&key))
    };
    for key in entry.keys().filter(|k| !known(k)) {
        let why = if key.starts_with("env_") {
            "another environment: import it with --env, or keep a topology for it"
        } else {
            "genconf knows nothing of it"
        };
        notes.push(Note::left(format!("{label}: `{key}`"), why));
    }
}

fn switches(label: &str, entry: &Map<String, Value>, notes: &mut Vec<Note>) {
    let mut left = |key: &str, why: &str| notes.push(Note::left(format!("{label}: `{key}`"), why));
    if says(entry.get("watch")) {
        left("watch", WATCHES);
    }
    if entry.get("autorestart") == Some(&Value::Bool(false)) {
        left(
            "autorestart: false",
            "what serves a port is always restarted",
        );
    }
    if entry
        .get("env_file")
        .is_some_and(|f| says(Some(f)) && !f.is_string())
    {
        left("env_file", "its value is not the path of a file");
    }
    if says(entry.get("wait_ready")) {
        left(
            "wait_ready",
            "it waits for process.send('ready'); with sd_notify the app says the same to systemd: `sd_notify: true`",
        );
    }
    if says(entry.get("source_map_support")) {
        left(
            "source_map_support",
            "write `NODE_OPTIONS: --enable-source-maps` under `env`",
        );
    }
    if says(entry.get("instance_var")) {
        left(
            "instance_var",
            "GENCONF_INSTANCE names the instance (pool@port), PORT its port",
        );
    }
}

/// Whether a switch is on: `false` and nothing are what happens anyway.
fn says(value: Option<&Value>) -> bool {
    !matches!(value, None | Some(Value::Null | Value::Bool(false)))
}
