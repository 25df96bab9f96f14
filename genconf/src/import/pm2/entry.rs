//! Entries of `apps`.

use serde_json::{Map, Value};

use super::command::{Command, base, directory, with_valid_args};
use super::environment::{add_assigned, environment};
use super::port::EntryPort;
use super::{dump, unsupported, value};
use crate::import::draft::{AppDraft, PoolMode, merge_duplicates};
use crate::import::program::Program;
use crate::import::{Finding, Options, background};
use crate::topology::choice::Runtime;
use crate::topology::default::READY_TIMEOUT;
use crate::topology::quantity::Duration;

/// A parsed entry.
#[derive(Clone, Debug)]
pub(super) struct AppEntry {
    /// Name in the report.
    pub(super) label: String,
    /// Name in PM2.
    pub(super) name: String,
    /// The app of an entry, without its name.
    pub(super) app: AppDraft,
    /// Arguments and variables with its port, except PORT.
    pub(super) port_values: Vec<String>,
    /// Port in arguments or environment.
    pub(super) port: Option<u16>,
    /// Number of processes.
    pub(super) instances: u16,
    /// Whether that number depends on the CPUs.
    pub(super) uses_cpus: bool,
    /// Mode of its pool.
    pub(super) mode: PoolMode,
}

impl AppEntry {
    /// Parses an entry; `None` if it is skipped, because it serves no HTTP.
    pub(super) fn read(
        entry: &Value,
        options: &Options,
        findings: &mut Vec<Finding>,
    ) -> Result<Option<Self>, EntryError> {
        let error = |message: &str| EntryError::new("", message);
        let entry = entry
            .as_object()
            .ok_or_else(|| error("expected a mapping, such as `{ \"script\": \"server.js\" }`"))?;
        let script = value::first(entry, &["script", "cmd", "exec", dump::PATH])
            .filter(|s| !s.trim().is_empty());
        let script =
            script.ok_or_else(|| error("`script` is missing: add `\"script\": \"server.js\"`"))?;
        let name = value::first(entry, &["name"]).unwrap_or_else(|| base(&script).to_owned());
        let label = format!("`{name}`");
        let command = Command::read(entry, &script)?;
        let words = command.words();
        if let Some(program) = background::known(&words) {
            findings.push(Finding::skipped(label, background::reason(&program)));
            return Ok(None);
        }
        let mut own = Vec::new();
        command.report(&label, &mut own);
        let mut program = with_valid_args(&label, command.program(entry), &mut own);
        let (instances, uses_cpus) = value::instances(entry.get("instances"), options.cpus)
            .map_err(|message| EntryError::new("instances", &message))?;
        let mut env = environment(&label, entry, options, &mut own);
        add_assigned(&label, &command.assignments, &mut env, &mut own);
        let mode = pool_mode(&program.args);
        let mut port = EntryPort::take(&label, entry, &mut program, &mut env);
        port.port = port.port.or(command.default_port);
        own.extend(port.findings);
        if port.port.is_none()
            && let Some(reason) = without_port(entry, &name, &words)
        {
            findings.push(Finding::skipped(label, reason));
            return Ok(None);
        }
        env.extend(program.env.take());
        let mut app = app(&label, entry, program, &mut own);
        app.env = merge_duplicates(env);
        unsupported::report(&label, entry, &options.environment, &mut own);
        findings.extend(own);
        Ok(Some(Self {
            label,
            name,
            app,
            port_values: port.values,
            port: port.port,
            instances,
            uses_cpus,
            mode,
        }))
    }
}

/// An error in an entry.
#[derive(Clone, Debug)]
pub(super) struct EntryError {
    /// The key with the error; empty if it is the whole entry.
    pub(super) key: &'static str,
    /// The error and how to fix it.
    pub(super) message: String,
}

impl EntryError {
    pub(super) fn new(key: &'static str, message: &str) -> Self {
        let message = message.to_owned();
        Self { key, message }
    }
}

/// Why an app without a port is skipped; `None` if it can be a server.
fn without_port(entry: &Map<String, Value>, name: &str, words: &[String]) -> Option<String> {
    let schedule = value::first(entry, &["cron_restart", "cron"]).filter(|s| !s.is_empty());
    if let Some(schedule) = schedule
        && entry.get("autorestart") == Some(&Value::Bool(false))
    {
        return Some(format!(
            "the app has no port and runs on a schedule, `{schedule}`; run it with a separate systemd timer"
        ));
    }
    let reason = "the app has no port and the name of a background worker; run it with a separate systemd service";
    background::is_named(name, words).then(|| reason.to_owned())
}

/// The mode of the pool: an app with a cluster argument supervises its own workers.
fn pool_mode(args: &[String]) -> PoolMode {
    let is = |word: &str| word.eq_ignore_ascii_case("cluster");
    let is_cluster = args.iter().any(|a| is(a.rsplit('=').next().unwrap_or(a)));
    if is_cluster {
        PoolMode::AppCluster
    } else {
        PoolMode::Fork
    }
}

/// The app of an entry, without its name.
fn app(
    label: &str,
    entry: &Map<String, Value>,
    program: Program,
    findings: &mut Vec<Finding>,
) -> AppDraft {
    let dropped = program.dropped_comment();
    let directory = directory(entry);
    if program.is_unknown() && program.runtime != Runtime::Node && directory != "." {
        let subject = format!("{label}: `cwd`");
        let reason = "the directory is not deployed: if the program needs it, deploy an archive and set `main`";
        findings.push(Finding::skipped(subject, reason));
    }
    let mut app = program.app(&directory);
    findings.extend(
        app.comments
            .iter()
            .map(|reason| Finding::adjusted(label, reason)),
    );
    app.comments.extend(dropped);
    let mut invalid = |key: &str| {
        let subject = format!("{label}: `{key}`");
        findings.push(Finding::skipped(subject, "the value is invalid"));
    };
    let written = |key: &str| entry.get(key).filter(|v| !v.is_null());
    if let Some(limit) = written("max_memory_restart") {
        app.memory = value::size(limit);
        if app.memory.is_none() {
            invalid("max_memory_restart");
        }
    }
    let mut time = |key: &str| {
        let time = value::duration(written(key)?);
        if time.is_none() {
            invalid(key);
        }
        time
    };
    app.stop_timeout = time("kill_timeout");
    let listen_timeout = time("listen_timeout");
    app.ready_timeout = ready_timeout(label, listen_timeout, findings);
    app
}

/// The start timeout for a `listen_timeout`. PM2 stops no process after this time, but systemd
/// restarts an instance that is not ready, so the default is the minimum.
fn ready_timeout(
    label: &str,
    listen_timeout: Option<Duration>,
    findings: &mut Vec<Finding>,
) -> Option<Duration> {
    let written = listen_timeout?;
    let subject = format!("{label}: `listen_timeout`");
    if written > READY_TIMEOUT {
        let reason = "`ready_timeout` is this time: an instance that is not ready by then is restarted; PM2 only continues a reload";
        findings.push(Finding::adjusted(subject, reason));
        return Some(written);
    }
    let reason = format!(
        "PM2 continues a reload after this time and stops no process; the default `ready_timeout`, {READY_TIMEOUT}, applies"
    );
    findings.push(Finding::skipped(subject, reason));
    None
}
