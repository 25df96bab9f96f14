//! `genconf plan`: what applying the topology would do, by meaning.
//!
//! The bundle on disk is what the hosts have; its inventory says which units
//! run where. Beside it stands what the topology describes now.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use super::input::{Input, own_folder, way};
use crate::cli::{Exit, PlanArgs, Streams};
use crate::layout::{Host, HostListener, Layout};
use crate::source::{Kind, Node, Source, read};
use crate::tree::{self, State};

/// Runs the command.
pub fn run(args: &PlanArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let own = own_folder(&args.topology);
    let bundle = args.out.clone().unwrap_or_else(|| own.clone());
    let input = Input {
        path: &args.topology,
        place: way(&bundle, &own)?,
        format: args.format,
    };
    let generated = match input.generate(streams)? {
        Ok(generated) => generated,
        Err(exit) => return Ok(exit),
    };
    let changes = tree::compare(&generated.tree, &bundle, &[])?;
    let touched: BTreeSet<String> = changes
        .iter()
        .filter(|c| c.state != State::Orphan)
        .map(|c| c.path.to_string())
        .collect();
    let before = inventory(&bundle)?;
    let plan = Plan {
        layout: &generated.layout,
        changed: &touched,
        before: &before,
    };
    let steps = plan.steps();
    if steps.is_empty() && changes.is_empty() {
        writeln!(
            streams.err,
            "nothing to do: the bundle is what the topology describes"
        )?;
        return Ok(Exit::Fine);
    }
    for (host, steps) in &steps {
        writeln!(streams.out, "{host}")?;
        for step in steps {
            writeln!(streams.out, "  {step}")?;
        }
    }
    if steps.is_empty() {
        writeln!(streams.out, "no host changes: only files that stay here do")?;
    }
    let topology = args.topology.display();
    let out = args
        .out
        .as_ref()
        .map_or(String::new(), |o| format!(" --out {}", o.display()));
    let inventory = bundle.join("ansible/inventory.yml");
    let site = bundle.join("ansible/site.yml");
    writeln!(
        streams.err,
        "to do it:\n  genconf {topology}{out}\n  ansible-playbook -i {} {}",
        inventory.display(),
        site.display()
    )?;
    Ok(Exit::Drift)
}

/// Sockets and services by host, as the inventory of a bundle lists them.
type Inventory = BTreeMap<String, BTreeSet<String>>;

fn inventory(bundle: &Path) -> io::Result<Inventory> {
    let text = match std::fs::read_to_string(bundle.join("ansible/inventory.yml")) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Inventory::new()),
        Err(e) => return Err(e),
    };
    let source = Source::new("inventory.yml", text);
    let Ok(root) = read(&source) else {
        return Ok(Inventory::new());
    };
    let mut hosts = Inventory::new();
    if let Kind::Mapping(groups) = &root.kind {
        for hosts_of_group in groups.iter().filter_map(|group| group.value.get("hosts")) {
            let Kind::Mapping(entries) = &hosts_of_group.kind else {
                continue;
            };
            for entry in entries {
                let mut units = BTreeSet::new();
                collect_units(&entry.value, &mut units);
                hosts.insert(entry.key.text().unwrap_or_default().to_owned(), units);
            }
        }
    }
    Ok(hosts)
}

/// Every text below `node` that names an instance: `randoms-spread@8082.service`.
fn collect_units(node: &Node, units: &mut BTreeSet<String>) {
    match &node.kind {
        Kind::Scalar { text, .. } => {
            let instance = text
                .split_once('@')
                .is_some_and(|(_, rest)| !rest.starts_with('.'));
            let unit = [".service", ".socket"].iter().any(|s| text.ends_with(s));
            if unit && (instance || (text.ends_with(".socket") && !text.contains('@'))) {
                units.insert(text.clone());
            }
        }
        Kind::Sequence(elements) => elements.iter().for_each(|n| collect_units(n, units)),
        Kind::Mapping(entries) => entries
            .iter()
            .filter(|e| e.key.text() != Some("units"))
            .for_each(|e| collect_units(&e.value, units)),
    }
}

