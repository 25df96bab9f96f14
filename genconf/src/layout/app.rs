//! Resolved apps.

use model::StatusRanges;
use serde::Serialize;

use super::naming;
use crate::source::Spanned;
use crate::topology::choice::Runtime;
use crate::topology::decode::Named;
use crate::topology::image::Image;
use crate::topology::text::{EnvName, Text};
use crate::topology::{self, HealthCheck, default};

/// An app: its artifact, runtime, and limits.
#[derive(Clone, Debug, Default, Serialize)]
pub struct App {
    /// Name of the app.
    pub name: String,
    /// File to deploy, relative to the topology.
    pub artifact: String,
    /// Command that builds the artifact; empty if none is set.
    pub build: String,
    /// File name of the artifact.
    pub file: String,
    /// Type of the artifact: an executable `file`, an `archive` to unpack, or an `image` archive.
    pub artifact_type: &'static str,
    /// Path of the executable in a release: `main` of an archive, otherwise the artifact under a name
    /// without a version.
    pub executable: String,
    /// Interpreter of the executable; empty for a native program.
    pub interpreter: &'static str,
    /// `native`, `node`, `jvm` or `container`.
    pub runtime: &'static str,
    /// Container image with its tag; empty for other runtimes.
    pub image: String,
    /// Port inside the container; 0 if it equals the published port.
    pub container_port: u16,
    /// Whether it sends `READY=1` and `WATCHDOG=1` to systemd (`sd_notify`).
    pub sd_notify: bool,
    /// Whether systemd passes it the listening socket (`LISTEN_FDS`).
    pub socket_activation: bool,
    /// Whether it needs the host's network: it binds a port or opens connections.
    pub has_network: bool,
    /// The same for `where` in `renderer.yaml`: `none` or `host`.
    pub network_mode: &'static str,
    /// Command-line arguments.
    pub args: Vec<String>,
    /// User that owns its state directory; empty if it has none.
    pub state_user: String,
    /// File with environment variables, relative to the topology; empty if none is set.
    pub env_file: String,
    /// `deploy`: a playbook releases new versions. `watch`: the host also releases a changed artifact.
    pub update_mode: &'static str,
    /// Path of the health check.
    pub health_path: String,
    /// Status codes of a healthy instance.
    pub health_status: StatusRanges,
    /// Type of the health check: `watchdog` or `probe`.
    pub health_type: &'static str,
    /// Timeout of the health check, in milliseconds.
    pub health_timeout_ms: u64,
    /// Interval between probes, in milliseconds.
    pub health_interval_ms: u64,
    /// Stop timeout, in seconds.
    pub stop_timeout_seconds: u64,
    /// Time after which systemd kills an instance that has not stopped, in seconds. Longer than the
    /// stop timeout, which the instance enforces first.
    pub kill_after_seconds: u64,
    /// Start timeout, in seconds.
    pub ready_timeout_seconds: u64,
    /// Memory limit of an instance in bytes, or `infinity`.
    pub memory: String,
    /// Limit on threads and processes of an instance.
    pub tasks_max: u16,
}

/// An environment variable.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Variable {
    /// Name of the variable.
    pub name: String,
    /// Value of the variable.
    pub value: String,
    /// `NAME=value`, for formats that quote the assignment as a whole.
    pub assignment: String,
}

/// Time between the stop timeout and the kill, in seconds.
const KILL_DELAY_SECONDS: u64 = 2;

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
    App {
        name: name.to_owned(),
        interpreter: interpreter(runtime),
        runtime: runtime.word(),
        sd_notify: app.notifies(),
        socket_activation: app.uses_socket_activation(),
        has_network,
        network_mode: if has_network { "host" } else { "none" },
        args: texts(app.args.as_ref()),
        env_file: app
            .env_file
            .as_ref()
            .map_or("", |f| f.value.as_str())
            .to_owned(),
        state_user: if app.has_state_directory() {
            naming::state_user(project, name)
        } else {
            String::new()
        },
        update_mode: if app.is_watched() { "watch" } else { "deploy" },
        stop_timeout_seconds: stop_timeout.seconds(),
        kill_after_seconds: stop_timeout.seconds() + KILL_DELAY_SECONDS,
        ready_timeout_seconds: ready_timeout.seconds(),
        memory: memory.unwrap_or_else(|| "infinity".to_owned()),
        tasks_max: app
            .tasks_max
            .as_ref()
            .map_or(default::TASKS_MAX, |t| t.value.number()),
        ..with_health_check(app, deployed(name, app))
    }
}

/// Sets the fields of the health check.
fn with_health_check(app: &topology::App, resolved: App) -> App {
    let check = app.health.as_ref().map(|h| &h.0);
    let duration = |pick: fn(&HealthCheck) -> Option<topology::quantity::Duration>,
                    default: topology::quantity::Duration| {
        check.and_then(pick).unwrap_or(default).millis()
    };
    App {
        health_path: check
            .and_then(|c| c.path.as_ref())
            .map_or(default::HEALTH, |p| p.value.as_str())
            .to_owned(),
        health_status: health_status(check),
        health_type: app.check_type().word(),
        health_timeout_ms: duration(
            |c| c.timeout.as_ref().map(|t| t.value),
            default::HEALTH_TIMEOUT,
        ),
        health_interval_ms: duration(
            |c| c.interval.as_ref().map(|t| t.value),
            default::HEALTH_INTERVAL,
        ),
        ..resolved
    }
}

fn health_status(check: Option<&HealthCheck>) -> StatusRanges {
    match check.and_then(|c| c.status.as_ref()) {
        Some(ranges) => ranges.iter().map(|r| r.value.into()).collect(),
        None => std::iter::once(default::HEALTH_STATUS.into()).collect(),
    }
}

/// The fields that describe the artifact; the others have their defaults.
fn deployed(name: &str, app: &topology::App) -> App {
    let file = app.artifact.value.file_name();
    let main = app.main.as_ref().map(|m| m.value.as_str().to_owned());
    let build = app.build.as_ref().map_or("", |b| b.value.as_str());
    App {
        artifact: app.artifact.value.as_str().to_owned(),
        build: build.to_owned(),
        file: file.to_owned(),
        artifact_type: match app.runs_on() {
            Runtime::Container => "image",
            _ if main.is_some() => "archive",
            _ => "file",
        },
        executable: main.unwrap_or_else(|| stable_name(name, file)),
        image: image(app),
        container_port: app.container_port.as_ref().map_or(0, |p| p.value.number()),
        ..App::default()
    }
}

/// Executable name without a version: `web.jar` for the artifact `shop-1.2.3.jar` of the app `web`.
/// Keeps the extensions that interpreters depend on.
fn stable_name(app: &str, file: &str) -> String {
    let extension = ["js", "cjs", "mjs", "jar", "war", "tar"]
        .into_iter()
        .find(|known| file.rsplit_once('.').is_some_and(|(_, e)| e == *known));
    extension.map_or_else(|| app.to_owned(), |e| format!("{app}.{e}"))
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

/// The variables of both mappings, sorted by name; `over` overrides `under`.
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
