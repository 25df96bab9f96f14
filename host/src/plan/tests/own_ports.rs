//! Apps that bind their ports themselves.

use model::HostSpec;

use super::case::{Case, SERVICES, SOCKETS, each_port};
use super::judge::Subject;
use crate::host::fixture::{Binds, listener, spec};
use crate::plan::{Step, Wait};
use crate::systemd::{Activity, Verb};

fn own() -> HostSpec {
    let mut spec = spec();
    spec.pools[0].listeners = (8082..8085)
        .map(|port| listener("spread", port, Binds::App))
        .collect();
    spec
}

/// An app that runs behind sockets and is to bind its ports itself.
fn releasing() -> Case {
    let mut case = Case::spread();
    case.replace_spec(|spec| *spec = own());
    for (socket, service) in SOCKETS.iter().zip(SERVICES) {
        case.unmanaged(socket);
        case.edit(socket, |state| state.triggers = vec![service.to_owned()]);
        case.change(service);
    }
    case
}

#[test]
fn its_sockets_close_at_once_and_its_instances_restart_one_by_one() {
    let case = releasing();
    let mut wanted = vec![format!("stop {}", SOCKETS.join(" "))];
    wanted.extend(each_port(&["restart randoms-spread@{}.service"]));
    assert_eq!(case.changes(), wanted);
    let stop = Step::Units {
        verb: Verb::StopAlone,
        units: SOCKETS.map(str::to_owned).into(),
        wait: Wait::Done,
    };
    assert_eq!(case.plan(&Subject::Instances)[0], stop);
}

#[test]
fn sockets_of_others_stay_open() {
    let mut case = releasing();
    case.edit(SOCKETS[1], |state| {
        state.triggers = vec!["randoms-old@8083.service".to_owned()];
    });
    case.stop(SOCKETS[2]);
    assert_eq!(case.changes()[0], format!("stop {}", SOCKETS[0]));
}

#[test]
fn a_socket_of_an_instance_that_is_down_closes_once() {
    let mut case = releasing();
    case.edit(SERVICES[1], |state| state.activity = Activity::Failed);
    let wanted = [
        format!("stop {}", SOCKETS.join(" ")),
        "check that 127.0.0.1:8083 is free".to_owned(),
        "randoms: release 111111111111".to_owned(),
        format!("start {}", SERVICES[1]),
        format!("restart {}", SERVICES[0]),
        format!("restart {}", SERVICES[2]),
    ];
    assert_eq!(case.instances()[..6], wanted);
}

#[test]
fn an_app_stops_port_by_port_for_the_socket_that_it_uses_now() {
    let mut case = Case::running(own());
    for (address, service) in ["127.0.0.1:8082", "127.0.0.1:8083", "127.0.0.1:8084"]
        .iter()
        .zip(SERVICES)
    {
        case.listen(address, &[case.observation.unit(service).main_pid]);
    }
    let before = case.observation.clone();
    case = Case::running(spec());
    case.observation.listeners = before.listeners;
    case.observation.previous = Some(own());
    for (socket, service) in SOCKETS.iter().zip(SERVICES) {
        case.stop(socket);
        case.change(service);
    }
    let turn = [
        "stop randoms-spread@{}.service",
        "start randoms-spread-port@{}.socket",
        "start randoms-spread@{}.service",
    ];
    assert_eq!(case.changes(), each_port(&turn));
}

#[test]
fn the_port_of_an_instance_that_waits_for_a_restart_is_checked_and_that_of_an_active_one_is_not() {
    let mut case = Case::running(own());
    case.edit(SERVICES[0], |state| {
        state.activity = Activity::Activating;
        state.sub_state = "auto-restart".to_owned();
    });
    case.change(SERVICES[1]);
    let wanted = [
        "check that 127.0.0.1:8082 is free".to_owned(),
        "randoms: release 111111111111".to_owned(),
        format!("restart {}", SERVICES[0]),
        format!("restart {}", SERVICES[1]),
    ];
    assert_eq!(case.instances()[..4], wanted);
}
