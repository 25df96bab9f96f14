//! Commands for operators, timers, and services of this host.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Output;
use super::site::{Site, spec_path};
use crate::deploy::{self, Options, Selection};
use crate::execution::{Executor, History};
use crate::plan::{self, Step};
use crate::proxy::configuration_test;
use crate::systemd::Verb;

/// Prints what an apply would change.
pub(super) async fn plan(site: &Site, json: bool) -> Result<Output, String> {
    let context = site.context();
    let observation = site.machine.observe(&site.host, context.systemd).await?;
    let mut steps = plan::instances(&site.host, &observation, &BTreeMap::new())?;
    steps.extend(plan::proxies(&site.host, &observation));
    let changes: Vec<String> = steps
        .iter()
        .filter(|s| s.is_change())
        .map(Step::to_string)
        .collect();
    if json {
        return Output::json(&changes, true);
    }
    Ok(Output::success(if changes.is_empty() {
        "no changes".to_owned()
    } else {
        changes.join("\n")
    }))
}

/// Tests the configuration of proxies of a project. A proxy whose unit an earlier version has installed
/// must be able to reload, so a spec of another format is not an error.
pub(super) fn check_installed(project: &str, name: Option<&str>) -> Result<Output, String> {
    match Site::installed(project) {
        Ok(site) => check(&site, name),
        Err(reason) if spec_path(project).exists() => {
            Ok(Output::success(format!("not tested: {reason}")))
        }
        Err(reason) => Err(reason),
    }
}

/// Tests the configuration of proxies. Changes nothing, so it waits for no other program.
fn check(site: &Site, name: Option<&str>) -> Result<Output, String> {
    let is_wanted = |proxy: &&model::Proxy| name.is_none_or(|name| proxy.name == name);
    let proxies: Vec<_> = site.host.proxies.iter().filter(is_wanted).collect();
    if let (Some(name), true) = (name, proxies.is_empty()) {
        let names = names(site.host.proxies.iter().map(|p| p.name.as_str()));
        return Err(format!(
            "{} has no proxy {name}; defined proxies: {names}",
            site.host.host
        ));
    }
    let mut lines = Vec::new();
    for proxy in proxies {
        configuration_test::test_configuration(proxy, &proxy.configuration)
            .map_err(|e| e.to_string())?;
        lines.push(format!(
            "{} accepts {}",
            proxy.engine,
            proxy.configuration.display()
        ));
    }
    Ok(Output::success(lines.join("\n")))
}

/// Restarts instances one at a time, each healthy before the next.
pub(super) async fn restart(site: &Site, pool: Option<&str>) -> Result<Output, String> {
    let _turn = site.turn().await?;
    let wanted = site
        .host
        .instances()
        .iter()
        .filter(|i| pool.is_none_or(|p| p == i.pool));
    let steps: Vec<Step> = wanted
        .map(|instance| Step::Instance {
            unit: instance.unit.clone(),
            verb: Verb::Restart,
        })
        .collect();
    if let (Some(pool), true) = (pool, steps.is_empty()) {
        let names = names(site.host.pools.iter().map(|p| p.name.as_str()));
        return Err(format!(
            "{} has no pool {pool}; defined pools: {names}",
            site.host.host
        ));
    }
    let mut executor = Executor::new(site.context()).map_err(|f| f.to_string())?;
    let mut result = executor.run(&steps).await;
    if result.is_ok() {
        result = executor.check().await;
    }
    let done = executor.log.join("\n");
    match result {
        Ok(()) => Ok(Output::success(done)),
        Err(failure) => Err(format!("{failure}\n{done}").trim_end().to_owned()),
    }
}

/// Rolls back to a release.
pub(super) async fn rollback(site: &Site, release: Option<&str>) -> Result<Output, String> {
    let _turn = site.turn().await?;
    let unfinished = site.unfinished(None);
    let moves = unfinished
        .read()
        .map_err(|error| error.to_string())?
        .unwrap_or_default();
    let selected =
        deploy::select(site.context(), release, &[], &moves).map_err(|f| f.to_string())?;
    let releases = match selected {
        Selection::Nothing(reason) => return Err(reason),
        Selection::Releases(releases) => releases,
    };
    let releases = releases
        .into_iter()
        .filter_map(|(app, to)| Some((app, to?)))
        .collect();
    let options = Options {
        unfinished: moves,
        history: History::Keep,
        ..Options::default()
    };
    let outcome = deploy::change(site.context(), &releases, options).await;
    let outcome = outcome.map_err(|failure| failure.to_string())?;
    // A timer that is to undo the run finds nothing.
    unfinished.remove().map_err(|error| error.to_string())?;
    let apps = outcome
        .moves
        .iter()
        .map(|m| format!("{}: release {}", m.app, m.release));
    Ok(Output::success(
        apps.chain(outcome.log.clone())
            .collect::<Vec<_>>()
            .join("\n"),
    ))
}

/// Undoes a deploy that has not finished. Nothing follows the timer that calls this, so it waits for
/// as long as another program takes.
pub(super) async fn undo(site: &Site) -> Result<Output, String> {
    let _turn = site.turn_within(Duration::MAX).await?;
    let unfinished = site.unfinished(None);
    let Some(moves) = unfinished.read().map_err(|error| error.to_string())? else {
        return Ok(Output::success("nothing to roll back"));
    };
    let undone = deploy::undo(site.context(), &moves)
        .await
        .map_err(|f| f.to_string())?;
    unfinished.remove().map_err(|error| error.to_string())?;
    Ok(Output::success(if undone.is_empty() {
        "nothing to roll back".to_owned()
    } else {
        undone
    }))
}

/// Watches the last deploy for some seconds.
pub(super) async fn watch_release(site: &Site, seconds: f64) -> Result<Output, String> {
    let time = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
    deploy::watch_release(site.context(), time)
        .await
        .map_err(|f| f.to_string())?;
    Ok(Output::success(""))
}

fn names<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}
