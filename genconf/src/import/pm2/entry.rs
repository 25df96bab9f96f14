//! Entries of `apps`.

use serde_json::{Map, Value};

use super::command::{base, directory, program, with_valid_args};
use super::environment::{environment, variable};
use super::{dump, unsupported, value};
use crate::import::draft::{AppDraft, PoolMode, merge_duplicates};
use crate::import::ports::PLACEHOLDER;
use crate::import::program::Program;
use crate::import::{Finding, ImportError, Options, ports};

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
    /// Parses the entry with this index; `None` if it does not listen on a port.
    pub(super) fn read(
        index: usize,
        entry: &Value,
        options: &Options,
        findings: &mut Vec<Finding>,
    ) -> Result<Option<Self>, ImportError> {
        let error = |message: &str| ImportError::new(format!("app {}: {message}", index + 1));
        let entry = entry
            .as_object()
            .ok_or_else(|| error("expected a mapping"))?;
        let script = value::first(entry, &["script", "cmd", "exec", dump::PATH])
            .filter(|s| !s.trim().is_empty());
        let script = script.ok_or_else(|| error("`script` is missing"))?;
        let name = value::first(entry, &["name"]).unwrap_or_else(|| base(&script).to_owned());
        let label = format!("`{name}`");
        let program = program(entry, &script)
            .ok_or_else(|| error("invalid `args`: expected a string or a list of strings"))?;
        let mut program = with_valid_args(&label, program, findings);
        let (instances, uses_cpus) =
            value::instances(entry.get("instances"), options.cpus).map_err(|s| error(&s))?;
        let mut env = environment(&label, entry, options, findings);
        env.extend(program.env.clone());
        let mode = pool_mode(&program.args);
        let (argument, value) = replace_port_argument(&mut program).unzip();
        let mut port_values = Vec::from_iter(value);
        let variable = variable(entry, &env);
        let port = argument.or_else(|| variable.as_ref().and_then(|(_, port)| *port));
        if port.is_none() && is_background(&name, &script) {
            let reason = "the app has no port and the name of a background worker; run it with a separate systemd service";
            findings.push(Finding::skipped(label, reason));
            return Ok(None);
        }
        env.retain(|(name, _)| name != "PORT");
        port_values.extend(
            variable.and_then(|(name, value)| replace_port_variable(&name, value, port, &mut env)),
        );
        let mut app = app(&label, entry, program, findings);
        app.env = merge_duplicates(env);
        unsupported::report(&label, entry, &options.environment, findings);
        Ok(Some(Self {
            label,
            name,
            app,
            port_values,
            port,
            instances,
            uses_cpus,
            mode,
        }))
    }
}

/// Replaces the port in the arguments with the placeholder. Returns the port and its argument.
fn replace_port_argument(program: &mut Program) -> Option<(u16, String)> {
    let found = ports::port_argument(&program.args)?;
    let words = program.args[found.first..found.first + found.count].join(" ");
    program.args = ports::with_placeholder(&program.args, &found);
    Some((found.port, format!("argument `{words}`")))
}

/// Replaces the port in the variable `name`, if it is that of the app. Returns the variable.
fn replace_port_variable(
    name: &str,
    value_port: Option<u16>,
    port: Option<u16>,
    env: &mut [(String, String)],
) -> Option<String> {
    let (_, value) = env.iter_mut().find(|(n, _)| n == name)?;
    value_port.filter(|_| value_port == port)?;
    PLACEHOLDER.clone_into(value);
    Some(format!("variable `{name}`"))
}

/// Whether the name is that of a background worker, which does not listen on a port.
fn is_background(name: &str, script: &str) -> bool {
    let words = [
        "worker",
        "workers",
        "queue",
        "cron",
        "scheduler",
        "bot",
        "consumer",
        "job",
        "jobs",
        "monitor",
    ];
    let has = |text: &str| {
        text.to_ascii_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .any(|w| words.contains(&w))
    };
    let serves = ["server", "www", "app", "api"].contains(&base(script));
    has(base(script)) || (has(name) && !serves)
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
    let mut app = program.app(&directory(entry));
    findings.extend(
        app.comments
            .iter()
            .map(|reason| Finding::adjusted(label, reason)),
    );
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
    app.ready_timeout = time("listen_timeout");
    app
}
