//! PM2's ecosystem files: `ecosystem.config.json`, `process.json`, YAML, what
//! `ecosystem.config.js` comes to, and the processes of `dump.pm2`.

mod app;
mod command;
mod dump;
mod environment;
mod kind;
mod left;
mod pool;
mod tell;
mod value;
mod yaml;

use serde_json::Value;

use super::naming::{self, Names};
use super::plan::{HostPlan, Plan, ProxyPlan, RoutePlan};
use super::{Fault, Imported, Note, Setting, archive};
use crate::source::Source;
use app::Declared;
use pool::{Pools, group};

/// Reads an ecosystem file, or what `pm2 save` wrote.
pub fn read(source: &Source, setting: &Setting) -> Result<Imported, Fault> {
    import(&kind::parse(source)?, setting)
}

fn import(value: &Value, setting: &Setting) -> Result<Imported, Fault> {
    let mut notes = Vec::new();
    let mut declared = Vec::new();
    let entries = match dump::entries(value, &mut notes) {
        Some(saved) => saved,
        None => entries(value)?.into_iter().cloned().collect(),
    };
    for (index, entry) in entries.iter().enumerate() {
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
    let plan = plan(pools, setting, &mut notes);
    Ok(Imported::new(&plan, notes))
}

/// The apps of a file, in any of the forms PM2 takes.
fn entries(value: &Value) -> Result<Vec<&Value>, Fault> {
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

fn plan(mut pools: Pools, setting: &Setting, notes: &mut Vec<Note>) -> Plan {
    let project = naming::stem(&pools.apps[0].name, "app");
    archive::pack(&mut pools.apps, notes);
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
        rewrite: (index > 0).then(|| "/".to_owned()),
        ..RoutePlan::default()
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
