//! Entries that are one program on several ports, and the ports they get.

use super::app::Declared;
use super::tell::{tell_instances, tell_port};
use crate::import::naming::Names;
use crate::import::plan::{AppPlan, PoolPlan, Sharing};
use crate::import::ports::{FIRST, Ports};
use crate::import::{Fault, Note};

/// Where an app goes that says no port: Express's own choice.
const USUAL: u16 = 3000;

/// Entries that differ in their names and ports alone, in the order of the file.
pub(super) fn group(entries: Vec<Declared>) -> Vec<Vec<Declared>> {
    let mut groups: Vec<Vec<Declared>> = Vec::new();
    for entry in entries {
        match groups.iter_mut().find(|g| is_same(&g[0], &entry)) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    groups
}

fn is_same(a: &Declared, b: &Declared) -> bool {
    let ported = a.port.is_some() && b.port.is_some();
    ported && a.sharing == b.sharing && a.app == b.app
}

/// What the entries come to.
#[derive(Debug, Default)]
pub(super) struct Pools {
    /// Programs.
    pub(super) apps: Vec<AppPlan>,
    /// Programs on ports.
    pub(super) list: Vec<PoolPlan>,
    /// Ports taken.
    pub(super) ports: Ports,
    /// Whether the number of processors counted.
    pub(super) counted: bool,
    names: Names,
}

impl Pools {
    /// Adds the pools of all groups; ports that are written are given before others.
    pub(super) fn add(
        &mut self,
        groups: Vec<Vec<Declared>>,
        notes: &mut Vec<Note>,
    ) -> Result<(), Fault> {
        let mut ports = Vec::new();
        for entry in groups.iter().flatten() {
            ports.push(self.port_of(entry, notes)?);
        }
        let mut ports = ports.into_iter();
        for group in groups {
            let mut own: Vec<u16> = ports.by_ref().take(group.len()).collect();
            let forks = group.iter().filter(|e| e.sharing == Sharing::Fork);
            for _ in 0..forks.map(|e| usize::from(e.instances - 1)).sum() {
                let last = own.iter().copied().max().unwrap_or(USUAL);
                own.push(
                    self.ports
                        .next(last.saturating_add(1))
                        .ok_or_else(none_left)?,
                );
            }
            own.sort_unstable();
            self.pool(&group, own, notes);
        }
        Ok(())
    }

    fn port_of(&mut self, entry: &Declared, notes: &mut Vec<Note>) -> Result<u16, Fault> {
        let wanted = entry.port.unwrap_or(USUAL);
        let from = if wanted < FIRST {
            wanted + 8000
        } else {
            wanted
        };
        let free = self.ports.take(from);
        let port = if free {
            from
        } else {
            self.ports.next(from).ok_or_else(none_left)?
        };
        let why = match entry.port {
            None => format!("it says no port; PORT tells it {port}"),
            Some(_) if wanted < FIRST => format!("port {wanted} is the proxy's, so it has {port}"),
            Some(_) if !free => format!("port {wanted} is taken already, so it has {port}"),
            Some(_) => return Ok(port),
        };
        notes.push(Note::changed(entry.label.clone(), why));
        Ok(port)
    }

    fn pool(&mut self, group: &[Declared], ports: Vec<u16>, notes: &mut Vec<Note>) {
        let first = &group[0];
        let mut labels: Vec<_> = group.iter().map(|e| e.label.as_str()).collect();
        labels.dedup();
        let (label, several) = (labels.join(", "), labels.len() > 1);
        let raw = if several {
            file_name(&first.app.artifact)
        } else {
            &first.name
        };
        let name = self.names.give(raw, "app");
        if several {
            let why = format!("they differ in name and port alone, so they are one pool, `{name}`");
            notes.push(Note::changed(label.clone(), why));
        }
        tell_instances(&label, group, &ports, notes);
        tell_port(&label, first, notes);
        let mut app = first.app.clone();
        app.name.clone_from(&name);
        self.counted |= group.iter().any(|e| e.counted);
        let about = vec![format!("In PM2: {label}.")];
        let (app_name, sharing, hosts) = (name.clone(), first.sharing, Vec::new());
        self.list.push(PoolPlan {
            name,
            about,
            app: app_name,
            sharing,
            hosts,
            ports,
        });
        self.apps.push(app);
    }
}

fn none_left() -> Fault {
    Fault::new("there are not enough ports for all instances")
}

fn file_name(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.rsplit_once('.').map_or(file, |(base, _)| base)
}
