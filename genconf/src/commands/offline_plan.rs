//! What applying the topology would do, if the hosts run what the rendered files on disk describe.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::host_plan::{Step, UnitChanges};
use super::plan::HostPlan;
use super::rendered_state;
use crate::layout::Layout;

/// The plans of hosts of the topology that change. `changed`: paths of rendered files that differ from those in `out_dir`.
pub(super) fn plans(
    layout: &Layout,
    out_dir: &Path,
    changed: &BTreeSet<String>,
) -> io::Result<Vec<HostPlan>> {
    let before = rendered_state::read(out_dir)?;
    let mut plans = Vec::new();
    for host in &layout.hosts {
        let steps = match before.get(&host.name) {
            Some(state) => UnitChanges::new(host, state, changed).steps(),
            None => vec![Step::new(
                "+ set up",
                &format!("{} units", host.units.len()),
            )],
        };
        plans.extend(plan(&host.name, &steps));
    }
    Ok(plans)
}

/// The plans of hosts in `out_dir` that are not in the topology.
pub(super) fn of_removed_hosts(layout: &Layout, out_dir: &Path) -> io::Result<Vec<HostPlan>> {
    let before = rendered_state::read(out_dir)?;
    let defined = |name: &String| layout.hosts.iter().any(|h| h.name == *name);
    let removed = before.keys().filter(|name| !defined(name));
    let step = Step::new(
        "- unmanage",
        "the host is not in the topology; its units keep running",
    );
    Ok(removed
        .filter_map(|host| plan(host, std::slice::from_ref(&step)))
        .collect())
}

fn plan(host: &str, steps: &[Step]) -> Option<HostPlan> {
    (!steps.is_empty()).then(|| HostPlan {
        host: host.to_owned(),
        steps: steps.iter().map(Step::to_string).collect(),
        error: None,
    })
}
