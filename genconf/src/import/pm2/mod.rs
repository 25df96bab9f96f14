//! PM2's ecosystem files: `ecosystem.config.json`, `process.json`, and what
//! `ecosystem.config.js` comes to.

mod app;
mod command;
mod environment;
mod left;
mod pool;
mod tell;
mod value;

use serde_json::Value;

use super::naming::{self, Names};
use super::plan::{HostPlan, Plan, ProxyPlan, RoutePlan};
use super::{Fault, Imported, Note, Setting};
use crate::source::{Position, Source};
use app::Declared;
use pool::{Pools, group};

/// Reads an ecosystem file in JSON.
pub fn read(source: &Source, setting: &Setting) -> Result<Imported, Fault> {
    let text = source.text().trim_start_matches('\u{feff}');
    let value = serde_json::from_str(text).map_err(|e| broken(text, &e))?;
    import(&value, setting)
}

/// serde says where; what is most often wrong is said too.
fn broken(text: &str, error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line().max(1), error.column().max(1));
    let written = text.lines().nth(line - 1).unwrap_or_default();
    let at = written.get(column - 1..).unwrap_or_default();
    let help = if at.starts_with('/') || at.starts_with('#') {
        "JSON has no comments; take them out"
    } else if at.starts_with(['}', ']']) {
        "JSON has no comma before a closing bracket"
    } else if at.starts_with('\'') {
        "JSON has only double quotes"
    } else {
        "a file that is JavaScript is called ecosystem.config.js"
    };
    let said = error.to_string();
    let said = said
        .rsplit_once(" at line")
        .map_or(said.as_str(), |(said, _)| said);
    let place = Some(Position { line, column });
    Fault {
        place,
        said: format!("this is not JSON: {said}; {help}"),
    }
}

fn import(value: &Value, setting: &Setting) -> Result<Imported, Fault> {
    let mut notes = Vec::new();
    let mut declared = Vec::new();
    for (index, entry) in entries(value)?.into_iter().enumerate() {
        declared.extend(Declared::read(index, entry, setting, &mut notes)?);
    }
    tell_outside(value, &mut notes);
    if declared.is_empty() {
        let said = "no app in it serves a port, and genconf describes what does";
        return Err(Fault::new(match notes.first() {
            Some(first) => format!("{said}: {}: {}", first.what, first.why),
            None => said.to_owned(),
        }));
    }
    let mut pools = Pools::default();
    pools.add(group(declared), &mut notes)?;
    Ok(Imported::new(&plan(pools, setting), notes))
}

/// The apps of a file, in any of the forms PM2 takes.
fn entries(value: &Value) -> Result<Vec<&Value>, Fault> {
    let inside = value
        .get("apps")
        .or_else(|| value.get("pm2"))
        .unwrap_or(value);
    match inside {
        Value::Array(list) => Ok(list.iter().collect()),
        Value::Object(map) if map.contains_key("script") || map.contains_key("cmd") => {
            Ok(vec![inside])
        }
        _ => Err(Fault::new("there is no list `apps` in it")),
    }
}

fn tell_outside(value: &Value, notes: &mut Vec<Note>) {
    let Some(map) = value.as_object().filter(|m| m.contains_key("apps")) else {
        return;
    };
    for key in map.keys().filter(|k| *k != "apps") {
        let why = match key.as_str() {
            "deploy" => {
                "name its machines under `hosts`; ansible/deploy.yml, which genconf writes, ships to them"
            }
            _ => "genconf knows nothing of it",
        };
        notes.push(Note::left(format!("`{key}`"), why));
    }
}

fn plan(mut pools: Pools, setting: &Setting) -> Plan {
    let project = naming::stem(&pools.apps[0].name, "app");
    let mut names = Names::default();
    for pool in &pools.list {
        names.give(&pool.name, "pool");
    }
    let route = |(index, pool): (usize, &super::plan::PoolPlan)| RoutePlan {
        path: if index == 0 {
            "/".to_owned()
        } else {
            format!("/{}", pool.name)
        },
        pool: pool.name.clone(),
        balance: None,
        rewrite: (index > 0).then(|| "/".to_owned()),
    };
    let several = pools.list.len() > 1;
    let about = if several {
        vec![
            "PM2 knew no routes: the first app has the root, each other a path of its name."
                .to_owned(),
            "`genconf import nginx` reads those that a proxy had.".to_owned(),
        ]
    } else {
        Vec::new()
    };
    let proxy = ProxyPlan {
        name: names.give("edge", "edge"),
        about,
        status: pools.ports.status(0, 1),
        routes: pools.list.iter().enumerate().map(route).collect(),
        ..ProxyPlan::default()
    };
    let cpus = pools.counted.then_some(setting.cpus);
    Plan {
        about: vec![
            "What PM2 was told, as a topology. Its report says what was not carried.".to_owned(),
        ],
        project,
        hosts: vec![HostPlan {
            name: "node1".into(),
            address: "192.168.56.11".into(),
            cpus,
            guess: true,
        }],
        apps: pools.apps,
        pools: pools.list,
        proxies: vec![proxy],
    }
}
