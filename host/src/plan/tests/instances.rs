//! Starts and restarts of instances.

use super::case::{Case, SERVICES, SOCKETS, V1, V2, each_port};
use crate::host::fixture::{
    Binds, app, bare_spec, endpoint, listener, pool, shared_listener, spec,
};
use crate::plan::{Step, Wait};
use crate::systemd::{Activity, Verb};

use super::judge::Subject;

const RECORD: &str = "randoms: record release 111111111111 as healthy";
const SELECT: &str = "randoms: release 111111111111";

fn adopted() -> String {
    format!("record {}", SOCKETS.join(" "))
}

#[test]
fn a_host_on_which_nothing_runs_gets_everything_and_is_enabled_last() {
    let case = Case::stopped(spec());
    let mut wanted: Vec<String> = SOCKETS
        .iter()
        .map(|socket| format!("start {socket}"))
        .collect();
    wanted.push(SELECT.to_owned());
    wanted.extend(SERVICES.iter().map(|service| format!("start {service}")));
    let all = [
        &["randoms.target", "randoms-spread.target"][..],
        &SOCKETS,
        &SERVICES,
    ]
    .concat();
    wanted.extend([
        RECORD.to_owned(),
        adopted(),
        format!("enable {}", all.join(" ")),
        "start randoms.target randoms-spread.target".to_owned(),
        "record ".to_owned(),
    ]);
    assert_eq!(case.instances(), wanted);
}

#[test]
fn a_host_in_the_desired_state_is_left_as_it_is() {
    let case = Case::spread();
    let nothing = [SELECT, RECORD, &adopted(), "record "];
    for _ in 0..2 {
        assert_eq!(case.instances(), nothing);
        assert_eq!(case.changes(), [""; 0]);
    }
}

#[test]
fn only_the_instance_with_another_unit_file_restarts() {
    let mut case = Case::spread();
    case.change(SERVICES[1]);
    assert_eq!(case.changes(), [format!("restart {}", SERVICES[1])]);
}

#[test]
fn a_changed_file_of_environment_variables_restarts_all_instances_of_its_app() {
    let mut case = Case::running(two_apps());
    for instance in case.host().instances_of("randoms") {
        case.change(&instance.unit);
    }
    assert_eq!(
        case.changes(),
        each_port(&["restart randoms-spread@{}.service"])
    );
}

#[test]
fn an_instance_with_nothing_recorded_restarts() {
    let mut case = Case::spread();
    case.observation.started.remove(SERVICES[2]);
    assert_eq!(case.changes(), [format!("restart {}", SERVICES[2])]);
}

#[test]
fn an_instance_whose_start_was_not_seen_to_be_healthy_restarts() {
    let mut case = Case::spread();
    let record = case.observation.started.get_mut(SERVICES[1]).unwrap();
    record.before_start = Some("an earlier run".to_owned());
    assert_eq!(case.changes(), [format!("restart {}", SERVICES[1])]);
    // That start was requested, and has not begun.
    case.edit(SERVICES[1], |state| {
        state.invocation = "an earlier run".to_owned();
    });
    assert_eq!(case.changes(), [""; 0]);
}

#[test]
fn a_unit_that_systemd_has_not_read_again_restarts() {
    let mut case = Case::spread();
    case.edit(SERVICES[0], |state| state.needs_reload = true);
    assert_eq!(case.changes(), [format!("restart {}", SERVICES[0])]);
}

#[test]
fn instances_on_another_release_restart_and_the_release_is_proven_then() {
    let mut case = Case::spread();
    let releases = case.observation.apps.get_mut("randoms").unwrap();
    releases.current = Some(V2.to_owned());
    case.observation
        .running
        .insert(SERVICES[0].to_owned(), V2.to_owned());
    let wanted = [
        "randoms: release 222222222222",
        "restart randoms-spread@8083.service",
        "restart randoms-spread@8084.service",
        "randoms: record release 222222222222 as healthy",
    ];
    assert_eq!(case.instances()[..4], wanted);
    // Without the kernel's word, the record of the same invocation decides.
    case.observation.running.clear();
    for (service, release) in SERVICES.iter().zip([V2, V1, V2]) {
        let record = case.observation.started.get_mut(*service).unwrap();
        record.release = Some(release.to_owned());
    }
    assert_eq!(case.changes(), [wanted[0], wanted[1]]);
    // systemd's own restarts start the current release.
    case.edit(SERVICES[1], |state| {
        state.invocation = "a later run".to_owned();
    });
    let input = case.observation.inputs.get_mut(SERVICES[1]).unwrap();
    input.release = Some(V2.to_owned());
    assert_eq!(case.changes(), [wanted[0]]);
}

#[test]
fn an_instance_that_ended_starts_and_one_between_two_runs_restarts() {
    let mut case = Case::spread();
    case.stop(SERVICES[0]);
    case.edit(SERVICES[1], |state| state.activity = Activity::Failed);
    case.edit(SERVICES[2], |state| {
        state.activity = Activity::Activating;
        state.sub_state = "auto-restart".to_owned();
    });
    let verbs = ["start", "start", "restart"].iter().zip(SERVICES);
    let wanted: Vec<String> = verbs.map(|(verb, unit)| format!("{verb} {unit}")).collect();
    assert_eq!(case.changes(), wanted);
}

