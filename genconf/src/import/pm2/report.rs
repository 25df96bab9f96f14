//! Findings about the instances and ports of a pool.

use super::entry::AppEntry;
use crate::import::Finding;
use crate::import::draft::PoolMode;
use crate::import::port_argument::REPLACED;
use crate::import::ports;

/// Reports the number of processes and their ports.
pub(super) fn report_instances(
    label: &str,
    group: &[AppEntry],
    ports: &[u16],
    findings: &mut Vec<Finding>,
) {
    let first = &group[0];
    if first.mode == PoolMode::AppCluster {
        let reason =
            "the arguments start a cluster, so the app supervises its workers (`supervisor: app`)";
        findings.push(Finding::adjusted(label, reason));
        if first.instances > 1 {
            findings.push(Finding::skipped(
                format!("{label}: `instances`"),
                "the app sets its number of workers",
            ));
        }
        return;
    }
    if group.iter().all(|e| e.instances == 1 && !e.uses_cpus) {
        return;
    }
    let count = ports.len();
    let count = if group.iter().any(|e| e.uses_cpus) {
        format!("{count} from `cpus` of the host (--cpus)")
    } else {
        count.to_string()
    };
    let reason = "without socket activation every process needs its own port; with `socket_activation: true` the pool can use `mode: cluster`";
    findings.push(Finding::adjusted(
        format!(
            "{label}: `instances`: {count}, ports {}",
            ports::ranges(ports).join(", ")
        ),
        reason,
    ));
}

/// Reports values with a port that the placeholder replaces.
pub(super) fn report_port(label: &str, first: &AppEntry, findings: &mut Vec<Finding>) {
    for value in &first.port_values {
        findings.push(Finding::adjusted(format!("{label}: {value}"), REPLACED));
    }
}
