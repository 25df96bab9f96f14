//! Apps, resolved.

use serde::Serialize;

use super::naming;
use crate::source::Spanned;
use crate::topology::choice::Runtime;
use crate::topology::decode::Named;
use crate::topology::image::Image;
use crate::topology::text::{EnvName, Text};
use crate::topology::{self, HealthCheck, default};

/// A program and how it is run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct App {
    /// Its name.
    pub name: String,
    /// File to deploy, relative to the topology.
    pub artifact: String,
    /// Command that makes it; empty when there is none.
    pub build: String,
    /// The name of that file.
    pub file: String,
    /// What that file is: the `file` that is run, an `archive` to unpack, or an archive with an `image`.
    pub artifact_is: &'static str,
    /// What a release runs, by its path inside. Of an archive the file that is named; otherwise the
    /// artifact itself, under a name that stays when a version in the artifact's own name changes.
    pub executable: String,
    /// What runs the executable; empty when it runs by itself.
    pub interpreter: &'static str,
    /// `native`, `node`, `jvm` or `container`.
    pub runtime: &'static str,
    /// The image that a container runs, with its tag; empty for what is no container.
    pub image: String,
    /// Port inside a container that its own port leads to; 0 where it listens on its own port itself.
    pub container_port: u16,
    /// Whether it tells systemd when it is ready and alive.
    pub notifies: bool,
    /// Whether it takes its listening socket from systemd.
    pub takes_socket: bool,
    /// Whether it opens connections or ports itself.
    pub has_network: bool,
    /// The same for `where`: `none` or `network`.
    pub reach: &'static str,
    /// Arguments.
    pub args: Vec<String>,
    /// The user that owns the files it keeps; empty where it keeps none.
    pub keeper: String,
    /// File with more variables, relative to the topology; empty when there is none.
    pub env_file: String,
    /// `deploy`: a playbook brings new versions; `watch`: so does putting a file on the host.
    pub updates_by: &'static str,
    /// Path that a health check requests.
    pub health_path: String,
    /// Status codes of a healthy instance, as `HAProxy` writes them: `200-299,401`.
    pub health_status: String,
    /// `watchdog` or `probe`.
    pub health_via: &'static str,
    /// Longest silence of an instance, in milliseconds.
    pub health_timeout_ms: u64,
    /// Time between two probes, in milliseconds.
    pub health_interval_ms: u64,
    /// Longest time for a stop, in whole seconds.
    pub stop_timeout_seconds: u64,
    /// When the host ends an instance that has not stopped, in whole seconds:
    /// a little after the instance's own deadline, which should come first.
    pub kill_after_seconds: u64,
    /// Longest time from start to ready, in whole seconds.
    pub ready_timeout_seconds: u64,
    /// Most memory of an instance in bytes, or `infinity`.
    pub memory: String,
    /// Most threads and processes of an instance.
    pub tasks_max: u16,
}

/// An environment variable.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// `NAME=value`, which formats with quoting rules of their own quote as one word.
    pub assignment: String,
}

/// How long after an instance's own deadline the host waits.
const KILL_SLACK_SECONDS: u64 = 2;

