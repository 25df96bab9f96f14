//! One entry of `apps`.

use serde_json::{Map, Value};

use super::command::{base, folder, giveable, program};
use super::environment::{environment, variable};
use super::{dump, left, value};
use crate::import::plan::{AppPlan, Sharing, once};
use crate::import::ports::EACH;
use crate::import::program::Program;
use crate::import::{Fault, Note, Setting, ports};

/// An entry, understood.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    /// How the report calls it.
    pub(super) label: String,
    /// Its name in PM2.
    pub(super) name: String,
    /// The program, without a name yet.
    pub(super) app: AppPlan,
    /// What told it its port, save PORT.
    pub(super) said: Vec<String>,
    /// Its port, from arguments or environment.
    pub(super) port: Option<u16>,
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
        let script = value::first(entry, &["script", "cmd", "exec", dump::PATH])
            .filter(|s| !s.trim().is_empty());
        let script = script.ok_or_else(|| fault("it has no `script`"))?;
        let name = value::first(entry, &["name"]).unwrap_or_else(|| base(&script).to_owned());
        let label = format!("`{name}`");
        let program = program(entry, &script)
            .ok_or_else(|| fault("its `args` are neither a text nor a list of texts"))?;
        let mut program = giveable(&label, program, notes);
        let (instances, counted) =
            value::instances(entry.get("instances"), setting.cpus).map_err(|s| fault(&s))?;
        let mut env = environment(&label, entry, setting, notes);
        env.extend(program.env.clone());
        let sharing = sharing(&program.args);
        let (told, said) = told_port(&mut program).unzip();
        let mut said = Vec::from_iter(said);
        let variable = variable(entry, &env);
        let port = told.or_else(|| variable.as_ref().and_then(|(_, port)| *port));
        if port.is_none() && is_background(&name, &script) {
            let why = "it has no port and its name is that of a worker; a unit of your own runs it (systemd.service(5))";
            notes.push(Note::left(label, why));
            return Ok(None);
        }
        env.retain(|(name, _)| name != "PORT");
        said.extend(variable.and_then(|(name, own)| told_value(&name, own, port, &mut env)));
        let mut app = app(&label, entry, program, notes);
        app.env = once(env);
        left::tell(&label, entry, &setting.environment, notes);
        Ok(Some(Self {
            label,
            name,
            app,
            said,
            port,
            instances,
            counted,
            sharing,
        }))
    }
}

/// The port that the arguments told and what did; each instance is told its own there.
fn told_port(program: &mut Program) -> Option<(u16, String)> {
    let said = ports::said(&program.args)?;
    let words = program.args[said.first..said.first + said.count].join(" ");
    program.args = ports::for_each(&program.args, &said);
    Some((said.port, format!("the argument `{words}`")))
}

/// The same for the variable `name`, where the port it tells is that of the app.
fn told_value(
    name: &str,
    told: Option<u16>,
    port: Option<u16>,
    env: &mut [(String, String)],
) -> Option<String> {
    let (_, value) = env.iter_mut().find(|(n, _)| n == name)?;
    told.filter(|_| told == port)?;
    EACH.clone_into(value);
    Some(format!("the variable `{name}`"))
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
    let mut app = program.app(&folder(entry));
    notes.extend(app.about.iter().map(|why| Note::changed(label, why)));
    let mut unread = |key: &str| {
        let what = format!("{label}: `{key}`");
        notes.push(Note::left(what, "its value could not be read"));
    };
    let written = |key: &str| entry.get(key).filter(|v| !v.is_null());
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
