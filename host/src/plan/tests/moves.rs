//! Changes of releases.

use std::collections::BTreeMap;

use super::case::{Case, SERVICES, V1, V2};
use crate::host::Instance;
use crate::plan::{Move, return_to};

fn units(instances: &[&Instance]) -> Vec<String> {
    instances
        .iter()
        .map(|instance| instance.unit.clone())
        .collect()
}

/// A deploy of `V2`, with the first two instances started for it.
fn halfway() -> (Case, Move) {
    let mut case = Case::spread();
    let mut change = Move::new("randoms", V2, &case.observation, &[]);
    for service in &SERVICES[..2] {
        case.observation
            .running
            .insert((*service).to_owned(), V2.to_owned());
        let invocation = case.observation.unit(service).invocation;
        change.touched.insert((*service).to_owned(), invocation);
    }
    case.observation.apps.get_mut("randoms").unwrap().current = Some(V2.to_owned());
    (case, change)
}

#[test]
fn a_deploy_selects_restarts_and_proves() {
    let case = Case::spread();
    let change = Move::new("randoms", V2, &case.observation, &[]);
    assert_eq!((change.previous.as_deref(), change.fresh), (Some(V1), true));
    let mut wanted = vec!["randoms: release 222222222222".to_owned()];
    wanted.extend(SERVICES.map(|unit| format!("restart {unit}")));
    wanted.push("randoms: record release 222222222222 as healthy".to_owned());
    assert_eq!(case.moves(&[change]), wanted);
}

#[test]
fn instances_on_the_release_already_are_not_touched() {
    let (case, change) = halfway();
    let wanted = [
        "randoms: release 222222222222",
        "restart randoms-spread@8084.service",
        "randoms: record release 222222222222 as healthy",
    ];
    assert_eq!(case.moves(&[change]), wanted);
}

#[test]
fn a_return_starts_with_instances_that_do_not_serve_and_continues_with_the_newest() {
    let (mut case, mut change) = halfway();
    let host = case.host();
    let order =
        |case: &Case, change: &Move| units(&return_to(&host, &case.observation, change, V1));
    assert_eq!(order(&case, &change), [SERVICES[1], SERVICES[0]]);
    case.edit(SERVICES[0], |state| {
        state.invocation = "a later run".to_owned();
    });
    assert_eq!(order(&case, &change), [SERVICES[0], SERVICES[1]]);
    case.stop(SERVICES[2]);
    assert_eq!(
        order(&case, &change),
        [SERVICES[0], SERVICES[2], SERVICES[1]]
    );
    // Regardless of what is known, those on another release restart.
    change.touched = BTreeMap::new();
    let down_first = [SERVICES[2], SERVICES[0], SERVICES[1]];
    assert_eq!(order(&case, &change), down_first);
}

#[test]
fn a_return_leaves_an_instance_that_serves_the_release_although_a_file_changed_on_disk() {
    let (mut case, change) = halfway();
    case.change(SERVICES[2]);
    let host = case.host();
    let order = units(&return_to(&host, &case.observation, &change, V1));
    assert_eq!(order, [SERVICES[1], SERVICES[0]]);
}

#[test]
fn the_release_before_an_interrupted_run_is_the_one_to_return_to() {
    let (mut case, mut interrupted) = halfway();
    case.observation.apps.get_mut("randoms").unwrap().proven = Some(V2.to_owned());
    let releases = case.observation.apps.get_mut("randoms").unwrap();
    releases.history = vec![V1.to_owned(), V2.to_owned()];
    interrupted.fresh = true;
    let unfinished = [interrupted.clone()];
    let again = Move::new("randoms", V2, &case.observation, &unfinished);
    assert_eq!((again.previous.as_deref(), again.fresh), (Some(V1), true));
    let back = Move::new("randoms", V1, &case.observation, &unfinished);
    assert_eq!((back.previous.as_deref(), back.fresh), (Some(V2), false));
    // Another app's changes are not its own.
    interrupted.app = "jobs".to_owned();
    let again = Move::new("randoms", V2, &case.observation, &[interrupted]);
    assert_eq!(again.previous.as_deref(), Some(V2));
    assert!(!again.is_change());
}