pub(super) fn resolve(project: &str, name: &str, app: &topology::App) -> App {
    let stop_timeout = app
        .stop_timeout
        .as_ref()
        .map_or(default::STOP_TIMEOUT, |t| t.value);
    let ready_timeout = app
        .ready_timeout
        .as_ref()
        .map_or(default::READY_TIMEOUT, |t| t.value);
    let memory = app.memory.as_ref().map(|m| m.value.bytes().to_string());
    let runtime = app.runs_on();
    let has_network = app.allows_outbound();
    let check = app.health.as_ref().map(|h| &h.0);
    let duration = |pick: fn(&HealthCheck) -> Option<topology::quantity::Duration>,
                    default: topology::quantity::Duration| {
        check.and_then(pick).unwrap_or(default).millis()
    };
    App {
        name: name.to_owned(),
        interpreter: interpreter(runtime),
        runtime: runtime.word(),
        notifies: app.notifies(),
        takes_socket: app.uses_socket_activation(),
        has_network,
        reach: if has_network { "network" } else { "none" },
        args: texts(app.args.as_ref()),
        env_file: app
            .env_file
            .as_ref()
            .map_or("", |f| f.value.as_str())
            .to_owned(),
        keeper: if app.has_state_directory() {
            naming::keeper(project, name)
        } else {
            String::new()
        },
        updates_by: if app.is_watched() { "watch" } else { "deploy" },
        health_path: check
            .and_then(|c| c.path.as_ref())
            .map_or(default::HEALTH, |p| p.value.as_str())
            .to_owned(),
        health_status: health_status(check),
        health_via: app.check_type().word(),
        health_timeout_ms: duration(
            |c| c.timeout.as_ref().map(|t| t.value),
            default::HEALTH_TIMEOUT,
        ),
        health_interval_ms: duration(
            |c| c.interval.as_ref().map(|t| t.value),
            default::HEALTH_INTERVAL,
        ),
        stop_timeout_seconds: stop_timeout.seconds(),
        kill_after_seconds: stop_timeout.seconds() + KILL_SLACK_SECONDS,
        ready_timeout_seconds: ready_timeout.seconds(),
        memory: memory.unwrap_or_else(|| "infinity".to_owned()),
        tasks_max: app
            .tasks_max
            .as_ref()
            .map_or(default::TASKS_MAX, |t| t.value.number()),
        ..deployed(name, app)
    }
}

fn health_status(check: Option<&HealthCheck>) -> String {
    let written = check.and_then(|c| c.status.as_ref());
    let ranges: Option<Vec<_>> = written.map(|s| s.iter().map(|r| r.value.to_string()).collect());
    ranges.map_or_else(|| default::HEALTH_STATUS.to_string(), |r| r.join(","))
}

/// What is deployed, and nothing else.
fn deployed(name: &str, app: &topology::App) -> App {
    let file = app.artifact.value.file_name();
    let main = app.main.as_ref().map(|m| m.value.as_str().to_owned());
    let build = app.build.as_ref().map_or("", |b| b.value.as_str());
    App {
        artifact: app.artifact.value.as_str().to_owned(),
        build: build.to_owned(),
        file: file.to_owned(),
        artifact_is: match app.runs_on() {
            Runtime::Container => "image",
            _ if main.is_some() => "archive",
            _ => "file",
        },
        executable: main.unwrap_or_else(|| lasting_name(name, file)),
        image: image(app),
        container_port: app.container_port.as_ref().map_or(0, |p| p.value.number()),
        ..App::default()
    }
}

/// `web.jar` for the artifact `shop-1.2.3.jar` of the app `web`: what runs it may go by how it ends.
fn lasting_name(app: &str, file: &str) -> String {
    let ending = ["js", "cjs", "mjs", "jar", "war", "tar"]
        .into_iter()
        .find(|end| file.rsplit_once('.').is_some_and(|(_, e)| e == *end));
    ending.map_or_else(|| app.to_owned(), |end| format!("{app}.{end}"))
}

fn image(app: &topology::App) -> String {
    let written = app.image.as_ref().and_then(|i| i.image.as_ref());
    written.map_or("", Image::as_str).to_owned()
}

fn interpreter(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Native | Runtime::Container => "",
        Runtime::Node => "/usr/bin/node",
        Runtime::Jvm => "/usr/bin/java -jar",
    }
}

pub(super) fn texts(list: Option<&Vec<Spanned<Text>>>) -> Vec<String> {
    list.into_iter()
        .flatten()
        .map(|t| t.value.as_str().to_owned())
        .collect()
}

/// The variables of both, by name; where both have one, that of `over` counts.
pub(super) fn variables(
    under: Option<&Named<EnvName, Spanned<Text>>>,
    over: Option<&Named<EnvName, Spanned<Text>>>,
) -> Vec<Variable> {
    let mut merged = std::collections::BTreeMap::new();
    for (name, value) in under.into_iter().chain(over).flat_map(Named::iter) {
        merged.insert(name.value.as_str(), value.value.as_str());
    }
    let variable = |(name, value): (&str, &str)| Variable {
        name: name.to_owned(),
        value: value.to_owned(),
        assignment: format!("{name}={value}"),
    };
    merged.into_iter().map(variable).collect()
}
