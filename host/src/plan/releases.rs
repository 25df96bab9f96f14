//! Changes of the release of an app.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Step;
use super::needs::{self, need, not_on};
use crate::host::{Host, Instance};
use crate::observation::Observation;

/// A change of the release of one app, as `--json` and the file of an unfinished run have it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Move {
    /// Name of the app.
    pub(crate) app: String,
    /// The release to run.
    pub(crate) release: String,
    /// The release to return to if this one fails.
    pub(crate) previous: Option<String>,
    /// Whether the release has never been healthy on this host before.
    pub(crate) fresh: bool,
    /// Instances that were started for it, with the invocations that were healthy.
    pub(crate) touched: BTreeMap<String, String>,
}

impl Move {
    /// The change of `app` to `release`. `unfinished`: what a run that was interrupted has changed.
    pub(crate) fn new(
        app: &str,
        release: &str,
        observation: &Observation,
        unfinished: &[Self],
    ) -> Self {
        let releases = observation.releases(app);
        let mut change = Self {
            app: app.to_owned(),
            release: release.to_owned(),
            fresh: !releases.history.iter().any(|r| r == release),
            previous: releases.proven.clone(),
            touched: BTreeMap::new(),
        };
        let interrupted = unfinished
            .iter()
            .find(|o| o.app == app && Some(&o.release) == releases.proven.as_ref());
        if let Some((origin, interrupted)) =
            interrupted.and_then(|o| Some((o.previous.clone()?, o)))
            && origin != release
            && releases.present.contains(&origin)
        {
            change.previous = Some(origin);
            change.fresh |= interrupted.fresh && interrupted.release == release;
        }
        change
    }

    /// Whether it changes the release that runs.
    pub(crate) fn is_change(&self) -> bool {
        self.previous.as_deref() != Some(self.release.as_str())
    }
}

/// Moves the instances of each app to its release, one instance at a time.
pub(crate) fn moves_to(host: &Host, observation: &Observation, moves: &[Move]) -> Vec<Step> {
    let mut steps = Vec::new();
    for change in moves {
        steps.push(Step::Select(change.clone()));
        let instances = needs::down_first(host.instances_of(&change.app), observation).into_iter();
        steps.extend(instances.filter_map(|instance| {
            let verb = need(instance, observation, Some(&change.release))?;
            Some(Step::Instance {
                unit: instance.unit.clone(),
                verb,
            })
        }));
        steps.push(Step::Prove(change.clone()));
    }
    steps
}

/// Instances to restart so that `change` is undone: those that do not serve `to`. First those that serve
/// nothing, then those that it has started, the newest first, then the others.
pub(crate) fn return_to<'h>(
    host: &'h Host,
    observation: &Observation,
    change: &Move,
    to: &str,
) -> Vec<&'h Instance> {
    let is_touched = |i: &&Instance| change.touched.contains_key(&i.unit);
    let instances = not_on(host, observation, &change.app, to).into_iter();
    let (mut touched, others): (Vec<_>, Vec<_>) = instances.partition(is_touched);
    touched.reverse();
    touched.extend(others);
    touched.sort_by_key(|instance| is_healthy(observation, &instance.unit, change));
    touched
}

/// Whether an instance is active and, as far as it is known, healthy.
fn is_healthy(observation: &Observation, unit: &str, change: &Move) -> bool {
    let state = observation.unit(unit);
    let healthy = change.touched.get(unit);
    let is_same_run = healthy.is_none_or(|invocation| *invocation == state.invocation);
    state.is_active() && is_same_run && !observation.is_unconfirmed(unit)
}
