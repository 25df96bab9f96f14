//! Imports Procfiles: one `TYPE: COMMAND` per line.

mod command;

use super::draft::{
    AppDraft, HostDraft, PoolDraft, PoolMode, ProxyDraft, RouteDraft, TopologyDraft,
    merge_duplicates,
};
use super::naming::{self, Names};
use super::ports::{PLACEHOLDER, Ports};
use super::program::{self, Program};
use super::{Finding, ImportError, Imported, archive};
use crate::source::{Position, Source};
use crate::topology::choice::Runtime;
use crate::topology::decode::Scalar as _;
use crate::topology::text::Text;
use command::{assignments, is_java};

/// First port, as in foreman. Each process type with a port has its own hundred.
const FIRST: u16 = 5000;

struct Line<'s> {
    position: Position,
    name: &'s str,
    command: &'s str,
}

/// Imports a Procfile.
pub fn read(source: &Source) -> Result<Imported, ImportError> {
    let mut findings = Vec::new();
    let lines = lines(source)?;
    let mut draft = TopologyDraft {
        comments: vec![
            "Imported from a Procfile. `genconf import` reports adjusted and skipped settings."
                .to_owned(),
        ],
        hosts: vec![HostDraft {
            name: "node1".into(),
            address: "192.168.56.11".into(),
            cpus: None,
            is_placeholder: true,
        }],
        ..TopologyDraft::default()
    };
    let (mut names, mut ports) = (Names::default(), Ports::default());
    for line in &lines {
        if !serves(line) {
            findings.push(Finding::skipped(line.name, skip_reason(line.name)).at(line.position));
            continue;
        }
        let name = names.reserve(line.name, "app");
        let from = FIRST.saturating_add(
            u16::try_from(draft.pools.len())
                .unwrap_or(0)
                .saturating_mul(100),
        );
        let port = ports
            .reserve_next(from)
            .ok_or_else(|| ImportError::new("no port is left"))?;
        let mut app = app(line, &mut findings);
        app.name.clone_from(&name);
        draft.apps.push(app);
        let comments = vec![format!("In the Procfile: {}: {}", line.name, line.command)];
        let app = name.clone();
        draft.pools.push(PoolDraft {
            name,
            comments,
            app,
            mode: PoolMode::Fork,
            hosts: Vec::new(),
            ports: vec![port],
        });
    }
    if draft.pools.is_empty() {
        return Err(ImportError::new(
            "no process listens on a port: name one `web`, or use $PORT in its command",
        ));
    }
    draft.project = naming::stem(&draft.apps[0].name, "app");
    archive::pack(&mut draft.apps, &mut findings);
    draft.proxies = vec![proxy(&draft.pools, &mut names, &mut ports)];
    Ok(Imported::new(&draft, draft.pools.len(), findings))
}

fn proxy(pools: &[PoolDraft], names: &mut Names, ports: &mut Ports) -> ProxyDraft {
    let web = pools.iter().position(|p| p.name == "web").unwrap_or(0);
    let route = |(index, pool): (usize, &PoolDraft)| RouteDraft {
        path: if index == web {
            "/".to_owned()
        } else {
            format!("/{}", pool.name)
        },
        pool: pool.name.clone(),
        rewrite: (index != web).then(|| "/".to_owned()),
        ..RouteDraft::default()
    };
    let routes = pools.iter().enumerate().map(route).collect();
    ProxyDraft {
        name: names.reserve("edge", "edge"),
        status_port: ports.status_port(0, 1),
        routes,
        ..ProxyDraft::default()
    }
}

fn lines(source: &Source) -> Result<Vec<Line<'_>>, ImportError> {
    let mut found: Vec<Line<'_>> = Vec::new();
    for (index, text) in source.text().lines().enumerate() {
        let position = Position {
            line: index + 1,
            column: 1,
        };
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let error = |message: String| ImportError::new(message).at(position);
        let is_type = |n: &str| {
            !n.is_empty()
                && n.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        };
        let (name, command) = text
            .split_once(':')
            .map(|(name, command)| (name.trim(), command.trim()))
            .filter(|(name, command)| is_type(name) && !command.is_empty())
            .ok_or_else(|| error("invalid line: expected `TYPE: COMMAND`".to_owned()))?;
        if found.iter().any(|l| l.name == name) {
            return Err(error(format!("process type `{name}` is defined twice")));
        }
        found.push(Line {
            position,
            name,
            command,
        });
    }
    Ok(found)
}

fn serves(line: &Line<'_>) -> bool {
    line.name == "web" || line.command.contains("$PORT") || line.command.contains("${PORT")
}

fn skip_reason(name: &str) -> &'static str {
    match name {
        "release" => "run release commands in `build`, or before ansible/deploy.yml",
        _ => "the process has no port; run it with a separate systemd service",
    }
}

fn app(line: &Line<'_>, findings: &mut Vec<Finding>) -> AppDraft {
    let mut adjusted =
        |reason: &str| findings.push(Finding::adjusted(line.name, reason).at(line.position));
    let (env, words) = match program::command(line.command) {
        Ok(words) => assignments(&words),
        Err(reason) => (Vec::new(), Err(reason)),
    };
    let mut program = match words {
        Ok(words) if words.iter().any(|w| w.contains('$') && !is_java(&words, w)) => {
            Program::unknown(
                Runtime::Native,
                "the command uses shell variables, which units do not expand",
            )
        }
        Ok(words) => program::parse(&words),
        Err(reason) => Program::unknown(Runtime::Native, reason),
    };
    let env = merge_duplicates(env.into_iter().chain(program.env.take()));
    let values = env.iter().map(|(_, value)| value);
    if program
        .args
        .iter()
        .chain(values)
        .any(|v| v.contains(PLACEHOLDER))
    {
        adjusted("$PORT is replaced with `{port}`, the port of each instance");
    }
    let mut app = program.app(".");
    app.env = env;
    for reason in &app.comments {
        adjusted(reason);
    }
    let count = app.args.len();
    app.args.retain(|arg| Text::read(arg).is_ok());
    if count != app.args.len() {
        adjusted("an argument with control characters is removed");
    }
    app
}
