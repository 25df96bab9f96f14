//! Reads `dump.pm2`, the list of processes that `pm2 save` writes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::value;
use crate::import::Finding;

/// Key with the absolute path of the script.
pub(super) const PATH: &str = "pm_exec_path";

/// Keys with the same meaning in an ecosystem file. The other keys are internal, defaults, or copies of
/// variables.
const KEPT: [&str; 14] = [
    "name",
    "args",
    "node_args",
    "exec_interpreter",
    "increment_var",
    "max_memory_restart",
    "kill_timeout",
    "listen_timeout",
    "wait_ready",
    "watch",
    "autorestart",
    "cron_restart",
    "env_file",
    "uid",
];

/// Variables of the shell and of PM2, which are not imported.
const SHELL: [&str; 40] = [
    "_",
    "COLORTERM",
    "DEBIAN_FRONTEND",
    "DISPLAY",
    "EDITOR",
    "HOME",
    "HOSTNAME",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LANG",
    "LANGUAGE",
    "LESS",
    "LESSCLOSE",
    "LESSOPEN",
    "LOGNAME",
    "LS_COLORS",
    "MAIL",
    "MANAGERPID",
    "MOTD_SHOWN",
    "NODE_APP_INSTANCE",
    "OLDPWD",
    "PAGER",
    "PATH",
    "PIDFILE",
    "PS1",
    "PWD",
    "SHELL",
    "SHLVL",
    "STY",
    "SYSTEMD_EXEC_PID",
    "TERM",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "TMUX",
    "TMUX_PANE",
    "USER",
    "USERNAME",
    "VISUAL",
    "WINDOWID",
    "unique_id",
];

/// Prefixes of such variables.
const PREFIXES: [&str; 12] = [
    "DBUS_", "GPG_", "HIST", "LC_", "NVM_", "PM2_", "SSH_", "SUDO_", "VSCODE_", "XDG_", "npm_",
    "pm_",
];

/// The processes as entries of an ecosystem file; `None` if the file is not a dump.
pub(super) fn entries(value: &Value, findings: &mut Vec<Finding>) -> Option<Vec<Value>> {
    let processes = value.as_array()?;
    processes.first()?.get(PATH)?;
    let mut entries: Vec<(Value, u32)> = Vec::new();
    let mut dropped = BTreeSet::new();
    for process in processes.iter().filter_map(Value::as_object) {
        if process.get("status") == Some(&json!("stopped")) {
            let name = value::first(process, &["name"]).unwrap_or_default();
            let reason = "the process was stopped when `pm2 save` ran";
            findings.push(Finding::skipped(format!("`{name}`"), reason));
            continue;
        }
        let entry = entry(process, &mut dropped);
        match entries.iter_mut().find(|(known, _)| *known == entry) {
            Some((_, count)) => *count += 1,
            None => entries.push((entry, 1)),
        }
    }
    if !dropped.is_empty() {
        let names: Vec<_> = dropped.into_iter().collect();
        let reason = "variables of the shell that started PM2; check `env` for others";
        findings.push(Finding::skipped(names.join(", "), reason));
    }
    let counted = |(mut entry, count): (Value, u32)| {
        if count > 1 {
            entry["instances"] = json!(count);
        }
        entry
    };
    Some(entries.into_iter().map(counted).collect())
}

fn entry(process: &Map<String, Value>, dropped: &mut BTreeSet<String>) -> Value {
    let kept = KEPT
        .iter()
        .filter_map(|k| Some(((*k).to_owned(), process.get(*k)?.clone())));
    let mut entry: Map<String, Value> = kept.collect();
    let saved = |key: &str| process.get(key).cloned().unwrap_or_default();
    entry.insert("cwd".to_owned(), saved("pm_cwd"));
    entry.insert("env".to_owned(), environment(process, dropped));
    if let Some(line) = command(process) {
        entry.remove("args");
        entry.insert("script".to_owned(), line.clone());
    } else {
        entry.insert(PATH.to_owned(), saved(PATH));
    }
    Value::Object(entry)
}

/// The command of a `script` with spaces, which PM2 runs with a shell.
fn command(process: &Map<String, Value>) -> Option<&Value> {
    let path = process.get(PATH)?.as_str()?;
    let shell = path.ends_with("/bash") || path.ends_with("/sh");
    match process.get("args")?.as_array()?.as_slice() {
        [option, line] if shell && option == "-c" => Some(line),
        _ => None,
    }
}

/// The saved variables except those of the shell and of PM2.
fn environment(process: &Map<String, Value>, dropped: &mut BTreeSet<String>) -> Value {
    let name = process.get("name").and_then(Value::as_str);
    let variables = process.get("env").and_then(Value::as_object);
    let mut env = Map::new();
    for (variable, value) in variables.into_iter().flatten() {
        let has_prefix = PREFIXES.iter().any(|b| variable.starts_with(b));
        if has_prefix || SHELL.contains(&variable.as_str()) {
            dropped.insert(variable.clone());
        } else if name != Some(variable) {
            // PM2 sets a variable with the name of the process for its modules.
            env.insert(variable.clone(), value.clone());
        }
    }
    Value::Object(env)
}