#[test]
fn without_a_release_there_is_no_plan() {
    let mut case = Case::stopped(spec());
    let plan =
        |case: &Case| crate::plan::instances(&case.host(), &case.observation, &case.artifacts);
    case.artifacts.clear();
    let error = plan(&case).unwrap_err();
    assert_eq!(error, "node1: no release of randoms to start");
    // Not uploaded yet.
    case.artifacts
        .insert("randoms".to_owned(), "333333333333".to_owned());
    assert_eq!(plan(&case).unwrap_err(), error);
}

#[test]
fn an_artifact_is_no_reason_to_leave_the_release_that_runs() {
    let mut case = Case::spread();
    case.artifacts.insert("randoms".to_owned(), V2.to_owned());
    assert_eq!(case.changes(), [""; 0]);
}

#[test]
fn apps_are_selected_started_and_proven_one_after_the_other() {
    let case = Case::stopped(two_apps());
    let lines = case.instances();
    let first = lines.iter().position(|line| line == SELECT).unwrap();
    let wanted = [
        SELECT,
        "start randoms-spread@8082.service",
        "start randoms-spread@8083.service",
        "start randoms-spread@8084.service",
        RECORD,
        "jobs: release 111111111111",
        "start randoms-jobs@8090.service",
        "jobs: record release 111111111111 as healthy",
    ];
    assert_eq!(lines[first..first + wanted.len()], wanted);
}

#[test]
fn instances_behind_a_shared_port_follow_those_with_their_own() {
    let mut spec = spec();
    spec.pools
        .insert(0, pool("all", "randoms", [shared_listener("all", 8000)]));
    let mut case = Case::running(spec);
    for instance in case.host().instances() {
        case.change(&instance.unit);
    }
    let mut wanted = each_port(&["restart randoms-spread@{}.service"]);
    wanted.extend((1..3).map(|number| format!("restart randoms-all-8000@{number}.service")));
    assert_eq!(case.changes(), wanted);
}

#[test]
fn what_is_disabled_is_enabled_and_what_is_down_is_started() {
    let mut spec = spec();
    spec.triggers = ["randoms-edge-rotate.timer", "randoms-monitor.service"]
        .map(str::to_owned)
        .into();
    let mut case = Case::running(spec);
    case.edit(SERVICES[1], |state| state.is_enabled = false);
    case.edit("randoms-edge-rotate.timer", |state| {
        state.is_enabled = false;
    });
    case.stop("randoms-edge-rotate.timer");
    case.stop("randoms-spread.target");
    let wanted = [
        "enable randoms-edge-rotate.timer randoms-spread@8083.service",
        "start randoms-spread.target randoms-edge-rotate.timer",
    ];
    assert_eq!(case.changes(), wanted);
    let last = case.instances().pop();
    assert_eq!(last.as_deref(), Some("record randoms-monitor.service"));
}

#[test]
fn a_monitor_that_runs_an_older_program_or_spec_restarts_after_the_instances() {
    let mut spec = spec();
    spec.triggers = vec!["randoms-monitor.service".to_owned()];
    let mut case = Case::running(spec);
    assert_eq!(case.changes(), [""; 0]);
    case.change("randoms-monitor.service");
    case.change(SERVICES[0]);
    let restart = "restart randoms-monitor.service";
    assert_eq!(
        case.changes(),
        [&format!("restart {}", SERVICES[0]), restart]
    );
    case.observation.started.remove("randoms-monitor.service");
    assert_eq!(case.changes().last().unwrap(), restart);
    case.stop("randoms-monitor.service");
    assert_eq!(
        case.changes().last().unwrap(),
        "start randoms-monitor.service"
    );
}

#[test]
fn a_socket_that_is_closed_opens_before_its_instance_starts() {
    let mut case = Case::spread();
    case.stop(SERVICES[1]);
    case.stop(SOCKETS[1]);
    let wanted = [
        format!("start {}", SOCKETS[1]),
        format!("start {}", SERVICES[1]),
    ];
    assert_eq!(case.changes(), wanted);
}

#[test]
fn a_service_makes_way_for_its_closed_socket() {
    let mut case = Case::spread();
    case.stop(SOCKETS[1]);
    let steps = case.plan(&Subject::Instances);
    let unit = SERVICES[1].to_owned();
    let wanted = [
        Step::Units {
            verb: Verb::Stop,
            units: vec![unit.clone()],
            wait: Wait::Done,
        },
        Step::OpenSocket {
            socket: SOCKETS[1].to_owned(),
            endpoint: endpoint("127.0.0.1:8083"),
        },
        Step::Instance {
            unit,
            verb: Verb::Start,
        },
    ];
    assert_eq!(steps[..3], wanted);
}

fn two_apps() -> model::HostSpec {
    let mut spec = spec();
    let other = bare_spec();
    assert_eq!(other.apps, []);
    spec.apps.push(app("jobs"));
    spec.pools.push(pool(
        "jobs",
        "jobs",
        [listener("jobs", 8090, Binds::Systemd)],
    ));
    spec
}
