//! What `pm2 save` wrote: a list of processes, each with all that PM2 knew of it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::value;
use crate::import::Note;

/// The key of the file that is run, which is whole and no command.
pub(super) const PATH: &str = "pm_exec_path";

/// Keys that are the same in an ecosystem file. Others are PM2's own, defaults
/// that it wrote, or variables of the process once more.
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

/// Variables of a shell, and PM2's own.
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

/// Beginnings of more of them.
const BEGINNINGS: [&str; 12] = [
    "DBUS_", "GPG_", "HIST", "LC_", "NVM_", "PM2_", "SSH_", "SUDO_", "VSCODE_", "XDG_", "npm_",
    "pm_",
];

/// The processes as entries of an ecosystem file; none when the file is no dump.
pub(super) fn entries(value: &Value, notes: &mut Vec<Note>) -> Option<Vec<Value>> {
    let processes = value.as_array()?;
    processes.first()?.get(PATH)?;
    let mut entries: Vec<(Value, u32)> = Vec::new();
    let mut dropped = BTreeSet::new();
    for process in processes.iter().filter_map(Value::as_object) {
        if process.get("status") == Some(&json!("stopped")) {
            let name = value::first(process, &["name"]).unwrap_or_default();
            let why = "it was stopped when `pm2 save` was typed";
            notes.push(Note::left(format!("`{name}`"), why));
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
        let why = "they are of the shell that PM2 was started from; some that it saved under `env` may be so too, look through them";
        notes.push(Note::left(names.join(", "), why));
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

/// The command that a shell was started with, because there were spaces in `script`.
fn command(process: &Map<String, Value>) -> Option<&Value> {
    let path = process.get(PATH)?.as_str()?;
    let shell = path.ends_with("/bash") || path.ends_with("/sh");
    match process.get("args")?.as_array()?.as_slice() {
        [option, line] if shell && option == "-c" => Some(line),
        _ => None,
    }
}

/// What may be the app's own of the variables that were saved.
fn environment(process: &Map<String, Value>, dropped: &mut BTreeSet<String>) -> Value {
    let name = process.get("name").and_then(Value::as_str);
    let variables = process.get("env").and_then(Value::as_object);
    let mut env = Map::new();
    for (variable, value) in variables.into_iter().flatten() {
        let begins = BEGINNINGS.iter().any(|b| variable.starts_with(b));
        if begins || SHELL.contains(&variable.as_str()) {
            dropped.insert(variable.clone());
        } else if name != Some(variable) {
            // Each process has a variable of its own name, which holds settings of PM2's modules.
            env.insert(variable.clone(), value.clone());
        }
    }
    Value::Object(env)
}
