//! Which instances have to start or restart.

use crate::host::{Host, Instance};
use crate::observation::Observation;
use crate::systemd::Verb;

/// What an instance needs: nothing, [`Verb::Start`], or [`Verb::Restart`].
/// `release`: the release that it must run.
pub(crate) fn need(
    instance: &Instance,
    observation: &Observation,
    release: Option<&str>,
) -> Option<Verb> {
    let state = observation.unit(&instance.unit);
    if !state.is_active() {
        return Some(if state.is_stopped() {
            Verb::Start
        } else {
            Verb::Restart
        });
    }
    let is_other_release = match (observation.assumed_release(&instance.unit), release) {
        (Some(running), Some(wanted)) => running != wanted,
        // The digests decide.
        _ => false,
    };
    let is_unconfirmed = observation.is_unconfirmed(&instance.unit);
    let is_changed = observation.has_changed_inputs(&instance.unit) != Some(false);
    let is_stale = is_other_release || is_unconfirmed || is_changed || state.needs_reload;
    is_stale.then_some(Verb::Restart)
}

/// Instances that do not serve, then the others: a restart of one that serves would leave fewer.
pub(crate) fn down_first<'h>(
    mut instances: Vec<&'h Instance>,
    observation: &Observation,
) -> Vec<&'h Instance> {
    instances.sort_by_key(|instance| observation.unit(&instance.unit).is_active());
    instances
}

/// Instances of an app that are down, run another release than `release`, or were not seen to be healthy
/// since they were started. An instance that serves
/// `release` is not among them, also if files have changed since it started.
pub(crate) fn not_on<'h>(
    host: &'h Host,
    observation: &Observation,
    app: &str,
    release: &str,
) -> Vec<&'h Instance> {
    let serves = |instance: &&Instance| {
        let running = observation.assumed_release(&instance.unit);
        let is_confirmed = !observation.is_unconfirmed(&instance.unit);
        let is_active = observation.unit(&instance.unit).is_active();
        is_active && is_confirmed && running.is_none_or(|r| r == release)
    };
    let mut others = host.instances_of(app);
    others.retain(|instance| !serves(instance));
    others
}

/// Whether a unit is active with another invocation than the recorded one: systemd has started it.
pub(crate) fn is_other_invocation(unit: &str, observation: &Observation) -> bool {
    let state = observation.unit(unit);
    let recorded = observation.started.get(unit);
    state.is_active() && recorded.is_some_and(|record| record.invocation != state.invocation)
}
