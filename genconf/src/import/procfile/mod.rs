//! Procfiles: `TYPE: COMMAND`, one a line.

mod command;

use super::naming::{self, Names};
use super::plan::{AppPlan, HostPlan, Plan, PoolPlan, ProxyPlan, RoutePlan, Sharing, once};
use super::ports::{EACH, Ports};
use super::program::{self, Program};
use super::{Fault, Imported, Note, archive};
use crate::source::{Position, Source};
use crate::topology::choice::Runtime;
use crate::topology::decode::Leaf as _;
use crate::topology::text::Text;
use command::{assignments, is_java};

/// Where foreman begins; each process type that serves has a hundred of its own.
const FIRST: u16 = 5000;

struct Line<'s> {
    place: Position,
    name: &'s str,
    command: &'s str,
}

/// Reads a Procfile.
pub fn read(source: &Source) -> Result<Imported, Fault> {
    let mut notes = Vec::new();
    let lines = lines(source)?;
    let mut plan = Plan {
        about: vec![
            "What a Procfile said, as a topology. Its report says what was not carried.".to_owned(),
        ],
        hosts: vec![HostPlan {
            name: "node1".into(),
            address: "192.168.56.11".into(),
            cpus: None,
            guess: true,
        }],
        ..Plan::default()
    };
    let (mut names, mut ports) = (Names::default(), Ports::default());
    for line in &lines {
        if !serves(line) {
            notes.push(Note::left(line.name, why_not(line.name)).at(line.place));
            continue;
        }
        let name = names.give(line.name, "app");
        let from = FIRST.saturating_add(
            u16::try_from(plan.pools.len())
                .unwrap_or(0)
                .saturating_mul(100),
        );
        let port = ports
            .next(from)
            .ok_or_else(|| Fault::new("there are not enough ports"))?;
        let mut app = app(line, &mut notes);
        app.name.clone_from(&name);
        plan.apps.push(app);
        let about = vec![format!("In the Procfile: {}: {}", line.name, line.command)];
        let app = name.clone();
        plan.pools.push(PoolPlan {
            name,
            about,
            app,
            sharing: Sharing::Fork,
            hosts: Vec::new(),
            ports: vec![port],
        });
    }
    if plan.pools.is_empty() {
        return Err(Fault::new(
            "no line is called `web` or names $PORT, and genconf describes what serves a port",
        ));
    }
    plan.project = naming::stem(&plan.apps[0].name, "app");
    archive::pack(&mut plan.apps, &mut notes);
    plan.proxies = vec![proxy(&plan.pools, &mut names, &mut ports)];
    Ok(Imported::new(&plan, notes))
}

fn proxy(pools: &[PoolPlan], names: &mut Names, ports: &mut Ports) -> ProxyPlan {
    let web = pools.iter().position(|p| p.name == "web").unwrap_or(0);
    let route = |(index, pool): (usize, &PoolPlan)| RoutePlan {
        path: if index == web {
            "/".to_owned()
        } else {
            format!("/{}", pool.name)
        },
        pool: pool.name.clone(),
        rewrite: (index != web).then(|| "/".to_owned()),
        ..RoutePlan::default()
    };
    let routes = pools.iter().enumerate().map(route).collect();
    ProxyPlan {
        name: names.give("edge", "edge"),
        status: ports.status(0, 1),
        routes,
        ..ProxyPlan::default()
    }
}

fn lines(source: &Source) -> Result<Vec<Line<'_>>, Fault> {
    let mut found: Vec<Line<'_>> = Vec::new();
    for (index, text) in source.text().lines().enumerate() {
        let place = Position {
            line: index + 1,
            column: 1,
        };
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let fault = |said: String| Fault::new(said).at(place);
        let word = |n: &str| {
            !n.is_empty()
                && n.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        };
        let (name, command) = text
            .split_once(':')
            .map(|(name, command)| (name.trim(), command.trim()))
            .filter(|(name, command)| word(name) && !command.is_empty())
            .ok_or_else(|| fault("a line of a Procfile is `TYPE: COMMAND`".to_owned()))?;
        if found.iter().any(|l| l.name == name) {
            return Err(fault(format!("`{name}` is here twice")));
        }
        found.push(Line {
            place,
            name,
            command,
        });
    }
    Ok(found)
}

fn serves(line: &Line<'_>) -> bool {
    line.name == "web" || line.command.contains("$PORT") || line.command.contains("${PORT")
}

fn why_not(name: &str) -> &'static str {
    match name {
        "release" => {
            "what is done before a release belongs into `build`, or before ansible/deploy.yml"
        }
        _ => "it serves no port; a unit of your own runs it (systemd.service(5))",
    }
}

fn app(line: &Line<'_>, notes: &mut Vec<Note>) -> AppPlan {
    let mut changed = |why: &str| notes.push(Note::changed(line.name, why).at(line.place));
    let (env, words) = match program::command(line.command) {
        Ok(words) => assignments(&words),
        Err(why) => (Vec::new(), Err(why)),
    };
    let mut program = match words {
        Ok(words) if words.iter().any(|w| w.contains('$') && !is_java(&words, w)) => {
            Program::unknown(
                Runtime::Native,
                "a shell would fill in its variables; a unit does not",
            )
        }
        Ok(words) => program::understand(&words),
        Err(why) => Program::unknown(Runtime::Native, why),
    };
    let env = once(env.into_iter().chain(program.env.take()));
    let values = env.iter().map(|(_, value)| value);
    if program.args.iter().chain(values).any(|v| v.contains(EACH)) {
        changed("`{port}` is in place of $PORT, which is the port of each instance");
    }
    let mut app = program.app(".");
    app.env = env;
    for why in &app.about {
        changed(why);
    }
    let lost = app.args.len();
    app.args.retain(|arg| Text::read(arg).is_ok());
    if lost != app.args.len() {
        changed("an argument holds control characters and is left out");
    }
    app
}
