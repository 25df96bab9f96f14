//! Imports Procfiles: one `TYPE: COMMAND` per line.

mod process;

use super::draft::{HostDraft, PoolDraft, PoolMode, ProxyDraft, RouteDraft, TopologyDraft};
use super::naming::{self, Names};
use super::ports::Ports;
use super::{Finding, ImportError, Imported, archive};
use crate::source::{Position, Source};
use process::Process;

/// First port, as in foreman. Each process type with a port has its own hundred.
const FIRST: u16 = 5000;

/// A line of a Procfile.
#[derive(Clone, Copy, Debug)]
struct Line<'s> {
    position: Position,
    name: &'s str,
    command: &'s str,
}

/// Imports a Procfile.
pub fn read(source: &Source) -> Result<Imported, ImportError> {
    let mut findings = Vec::new();
    let lines = lines(source)?;
    let mut draft = empty_draft();
    let mut served = Vec::new();
    for line in &lines {
        match Process::read(line) {
            Ok(process) => served.push((line, process)),
            Err(skipped) => findings.push(skipped),
        }
    }
    if served.is_empty() {
        return Err(without_processes(&findings));
    }
    let (mut names, mut ports) = (Names::default(), Ports::default());
    let assigned = assigned_ports(&mut served, &mut ports)?;
    for ((line, process), port) in served.into_iter().zip(assigned) {
        let name = names.reserve(line.name, "app");
        findings.extend(process.findings);
        let mut app = process.app;
        app.name.clone_from(&name);
        draft.apps.push(app);
        let comments = vec![format!(
            "In the Procfile: {}: {}",
            line.name, process.command
        )];
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
    archive::pack(&mut draft.apps, &mut findings);
    draft.proxies = vec![proxy(&draft.pools, &mut names, &mut ports)];
    let units = draft.pools.iter().map(|pool| pool.name.as_str());
    let units: Vec<_> = units.chain([draft.proxies[0].name.as_str()]).collect();
    draft.project = naming::project(&draft.apps[0].name, &units);
    Ok(Imported::new(&draft, draft.pools.len(), findings))
}

/// The error if every process is skipped, with the reason of each.
fn without_processes(skipped: &[Finding]) -> ImportError {
    let reasons: Vec<_> = skipped
        .iter()
        .map(|finding| format!("{}: {}", finding.subject, finding.reason))
        .collect();
    let message = format!(
        "no process listens on a port: add the line of an HTTP server, `web: ./server --port $PORT`{}{}",
        if reasons.is_empty() { "" } else { "; " },
        reasons.join("; ")
    );
    let position = skipped.first().and_then(|finding| finding.position);
    ImportError::new(message).at(position.unwrap_or(Position { line: 1, column: 1 }))
}

/// A draft with one host and no apps.
fn empty_draft() -> TopologyDraft {
    TopologyDraft {
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
    }
}

/// The port of each process. Written ports are assigned first, then defaults of `$PORT`, so that no other
/// port displaces them.
fn assigned_ports(
    served: &mut [(&Line<'_>, Process)],
    ports: &mut Ports,
) -> Result<Vec<u16>, ImportError> {
    let no_port = || ImportError::new("no port is left");
    let mut kept = vec![None; served.len()];
    for defaults in [false, true] {
        for (kept, (_, process)) in kept.iter_mut().zip(&*served) {
            let port = process.port.filter(|_| process.is_default == defaults);
            *kept = kept.or(port.filter(|port| ports.reserve_written(*port)));
        }
    }
    let mut assigned = Vec::new();
    for (index, ((line, process), kept)) in served.iter_mut().zip(kept).enumerate() {
        let port = match (kept, process.port) {
            (Some(port), _) => port,
            (None, Some(written)) => {
                let (port, reason) = ports.reserve_instead(written).ok_or_else(no_port)?;
                let subject = format!("{}: port {port} instead of {written}", line.name);
                let finding = Finding::adjusted(subject, reason);
                process.findings.push(finding.at(line.position));
                port
            }
            (None, None) => {
                let hundreds = u16::try_from(index).unwrap_or(u16::MAX).saturating_mul(100);
                let from = FIRST.saturating_add(hundreds);
                ports.reserve_next(from).ok_or_else(no_port)?
            }
        };
        assigned.push(port);
    }
    Ok(assigned)
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
            .ok_or_else(|| error("invalid line: expected `TYPE: COMMAND`, for example `web: ./server --port $PORT`".to_owned()))?;
        if found.iter().any(|l| l.name == name) {
            return Err(error(format!(
                "process type `{name}` is defined twice: rename one of them, for example `{name}-2`"
            )));
        }
        found.push(Line {
            position,
            name,
            command,
        });
    }
    Ok(found)
}
