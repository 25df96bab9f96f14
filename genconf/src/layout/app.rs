//! Apps, resolved.

use serde::Serialize;

use crate::source::Spanned;
use crate::topology::decode::Named;
use crate::topology::text::{EnvName, Text};
use crate::topology::{self, default};

/// A program and how it is run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct App {
    /// Its name.
    pub name: String,
    /// File to deploy, relative to the topology.
    pub artifact: String,
    /// Command that makes it; empty when there is none.
    pub build: String,
    /// File name inside a release.
    pub executable: String,
    /// Arguments.
    pub args: Vec<String>,
    /// Path that answers 200 when the app can serve.
    pub health_path: String,
    /// Longest time for a stop, in whole seconds.
    pub stop_timeout_seconds: u64,
    /// When the host ends an instance that has not stopped, in whole seconds:
    /// a little after the instance's own deadline, which should come first.
    pub kill_after_seconds: u64,
    /// Longest time from start to ready, in whole seconds.
    pub ready_timeout_seconds: u64,
    /// Longest silence of an instance, in milliseconds.
    pub watchdog_ms: u64,
    /// Most memory of an instance in bytes, or `infinity`.
    pub memory: String,
    /// Most threads and processes of an instance.
    pub tasks: u16,
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

pub(super) fn resolve(name: &str, app: &topology::App) -> App {
    let stop_timeout = app
        .stop_timeout
        .as_ref()
        .map_or(default::STOP_TIMEOUT, |t| t.value)
        .seconds();
    let args = app
        .args
        .iter()
        .flatten()
        .map(|a| a.value.as_str().to_owned());
    let memory = app.memory.as_ref().map(|m| m.value.bytes().to_string());
    let build = app.build.as_ref().map(|b| b.value.as_str());
    App {
        name: name.to_owned(),
        artifact: app.artifact.value.as_str().to_owned(),
        build: build.unwrap_or_default().to_owned(),
        executable: app.artifact.value.file_name().to_owned(),
        args: args.collect(),
        health_path: app
            .health
            .as_ref()
            .map_or(default::HEALTH, |h| h.value.as_str())
            .to_owned(),
        stop_timeout_seconds: stop_timeout,
        kill_after_seconds: stop_timeout + KILL_SLACK_SECONDS,
        ready_timeout_seconds: app
            .ready_timeout
            .as_ref()
            .map_or(default::READY_TIMEOUT, |t| t.value)
            .seconds(),
        watchdog_ms: app
            .watchdog
            .as_ref()
            .map_or(default::WATCHDOG, |t| t.value)
            .millis(),
        memory: memory.unwrap_or_else(|| "infinity".to_owned()),
        tasks: app
            .tasks
            .as_ref()
            .map_or(default::TASKS, |t| t.value.number()),
    }
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
