//! Restores the files from before a run that failed, and the instances that ran with them.

use std::collections::BTreeSet;

use model::HostSpec;

use super::super::site::Site;
use super::configuration::Staged;
use super::lock::runtime;
use super::request::Reply;
use crate::deploy;
use crate::execution::{Executor, OnFailure};
use crate::files::Previous;
use crate::lock::Run;
use crate::plan;
use crate::systemd::{Systemd as _, Verb};

/// Restores this host if the run still has it, and unlocks it.
pub(super) async fn execute(project: &str, run: &Run) -> Result<Reply, String> {
    let staged = Staged::read(&runtime(project), run)?;
    let site = match &staged {
        Some(staged) => staged.site(),
        None => Site::installed(project),
    };
    // A host without a spec has not been changed.
    let Ok(site) = site else {
        return super::unlock(project, run).await;
    };
    let turn = site.turn().await?;
    super::renew(&turn, &site, run)?;
    let restored = restore(&site).await?;
    super::release_lock(&turn, &site.host.project, run)?;
    Ok(Reply {
        changed: !restored.is_empty(),
        log: restored.lines().map(str::to_owned).collect(),
        ..Reply::default()
    })
}

/// Restores this host. Returns what it runs now; nothing if no file was replaced.
pub(super) async fn restore(described: &Site) -> Result<String, String> {
    let root = described.machine.root.clone();
    let paths = &described.host.paths;
    let previous = Previous::read(&root, &paths.state).map_err(|error| error.to_string())?;
    Staged::remove(&described.runtime())?;
    if !previous.is_pending() {
        return Ok(String::new());
    }
    let mut complaints = Vec::new();
    let before = spec_before(described, &previous)?;
    let context = described.context();
    previous
        .restore_existing()
        .map_err(|error| error.to_string())?;
    context
        .systemd
        .reload_manager()
        .await
        .map_err(|error| error.to_string())?;
    if let Some(site) = &before {
        complaints.extend(converge(site, described).await?);
    }
    complaints.extend(stop_others(described, before.as_ref()).await);
    let previous = Previous::read(&root, &paths.state).map_err(|error| error.to_string())?;
    previous.restore().map_err(|error| error.to_string())?;
    context
        .systemd
        .reload_manager()
        .await
        .map_err(|error| error.to_string())?;
    let host = &described.host.host;
    let mut lines = vec![format!("{host}: restored the files from before this run")];
    lines.extend(complaints);
    if lines.len() == 1 {
        lines.push("its instances run with these files".to_owned());
    }
    Ok(lines.join("\n"))
}

/// The project as it was before the run; `None` if the run was the first one.
fn spec_before(described: &Site, previous: &Previous) -> Result<Option<Site>, String> {
    let path = &described.host.paths.spec;
    if !previous.paths().contains(path) {
        return Ok(Some(Site::new(described.host.spec().clone())));
    }
    let content = previous.content(path).map_err(|error| error.to_string())?;
    let spec = content.and_then(|text| HostSpec::from_json(&String::from_utf8_lossy(&text)).ok());
    Ok(spec.map(Site::new))
}

/// Restarts instances and proxies that run what the run has `described`; returns what failed. One that
/// fails does not stop the others.
async fn converge(site: &Site, described: &Site) -> Result<Vec<String>, String> {
    let context = site.context();
    let mut observation = site.machine.observe(&site.host, context.systemd).await?;
    observation.previous = Some(described.host.spec().clone());
    let mut steps = plan::restore(&site.host, &observation);
    steps.extend(plan::restored_proxies(&site.host, &observation));
    let mut executor = Executor::new(context).map_err(|failure| failure.to_string())?;
    let failures = executor.run_all(&steps, OnFailure::Continue).await;
    let mut complaints: Vec<String> = failures
        .iter()
        .map(|failure| format!("still failing: {failure}"))
        .collect();
    // A release that a failed step has selected.
    let undone = deploy::undo(context, &[])
        .await
        .map_err(|failure| failure.to_string())?;
    complaints.extend(undone.lines().map(str::to_owned));
    Ok(complaints)
}

/// Stops and disables units that were not in the desired state before; they do not exist any more.
async fn stop_others(described: &Site, before: Option<&Site>) -> Vec<String> {
    let systemd = described.context().systemd;
    let kept: BTreeSet<String> = before.map(|site| site.host.units()).unwrap_or_default();
    let going: BTreeSet<String> = described.host.units().difference(&kept).cloned().collect();
    let Ok(states) = systemd.states(&going.into_iter().collect::<Vec<_>>()).await else {
        return vec!["the units of this run could not be stopped".to_owned()];
    };
    let mut complaints = Vec::new();
    for suffix in plan::STOP_ORDER {
        for (unit, state) in states.iter().filter(|(unit, _)| unit.ends_with(suffix)) {
            let units = std::slice::from_ref(unit);
            if state.is_enabled
                && let Err(error) = systemd.disable(units).await
            {
                complaints.push(error.to_string());
            }
            if !state.is_stopped()
                && let Err(error) = systemd.run(Verb::Stop, units).await
            {
                complaints.push(error.to_string());
            }
            if let Err(error) = systemd.reset_failed(unit).await {
                complaints.push(error.to_string());
            }
        }
    }
    complaints
}
