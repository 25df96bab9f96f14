//! Removes what genconf has installed for this project and no longer describes.

use std::path::PathBuf;

use super::Step;
use crate::observation::Observation;
use crate::systemd::Verb;

/// Types of units in the order in which they stop: a closed socket or timer starts nothing again.
pub(crate) const STOP_ORDER: [&str; 5] = [".timer", ".path", ".socket", ".service", ".target"];

/// Stops unmanaged units, and removes `orphans`, files that are unmanaged.
pub(crate) fn removal(observation: &Observation, orphans: Vec<PathBuf>) -> Vec<Step> {
    let mut steps = Vec::new();
    for suffix in STOP_ORDER {
        let units: Vec<String> = observation
            .unmanaged
            .iter()
            .filter(|unit| unit.ends_with(suffix))
            .cloned()
            .collect();
        let is_enabled = |unit: &&String| observation.unit(unit).is_enabled;
        let enabled: Vec<String> = units.iter().filter(is_enabled).cloned().collect();
        if !enabled.is_empty() {
            steps.push(Step::Disable(enabled));
        }
        if !units.is_empty() {
            steps.push(Step::units(Verb::Stop, units));
        }
    }
    let has_orphans = !orphans.is_empty();
    steps.extend(orphans.into_iter().map(Step::Remove));
    if has_orphans {
        steps.push(Step::ReloadManager);
    }
    steps
}
