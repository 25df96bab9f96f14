//! Groups entries into pools and assigns ports.

use super::entry::AppEntry;
use super::report::{report_instances, report_port};
use crate::import::draft::{AppDraft, PoolDraft, PoolMode};
use crate::import::naming::Names;
use crate::import::ports::{FIRST, Ports};
use crate::import::{Finding, ImportError};

/// Port of an app that sets none, as in Express.
const DEFAULT_PORT: u16 = 3000;

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
    /// Ports in use.
    pub(super) ports: Ports,
    /// Whether a number of instances depends on the CPUs.
    pub(super) uses_cpus: bool,
    names: Names,
}

impl Pools {
    /// Adds a pool for each group. Configured ports are assigned first.
    pub(super) fn add(
        &mut self,
        groups: Vec<Vec<AppEntry>>,
        findings: &mut Vec<Finding>,
    ) -> Result<(), ImportError> {
        let mut ports = Vec::new();
        for entry in groups.iter().flatten() {
            ports.push(self.port_of(entry, findings)?);
        }
        let mut ports = ports.into_iter();
        for group in groups {
            let mut own: Vec<u16> = ports.by_ref().take(group.len()).collect();
            let forks = group.iter().filter(|e| e.mode == PoolMode::Fork);
            for _ in 0..forks.map(|e| usize::from(e.instances - 1)).sum() {
                let last = own.iter().copied().max().unwrap_or(DEFAULT_PORT);
                own.push(
                    self.ports
                        .reserve_next(last.saturating_add(1))
                        .ok_or_else(no_free_port)?,
                );
            }
            own.sort_unstable();
            self.pool(&group, own, findings);
        }
        Ok(())
    }

    fn port_of(
        &mut self,
        entry: &AppEntry,
        findings: &mut Vec<Finding>,
    ) -> Result<u16, ImportError> {
        let wanted = entry.port.unwrap_or(DEFAULT_PORT);
        let from = if wanted < FIRST {
            wanted + 8000
        } else {
            wanted
        };
        let free = self.ports.reserve(from);
        let port = if free {
            from
        } else {
            self.ports.reserve_next(from).ok_or_else(no_free_port)?
        };
        let (change, reason) = match entry.port {
            None => (
                format!("port {port}"),
                "no port is set; genconf assigns one and sets PORT",
            ),
            Some(_) if wanted < FIRST => (
                format!("port {port} instead of {wanted}"),
                "ports below 1024 are reserved for proxies",
            ),
            Some(_) if !free => (
                format!("port {port} instead of {wanted}"),
                "the port is already in use",
            ),
            Some(_) => return Ok(port),
        };
        findings.push(Finding::adjusted(
            format!("{}: {change}", entry.label),
            reason,
        ));
        Ok(port)
    }

    fn pool(&mut self, group: &[AppEntry], ports: Vec<u16>, findings: &mut Vec<Finding>) {
        let first = &group[0];
        let mut labels: Vec<_> = group.iter().map(|e| e.label.as_str()).collect();
        labels.dedup();
        let (label, is_merged) = (labels.join(", "), labels.len() > 1);
        let raw = if is_merged {
            file_name(&first.app.artifact)
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
        let comments = vec![format!("In PM2: {label}.")];
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

fn no_free_port() -> ImportError {
    ImportError::new("no port is left for an instance")
}

fn file_name(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.rsplit_once('.').map_or(file, |(base, _)| base)
}
