//! Groups entries into pools and assigns ports.

use super::entry::AppEntry;
use super::report::{report_instances, report_port};
use crate::import::draft::{AppDraft, PoolDraft, PoolMode};
use crate::import::naming::Names;
use crate::import::ports::Ports;
use crate::import::{Finding, ImportError};

/// Port of an app that sets none, as in Express.
const DEFAULT_PORT: u16 = 3000;

/// Maximum number of instances of one host in a valid topology.
const MAX_INSTANCES: usize = 10_000;

/// What to do with an app without a port that is not a server.
const WITHOUT_HTTP: &str =
    "if the app does not serve HTTP on PORT, remove its app, its pool, and its route";

/// Groups entries that differ only in name and port, in the order of the file.
pub(super) fn group(entries: Vec<AppEntry>) -> Vec<Vec<AppEntry>> {
    let mut groups: Vec<Vec<AppEntry>> = Vec::new();
    for entry in entries {
        match groups.iter_mut().find(|g| is_same(&g[0], &entry)) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    groups
}

fn is_same(a: &AppEntry, b: &AppEntry) -> bool {
    let have_ports = a.port.is_some() && b.port.is_some();
    have_ports && a.mode == b.mode && a.app == b.app
}

/// The apps and pools of the entries.
#[derive(Debug, Default)]
pub(super) struct Pools {
    /// Apps.
    pub(super) apps: Vec<AppDraft>,
    /// Pools.
    pub(super) list: Vec<PoolDraft>,
    /// Index of the first pool with a port in PM2; 0 if there is none.
    pub(super) first: usize,
    /// Ports in use.
    pub(super) ports: Ports,
    /// Whether a number of instances depends on the CPUs.
    pub(super) uses_cpus: bool,
    names: Names,
}

impl Pools {
    /// Adds a pool for each group. Written ports are assigned first, so that no other port displaces
    /// them; apps without one get ports that remain.
    pub(super) fn add(
        &mut self,
        groups: &[Vec<AppEntry>],
        findings: &mut Vec<Finding>,
    ) -> Result<(), ImportError> {
        let total: usize = groups.iter().map(|group| port_count(group)).sum();
        if total > MAX_INSTANCES {
            let message = format!("expected at most {MAX_INSTANCES} instances, found {total}");
            return Err(ImportError::new(message));
        }
        let mut ports: Vec<_> = groups.iter().map(|g| self.written_ports(g)).collect();
        for (group, own) in groups.iter().zip(&mut ports) {
            self.replace_ports(group, own, findings)?;
        }
        for (group, own) in groups.iter().zip(&mut ports).filter(|(_, p)| !p.is_empty()) {
            self.add_ports(group, own)?;
        }
        for (group, own) in groups.iter().zip(&mut ports).filter(|(_, p)| p.is_empty()) {
            self.add_ports(group, own)?;
            findings.push(default_port(&group[0].label, own[0]));
        }
        let has_port = |group: &Vec<AppEntry>| group[0].port.is_some();
        self.first = groups.iter().position(has_port).unwrap_or(0);
        for (group, mut own) in groups.iter().zip(ports) {
            own.sort_unstable();
            self.pool(group, own, findings);
        }
        Ok(())
    }

    /// Reserves the ports of a group that are unprivileged and not in use.
    fn written_ports(&mut self, group: &[AppEntry]) -> Vec<u16> {
        let written = group.iter().filter_map(|entry| entry.port);
        written
            .filter(|port| self.ports.reserve_written(*port))
            .collect()
    }

    /// Reserves other ports for those of a group that are privileged or in use.
    fn replace_ports(
        &mut self,
        group: &[AppEntry],
        own: &mut Vec<u16>,
        findings: &mut Vec<Finding>,
    ) -> Result<(), ImportError> {
        let mut kept = own.clone();
        for entry in group {
            let Some(written) = entry.port else { continue };
            if let Some(at) = kept.iter().position(|port| *port == written) {
                kept.remove(at);
                continue;
            }
            let other = self.ports.reserve_instead(written);
            let (port, reason) = other.ok_or_else(no_free_port)?;
            own.push(port);
            let subject = format!("{}: port {port} instead of {written}", entry.label);
            findings.push(Finding::adjusted(subject, reason));
        }
        Ok(())
    }

    /// Reserves a port for each process of a group that has none.
    fn add_ports(&mut self, group: &[AppEntry], own: &mut Vec<u16>) -> Result<(), ImportError> {
        while own.len() < port_count(group) {
            let last = own.iter().copied().max();
            let from = last.map_or(DEFAULT_PORT, |last| last.saturating_add(1));
            own.push(self.ports.reserve_next(from).ok_or_else(no_free_port)?);
        }
        Ok(())
    }

    fn pool(&mut self, group: &[AppEntry], ports: Vec<u16>, findings: &mut Vec<Finding>) {
        let first = &group[0];
        let mut labels: Vec<_> = group.iter().map(|e| e.label.as_str()).collect();
        labels.dedup();
        let (label, is_merged) = (labels.join(", "), labels.len() > 1);
        let file = file_name(&first.app.artifact);
        // The placeholder of an unknown program has no meaning.
        let raw = if is_merged && file != "start" {
            file
        } else {
            &first.name
        };
        let name = self.names.reserve(raw, "app");
        if is_merged {
            let reason = format!("apps that differ only in name and port are one pool, `{name}`");
            findings.push(Finding::adjusted(label.clone(), reason));
        }
        report_instances(&label, group, &ports, findings);
        report_port(&label, first, findings);
        let mut app = first.app.clone();
        app.name.clone_from(&name);
        self.uses_cpus |= group.iter().any(|e| e.uses_cpus);
        let mut comments = vec![format!("In PM2: {label}.")];
        if first.port.is_none() {
            comments.push(format!("No port is set in PM2: {WITHOUT_HTTP}."));
        }
        let (app_name, mode, hosts) = (name.clone(), first.mode, Vec::new());
        self.list.push(PoolDraft {
            name,
            comments,
            app: app_name,
            mode,
            hosts,
            ports,
        });
        self.apps.push(app);
    }
}

/// The number of ports of a group: one per process, and one per app with its own workers.
fn port_count(group: &[AppEntry]) -> usize {
    let count = |entry: &AppEntry| match entry.mode {
        PoolMode::Fork => usize::from(entry.instances),
        PoolMode::AppCluster => 1,
    };
    group.iter().map(count).sum()
}

/// The finding about an app without a port.
fn default_port(label: &str, port: u16) -> Finding {
    let reason = format!(
        "no port is set; genconf assigns one and sets PORT; {WITHOUT_HTTP}, and run it with a separate systemd service"
    );
    Finding::adjusted(format!("{label}: port {port}"), reason)
}

fn no_free_port() -> ImportError {
    ImportError::new("no port is left for an instance")
}

fn file_name(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.rsplit_once('.').map_or(file, |(base, _)| base)
}
