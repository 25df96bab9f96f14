//! Restores the files from before a run that failed, and the instances that ran with them.

use std::collections::BTreeSet;
use std::path::Path;

use model::HostSpec;

use super::super::site::{Site, spec_path};
use super::configuration::Staged;
use super::lock::runtime;
use super::request::Reply;
use crate::deploy;
use crate::execution::{Executor, OnFailure};
use crate::files::{Previous, UNITS};
use crate::lock::Run;
use crate::plan;
use crate::systemd::{Systemd as _, Verb};

/// Restores this host if the run still has it, and unlocks it.
pub(super) async fn execute(project: &str, run: &Run) -> Result<Reply, String> {
    let Some(site) = described(project, run)? else {
        // A host without a spec has not been changed.
        return super::unlock(project, run).await;
    };
    let turn = site.turn_within(site.longest_change()).await?;
    super::renew(&turn, &site, run)?;
    let restored = restore(&site).await;
    // Also after a failure: the next run has to be possible.
    super::release_lock(&turn, &site.host.project, run)?;
    let restored = restored?;
    Ok(Reply {
        changed: !restored.is_empty(),
        log: restored.lines().map(str::to_owned).collect(),
        ..Reply::default()
    })
}

/// The project as the run describes it; `None` for a host that has no spec and nothing of this run.
fn described(project: &str, run: &Run) -> Result<Option<Site>, String> {
    if let Some(staged) = Staged::read(&runtime(project), run)? {
        return staged.site().map(Some);
    }
    if !spec_path(project).exists() {
        return Ok(None);
    }
    Site::installed(project).map(Some)
}

/// Restores this host. Returns what it runs now; nothing if no file was replaced.
pub(super) async fn restore(described: &Site) -> Result<String, String> {
    let root = described.machine.root.clone();
    let paths = &described.host.paths;
    let previous = Previous::read(&root, &paths.state).map_err(|error| error.to_string())?;
    if !previous.is_pending() {
        Staged::remove(&described.runtime())?;
        return Ok(String::new());
    }
    let mut complaints = Vec::new();
    let before = spec_before(described, &previous)?;
    let fresh = fresh_units(&previous)?;
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
    complaints.extend(stop_others(described, before.as_ref(), &fresh).await);
    let previous = Previous::read(&root, &paths.state).map_err(|error| error.to_string())?;
    previous.restore().map_err(|error| error.to_string())?;
    context
        .systemd
        .reload_manager()
        .await
        .map_err(|error| error.to_string())?;
    // Last: a restore that was interrupted needs it again.
    Staged::remove(&described.runtime())?;
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
    let executor = Executor::new(context).map_err(|failure| failure.to_string())?;
    let mut executor = executor.without_required_records();
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

/// Names of unit files that did not exist before the run.
fn fresh_units(previous: &Previous) -> Result<BTreeSet<String>, String> {
    let mut fresh = BTreeSet::new();
    for path in previous.paths() {
        let is_unit = path.parent() == Some(Path::new(UNITS));
        if is_unit
            && previous
                .content(&path)
                .map_err(|error| error.to_string())?
                .is_none()
        {
            fresh.extend(
                path.file_name()
                    .and_then(|name| name.to_str())
                    .map(str::to_owned),
            );
        }
    }
    Ok(fresh)
}

/// Stops and disables units that were not in the desired state before. If that is not known, because an
/// earlier version has written it, only those whose unit files did not exist.
async fn stop_others(
    described: &Site,
    before: Option<&Site>,
    fresh: &BTreeSet<String>,
) -> Vec<String> {
    let systemd = described.context().systemd;
    let is_fresh = |unit: &String| {
        let template = unit
            .split_once('@')
            .and_then(|(stem, rest)| Some(format!("{stem}@.{}", rest.rsplit_once('.')?.1)));
        fresh.contains(unit) || template.is_some_and(|template| fresh.contains(&template))
    };
    let kept: BTreeSet<String> = before.map(|site| site.host.units()).unwrap_or_default();
    let mut going: BTreeSet<String> = described.host.units().difference(&kept).cloned().collect();
    going.retain(|unit| before.is_some() || is_fresh(unit));
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
