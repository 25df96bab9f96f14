//! Imports PM2 configuration: ecosystem files in JSON, YAML, or evaluated JavaScript, and `dump.pm2`.

mod command;
mod dump;
mod entry;
mod environment;
mod evaluation;
mod format;
mod pool;
mod port;
mod report;
mod shell_variable;
mod unsupported;
mod value;
mod yaml;

use serde_json::Value;

use super::draft::{HostDraft, ProxyDraft, RouteDraft, TopologyDraft};
use super::naming::{self, Names};
use super::{Finding, ImportError, Imported, Options, archive};
use crate::source::{Position, Source};
use entry::{AppEntry, EntryError};
pub use evaluation::{Evaluated, Evaluation};
pub use format::is_expression;
use pool::{Pools, group};

/// Imports an ecosystem file or `dump.pm2`.
pub fn read(source: &Source, options: &Options) -> Result<Imported, ImportError> {
    let start = Position { line: 1, column: 1 };
    let position = |index, key: &str| format::position(source, index, key);
    import(&format::parse(source)?, options, Vec::new(), &position).map_err(|error| {
        match error.position {
            None => error.at(start),
            Some(_) => error,
        }
    })
}

/// Imports an ecosystem file that node evaluated. Its values have no positions.
pub fn read_evaluated(evaluated: &Evaluated, options: &Options) -> Result<Imported, ImportError> {
    let mut findings = Vec::new();
    let value = shell_variable::removed(evaluated, &mut findings);
    import(&value, options, findings, &|_, _| None)
}

/// The position of a key in the entry with an index, if known.
type EntryPosition<'p> = &'p dyn Fn(usize, &str) -> Option<Position>;

fn import(
    value: &Value,
    options: &Options,
    mut findings: Vec<Finding>,
    position: EntryPosition<'_>,
) -> Result<Imported, ImportError> {
    let mut apps = Vec::new();
    let count_before = findings.len();
    let saved = dump::entries(value, &mut findings);
    let is_saved = saved.is_some();
    let entries = match saved {
        Some(saved) => saved,
        None => entries(value)?.into_iter().cloned().collect(),
    };
    for (index, entry) in entries.iter().enumerate() {
        let read = AppEntry::read(entry, options, &mut findings);
        apps.extend(read.map_err(|EntryError { key, message }| {
            let error = ImportError::new(format!("app {}: {message}", index + 1));
            // Entries of `dump.pm2` are grouped.
            let position = (!is_saved).then(|| position(index, key)).flatten();
            position.map_or(error.clone(), |position| error.at(position))
        })?);
    }
    if apps.is_empty() {
        let error = without_apps(&findings[count_before..]);
        return Err(position(0, "").map_or(error.clone(), |start| error.at(start)));
    }
    report_other_keys(value, &mut findings);
    let entry_count = apps.len();
    let mut pools = Pools::default();
    pools.add(&group(apps), &mut findings)?;
    let draft = draft(pools, options, &mut findings);
    Ok(Imported::new(&draft, entry_count, findings))
}

/// The error if every app is skipped, with the reason of each. A topology without apps is invalid.
fn without_apps(skipped: &[Finding]) -> ImportError {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for Finding {
        subject, reason, ..
    } in skipped
    {
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, subjects)) => subjects.push(subject),
            None => reasons.push((reason, vec![subject])),
        }
    }
    let reasons = reasons.iter();
    let reasons: Vec<_> = reasons
        .map(|(reason, subjects)| format!("{}: {reason}", subjects.join(", ")))
        .collect();
    let message =
        "no app listens on a port: set the port of an HTTP server, `\"env\": { \"PORT\": 3000 }`";
    ImportError::new(if reasons.is_empty() {
        message.to_owned()
    } else {
        format!("{message}; {}", reasons.join("; "))
    })
}

/// The entries of `apps`, in any form that PM2 accepts.
fn entries(value: &Value) -> Result<Vec<&Value>, ImportError> {
    let inside = value
        .get("apps")
        .or_else(|| value.get("pm2"))
        .unwrap_or(value);
    match inside {
        Value::Array(list) => Ok(list.iter().collect()),
        Value::Object(map)
            if ["script", "cmd", "exec"]
                .iter()
                .any(|k| map.contains_key(*k)) =>
        {
            Ok(vec![inside])
        }
        _ => Err(ImportError::new(
            "the list `apps` is missing: write `{ \"apps\": [{ \"script\": \"server.js\" }] }`",
        )),
    }
}

fn report_other_keys(value: &Value, findings: &mut Vec<Finding>) {
    let Some(map) = value.as_object().filter(|m| m.contains_key("apps")) else {
        return;
    };
    for key in map.keys().filter(|k| *k != "apps") {
        let reason = match key.as_str() {
            "deploy" => "list the servers under `hosts`; deploy with ansible/deploy.yml",
            _ => "the key is not supported",
        };
        findings.push(Finding::skipped(format!("`{key}`"), reason));
    }
}

fn draft(mut pools: Pools, options: &Options, findings: &mut Vec<Finding>) -> TopologyDraft {
    archive::pack(&mut pools.apps, findings);
    let mut names = Names::default();
    for pool in &pools.list {
        names.reserve(&pool.name, "pool");
    }
    let route = |(index, pool): (usize, &super::draft::PoolDraft)| RouteDraft {
        path: if index == pools.first {
            "/".to_owned()
        } else {
            format!("/{}", pool.name)
        },
        pool: pool.name.clone(),
        rewrite: (index != pools.first).then(|| "/".to_owned()),
        ..RouteDraft::default()
    };
    let has_several = pools.list.len() > 1;
    let comments = if has_several {
        vec![
            "PM2 has no routes: the first app with a port is at `/`, every other app at a path with its name."
                .to_owned(),
            "`genconf import nginx` imports the routes of an nginx configuration.".to_owned(),
        ]
    } else {
        Vec::new()
    };
    let proxy = ProxyDraft {
        name: names.reserve("edge", "edge"),
        comments,
        status_port: pools.ports.status_port(0, 1),
        routes: pools.list.iter().enumerate().map(route).collect(),
        ..ProxyDraft::default()
    };
    let cpus = pools.uses_cpus.then_some(options.cpus);
    let units = pools.list.iter().map(|pool| pool.name.as_str());
    let units: Vec<_> = units.chain([proxy.name.as_str()]).collect();
    let project = naming::project(&pools.apps[0].name, &units);
    TopologyDraft {
        comments: vec![
            "Imported from PM2. `genconf import` reports adjusted and skipped settings.".to_owned(),
        ],
        project,
        hosts: vec![HostDraft {
            name: "node1".into(),
            address: "192.168.56.11".into(),
            cpus,
            is_placeholder: true,
        }],
        apps: pools.apps,
        pools: pools.list,
        proxies: vec![proxy],
    }
}
