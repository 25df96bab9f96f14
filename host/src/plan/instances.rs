//! Starts and restarts the instances of this host.

use std::collections::BTreeMap;

use super::needs::need;
use super::ports::{Ports, ports};
use super::releases::Move;
use super::{Step, needs};
use crate::host::{Host, Instance};
use crate::observation::Observation;
use crate::systemd::Verb;

/// Every unit is enabled and active, and every instance runs what is on disk. `artifacts`: by app, the
/// release of an app that has none yet.
pub(crate) fn instances(
    host: &Host,
    observation: &Observation,
    artifacts: &BTreeMap<String, String>,
) -> Result<Vec<Step>, String> {
    let ports = ports(host, observation);
    let mut steps = ports.steps.clone();
    for app in &host.apps {
        let releases = observation.releases(&app.name);
        let release = releases
            .current
            .or_else(|| artifacts.get(&app.name).cloned());
        let release = release
            .filter(|release| releases.present.contains(release))
            .ok_or_else(|| format!("{}: no release of {} to start", host.host, app.name))?;
        let change = Move::new(&app.name, &release, observation, &[]);
        steps.push(Step::Select(change.clone()));
        for instance in needs::down_first(host.instances_of(&app.name), observation) {
            let verb = need_after(&ports, instance, || {
                need(instance, observation, Some(&release))
            });
            steps.extend(verb.map(|verb| step(instance, verb)));
        }
        steps.push(Step::Prove(change));
    }
    let is_stale = |unit: &str| observation.has_changed_inputs(unit) != Some(false);
    steps.extend(enabled(host, observation, is_stale));
    Ok(steps)
}

/// Restarts instances that do not run with the files that were restored. Those that systemd has started since
/// they were recorded may run the files that are gone, so they restart too. No proxy uses the addresses
/// that sockets leave, so nothing forwards them.
pub(crate) fn restore(host: &Host, observation: &Observation) -> Vec<Step> {
    let ports = ports(host, observation);
    let mut steps = ports.steps.clone();
    steps.retain(|step| !matches!(step, Step::Forward { .. }));
    for instance in host.instances() {
        let release = observation.releases(&instance.app).current;
        let verb = need_after(&ports, instance, || {
            need(instance, observation, release.as_deref()).or_else(|| {
                needs::is_other_invocation(&instance.unit, observation).then_some(Verb::Restart)
            })
        });
        steps.extend(verb.map(|verb| step(instance, verb)));
    }
    let is_stale = |unit: &str| {
        observation.has_changed_inputs(unit) != Some(false)
            || needs::is_other_invocation(unit, observation)
    };
    steps.extend(enabled(host, observation, is_stale));
    steps
}

fn need_after(
    ports: &Ports,
    instance: &Instance,
    need: impl FnOnce() -> Option<Verb>,
) -> Option<Verb> {
    if ports.started.contains(&instance.unit) {
        return None;
    }
    if ports.stopped.contains(&instance.unit) {
        return Some(Verb::Start);
    }
    need()
}

fn step(instance: &Instance, verb: Verb) -> Step {
    Step::Instance {
        unit: instance.unit.clone(),
        verb,
    }
}

/// Enables units, starts targets and triggers, and restarts active services that are stale.
fn enabled(host: &Host, observation: &Observation, is_stale: impl Fn(&str) -> bool) -> Vec<Step> {
    let sockets: Vec<String> = host.sockets().into_iter().collect();
    let targets =
        std::iter::once(host.target.clone()).chain(host.pools.iter().map(|p| p.target.clone()));
    let started: Vec<String> = targets.chain(host.triggers.iter().cloned()).collect();
    let instances = host.instances().iter().map(|i| i.unit.clone());
    let all = started
        .iter()
        .cloned()
        .chain(sockets.iter().cloned())
        .chain(instances);
    let disabled: Vec<String> = all.filter(|u| !observation.unit(u).is_enabled).collect();
    let mut steps = vec![Step::Adopt(sockets)];
    if !disabled.is_empty() {
        // Last: a unit that has never become healthy must not start at the next boot.
        steps.push(Step::Enable(disabled));
    }
    let is_down = |unit: &&String| !observation.unit(unit).is_active();
    let down: Vec<String> = started.iter().filter(is_down).cloned().collect();
    if !down.is_empty() {
        steps.push(Step::units(Verb::Start, down));
    }
    let services: Vec<String> = host
        .triggers
        .iter()
        .filter(|t| t.ends_with(".service"))
        .cloned()
        .collect();
    let is_stale = |unit: &&String| observation.unit(unit).is_active() && is_stale(unit);
    let stale: Vec<String> = services.iter().filter(is_stale).cloned().collect();
    if !stale.is_empty() {
        steps.push(Step::units(Verb::Restart, stale));
    }
    steps.push(Step::Adopt(services));
    steps
}
