//! One entry of `apps`.

use serde_json::{Map, Value};

use super::command::{base, giveable, program};
use super::environment::{environment, variable};
use super::{left, value};
use crate::import::plan::{AppPlan, Sharing, once};
use crate::import::ports::{self, Said};
use crate::import::program::Program;
use crate::import::{Fault, Note, Setting};

/// An entry, understood.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    /// How the report calls it.
    pub(super) label: String,
    /// Its name in PM2.
    pub(super) name: String,
    /// The program, without a name yet.
    pub(super) app: AppPlan,
    /// The port among its arguments.
    pub(super) said: Option<Said>,
    /// Its port, from arguments or environment.
    pub(super) port: Option<u16>,
    /// The variable that told the port, when it is not PORT.
    pub(super) variable: Option<String>,
    /// How many processes.
    pub(super) instances: u16,
    /// Whether that number was the host's.
    pub(super) counted: bool,
    /// How they share ports.
    pub(super) sharing: Sharing,
}

impl Declared {
    /// Reads entry number `index`; none when it serves no port.
    pub(super) fn read(
        index: usize,
        entry: &Value,
        setting: &Setting,
        notes: &mut Vec<Note>,
    ) -> Result<Option<Self>, Fault> {
        let fault = |said: &str| Fault::new(format!("app {}: {said}", index + 1));
        let entry = entry
            .as_object()
            .ok_or_else(|| fault("it is not a mapping"))?;
        let script = value::first(entry, &["script", "cmd"]).filter(|s| !s.trim().is_empty());
        let script = script.ok_or_else(|| fault("it has no `script`"))?;
        let name = value::first(entry, &["name"]).unwrap_or_else(|| base(&script).to_owned());
        let label = format!("`{name}`");
        let program = program(entry, &script)
            .ok_or_else(|| fault("its `args` are neither a text nor a list of texts"))?;
        let program = giveable(&label, program, notes);
        let (instances, counted) =
            value::instances(entry.get("instances"), setting.cpus).map_err(|s| fault(&s))?;
        let mut env = environment(&label, entry, setting, notes);
        env.extend(program.env.clone());
        let said = ports::said(&program.args);
        let variable = variable(entry, &env);
        let told = said.as_ref().map(|s| s.port);
        let port = told.or_else(|| variable.as_ref().and_then(|(_, port)| *port));
        if port.is_none() && is_background(&name, &script) {
            let why = "it has no port and its name is that of a worker; a unit of your own runs it (systemd.service(5))";
            notes.push(Note::left(label, why));
            return Ok(None);
        }
        env.retain(|(name, _)| name != "PORT");
        notes.extend(
            program
                .told
                .iter()
                .map(|why| Note::changed(label.clone(), why)),
        );
        let sharing = sharing(&program.args);
        let mut app = app(&label, entry, program, notes);
        app.env = once(env);
        left::tell(&label, entry, &setting.environment, notes);
        let variable = variable
            .map(|(name, _)| name)
            .filter(|v| v != "PORT" && told.is_none());
        Ok(Some(Self {
            label,
            name,
            app,
            said,
            port,
            variable,
            instances,
            counted,
            sharing,
        }))
    }
}

/// Whether a name is that of something that works without being asked.
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

/// An app that is told to be a cluster is the master of its own workers.
fn sharing(args: &[String]) -> Sharing {
    let is = |word: &str| word.eq_ignore_ascii_case("cluster");
    let says = args.iter().any(|a| is(a.rsplit('=').next().unwrap_or(a)));
    if says {
        Sharing::OwnCluster
    } else {
        Sharing::Fork
    }
}

/// The app without its name.
fn app(
    label: &str,
    entry: &Map<String, Value>,
    program: Program,
    notes: &mut Vec<Note>,
) -> AppPlan {
    let mut unread = |key: &str| {
        let what = format!("{label}: `{key}`");
        notes.push(Note::left(what, "its value could not be read"));
    };
    let written = |key: &str| entry.get(key).filter(|v| !v.is_null());
    let mut app = AppPlan::new(String::new(), program.artifact, program.runtime);
    (app.about, app.args) = (program.told, program.args);
    if let Some(bound) = written("max_memory_restart") {
        app.memory = value::size(bound);
        if app.memory.is_none() {
            unread("max_memory_restart");
        }
    }
    let mut time = |key: &str| {
        let time = value::duration(written(key)?);
        if time.is_none() {
            unread(key);
        }
        time
    };
    app.stop_timeout = time("kill_timeout");
    app.ready_timeout = time("listen_timeout");
    app
}
