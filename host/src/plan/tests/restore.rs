//! Plans after files were restored.

use super::case::{Case, SERVICES, SOCKETS, V2};
use crate::host::fixture::{Binds, listener, pool, spec};

#[test]
fn instances_that_nothing_has_happened_to_are_left_as_they_are() {
    assert_eq!(Case::spread().restored(), [""; 0]);
}

#[test]
fn instances_that_systemd_has_started_in_the_meantime_restart() {
    let mut case = Case::spread();
    case.edit(SERVICES[1], |state| {
        state.invocation = "a later run".to_owned();
    });
    case.observation.started.remove(SERVICES[2]);
    let wanted = SERVICES[1..]
        .iter()
        .map(|unit| format!("restart {unit}"))
        .collect::<Vec<_>>();
    assert_eq!(case.restored(), wanted);
    // It runs what an apply wants.
    assert_eq!(case.changes(), [format!("restart {}", SERVICES[2])]);
}

#[test]
fn instances_that_ran_with_the_files_that_are_gone_restart_and_no_release_is_proven() {
    let mut case = Case::spread();
    case.change(SERVICES[0]);
    case.observation
        .running
        .insert(SERVICES[2].to_owned(), V2.to_owned());
    case.stop(SERVICES[1]);
    let verbs = ["restart", "start", "restart"].iter().zip(SERVICES);
    let wanted: Vec<String> = verbs.map(|(verb, unit)| format!("{verb} {unit}")).collect();
    assert_eq!(case.restored(), wanted);
}

#[test]
fn a_monitor_that_systemd_has_started_in_the_meantime_restarts() {
    let mut spec = spec();
    spec.triggers = ["randoms-edge-rotate.timer", "randoms-monitor.service"]
        .map(str::to_owned)
        .into();
    let mut case = Case::running(spec);
    assert_eq!(case.restored(), [""; 0]);
    case.edit("randoms-monitor.service", |state| {
        state.invocation = "a later run".to_owned();
    });
    assert_eq!(case.restored(), ["restart randoms-monitor.service"]);
    assert_eq!(case.changes(), [""; 0]);
}

#[test]
fn a_socket_goes_back_to_its_address_without_a_forwarder_from_the_one_that_no_proxy_uses() {
    let mut case = Case::spread();
    case.change(SOCKETS[0]);
    case.listen("192.168.56.11:8082", &[1]);
    case.replace_spec(|_| ());
    let replaced = case.observation.previous.as_mut().unwrap();
    replaced.pools[0].listeners[0].endpoint = "192.168.56.11:8082".parse().unwrap();
    case.listen("127.0.0.1:8083", &[1]);
    case.listen("127.0.0.1:8084", &[1]);
    let wanted = [
        format!("stop {}", SOCKETS[0]),
        format!("stop {}", SERVICES[0]),
        format!("start {}", SOCKETS[0]),
        format!("start {}", SERVICES[0]),
    ];
    assert_eq!(case.restored(), wanted);
}

#[test]
fn a_port_that_had_passed_to_a_new_unit_passes_back() {
    let mut case = Case::spread();
    case.stop(SERVICES[0]);
    case.stop(SOCKETS[0]);
    case.unmanaged_socket(
        "randoms-new-port@8082.socket",
        "127.0.0.1:8082",
        &["randoms-new@8082.service"],
    );
    let wanted = [
        "stop randoms-new-port@8082.socket".to_owned(),
        "stop randoms-new@8082.service".to_owned(),
        format!("start {}", SOCKETS[0]),
        format!("start {}", SERVICES[0]),
    ];
    assert_eq!(case.restored(), wanted);
}

#[test]
fn a_new_container_makes_way_that_only_the_replaced_spec_describes() {
    let mut spec = spec();
    spec.pools[0].listeners = vec![listener("spread", 8082, Binds::App)];
    let mut case = Case::running(spec);
    case.replace_spec(|_| ());
    case.stop(SERVICES[0]);
    let replaced = case.observation.previous.as_mut().unwrap();
    replaced.pools = vec![pool("new", "randoms", [listener("new", 8082, Binds::App)])];
    case.unmanaged("randoms-new@8082.service");
    case.listen("127.0.0.1:8082", &[]);
    let wanted = [
        "stop randoms-new@8082.service".to_owned(),
        format!("start {}", SERVICES[0]),
    ];
    assert_eq!(case.restored(), wanted);
}