struct Plan<'p> {
    layout: &'p Layout,
    changed: &'p BTreeSet<String>,
    before: &'p Inventory,
}

impl Plan<'_> {
    /// What is done on each host, in the order of hosts.
    fn steps(&self) -> Vec<(String, Vec<String>)> {
        let mut all = Vec::new();
        for host in &self.layout.hosts {
            let steps = match self.before.get(&host.name) {
                Some(before) => self.changes(host, before),
                None => vec![format!(
                    "+ set up    everything: {} units",
                    host.units.len()
                )],
            };
            if !steps.is_empty() {
                all.push((host.name.clone(), steps));
            }
        }
        let described = |name: &String| self.layout.hosts.iter().any(|h| h.name == *name);
        for gone in self.before.keys().filter(|name| !described(name)) {
            all.push((
                gone.clone(),
                vec![
                    "- forget    it is described no more; what runs there is left alone".to_owned(),
                ],
            ));
        }
        all
    }

    fn changes(&self, host: &Host, before: &BTreeSet<String>) -> Vec<String> {
        let mut steps = Vec::new();
        let mut described = BTreeSet::new();
        for pool in &host.pools {
            for listener in &pool.listeners {
                let units = units(listener);
                let fresh: Vec<_> = units
                    .iter()
                    .filter(|u| !before.contains(*u))
                    .cloned()
                    .collect();
                if fresh.is_empty() {
                    steps.extend(self.restart(listener, host));
                } else {
                    steps.push(format!("+ start     {}", fresh.join(" ")));
                }
                described.extend(units);
            }
        }
        for proxy in &host.proxies {
            described.extend([proxy.unit.clone(), proxy.socket.clone()]);
            steps.extend(self.proxy(proxy, before));
        }
        let gone: Vec<_> = before
            .iter()
            .filter(|u| !described.contains(*u))
            .cloned()
            .collect();
        if !gone.is_empty() {
            steps.push(format!("- remove    {}", gone.join(" ")));
        }
        steps
    }

    fn restart(&self, listener: &HostListener, host: &Host) -> Option<String> {
        let unit = listener
            .services
            .first()
            .map_or(&listener.service_prefix, |s| s);
        let socket_file = unit_file(&listener.socket);
        let dropin = format!("systemd/hosts/{}/{socket_file}.d/", host.name);
        if self.changed.contains(&format!("systemd/{socket_file}"))
            || self.changed.iter().any(|c| c.starts_with(&dropin))
        {
            return Some(format!(
                "~ re-open   {} (its port is closed for a moment)",
                listener.socket
            ));
        }
        let name = if listener.services.len() == 1 {
            unit.clone()
        } else {
            format!("{}*", listener.service_prefix)
        };
        let service_file = unit_file(unit);
        let changed = self.changed.contains(&format!("systemd/{service_file}"));
        changed.then(|| format!("~ restart   {name}"))
    }

    fn proxy(&self, proxy: &crate::layout::HostProxy, before: &BTreeSet<String>) -> Option<String> {
        if !before.contains(&proxy.socket) {
            return Some(format!("+ start     {} {}", proxy.socket, proxy.unit));
        }
        let changed = |file: &str| self.changed.contains(file);
        if changed(&format!("systemd/{}", proxy.socket)) {
            return Some(format!(
                "~ re-open   {} (its port is closed for a moment)",
                proxy.socket
            ));
        }
        if changed(&format!("systemd/{}", proxy.unit)) {
            return Some(format!("~ restart   {}", proxy.unit));
        }
        changed(&proxy.config).then(|| format!("~ reload    {}", proxy.unit))
    }
}

/// The file of a unit: of an instance its template, `randoms-spread@.service`.
fn unit_file(unit: &str) -> String {
    match (unit.split_once('@'), unit.rsplit_once('.')) {
        (Some((stem, _)), Some((_, kind))) => format!("{stem}@.{kind}"),
        _ => unit.to_owned(),
    }
}

fn units(listener: &HostListener) -> Vec<String> {
    let socket = Some(listener.socket.clone()).filter(|s| !s.is_empty());
    socket
        .into_iter()
        .chain(listener.services.iter().cloned())
        .collect()
}
