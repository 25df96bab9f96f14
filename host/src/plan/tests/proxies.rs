//! Proxies.

use super::case::Case;
use crate::host::fixture::{endpoint, proxy, spec};
use crate::systemd::Activity;

const EDGE: &str = "randoms-edge.service";
const SIDE: &str = "randoms-side.service";
const EDGE_SOCKET: &str = "randoms-edge.socket";
const SIDE_SOCKET: &str = "randoms-side.socket";
const NOTHING: [&str; 2] = ["record randoms-edge.socket", "record randoms-side.socket"];

/// Two proxies in the desired state.
fn two() -> Case {
    let mut spec = spec();
    spec.proxies = vec![proxy("edge"), proxy("side")];
    let mut case = Case::running(spec);
    case.edit(EDGE_SOCKET, |state| {
        state.listen = vec![endpoint("0.0.0.0:80")];
    });
    case.edit(SIDE_SOCKET, |state| {
        state.listen = vec![endpoint("0.0.0.0:81")];
    });
    case
}

/// The steps, without those that record the sockets.
fn steps(case: &Case) -> Vec<String> {
    let mut lines = case.proxies();
    lines.retain(|line| !NOTHING.contains(&line.as_str()));
    lines
}

#[test]
fn proxies_in_the_desired_state_are_left_as_they_are() {
    assert_eq!(two().proxies(), NOTHING);
}

#[test]
fn a_proxy_that_has_never_run_is_opened_checked_enabled_and_started() {
    let mut spec = spec();
    spec.proxies = vec![proxy("edge")];
    spec.proxies[0].kernel_settings = Some("/etc/sysctl.d/60-randoms-edge.conf".into());
    let mut case = Case::stopped(spec);
    let wanted = [
        "start randoms-edge.socket",
        "check the status page of randoms-edge.service",
        "enable randoms-edge.socket randoms-edge.service",
        "apply /etc/sysctl.d/60-randoms-edge.conf",
        "start randoms-edge.service",
        "record randoms-edge.socket",
    ];
    assert_eq!(case.proxies(), wanted);
    case.edit(EDGE_SOCKET, |state| {
        state.listen = vec![endpoint("0.0.0.0:80")];
    });
    assert_eq!(case.proxies(), wanted);
}

#[test]
fn a_changed_configuration_is_reloaded() {
    let mut case = two();
    let inputs = case.observation.inputs.get_mut(SIDE).unwrap();
    inputs.configuration.push_str(", changed");
    assert_eq!(steps(&case), ["reload randoms-side.service"]);
}

#[test]
fn a_changed_certificate_or_unit_restarts_the_proxy() {
    let mut case = two();
    case.change(EDGE);
    let inputs = case.observation.inputs.get_mut(EDGE).unwrap();
    inputs.configuration.push_str(", changed");
    assert_eq!(steps(&case), ["restart randoms-edge.service"]);
}

#[test]
fn a_proxy_with_nothing_recorded_reloads_and_keeps_its_connections() {
    let mut case = two();
    case.observation.started.clear();
    assert_eq!(
        steps(&case),
        ["reload randoms-edge.service", "reload randoms-side.service"]
    );
    // After a restore as well.
    let restored = super::case::lines(&case.plan(&super::judge::Subject::RestoredProxies));
    assert_eq!(restored, case.proxies());
}

#[test]
fn a_proxy_that_is_down_is_started_unless_something_else_has_its_status_page() {
    for (activity, sub_state, verb) in [
        (Activity::Inactive, "dead", "start"),
        (Activity::Failed, "failed", "start"),
        (Activity::Activating, "auto-restart", "restart"),
    ] {
        let mut case = two();
        case.edit(EDGE, |state| {
            state.activity = activity;
            state.sub_state = sub_state.to_owned();
        });
        let check = "check the status page of randoms-edge.service".to_owned();
        assert_eq!(
            steps(&case),
            [check, format!("{verb} {EDGE}")],
            "{sub_state}"
        );
    }
}

#[test]
fn a_socket_at_another_port_opens_again_with_its_proxy_stopped() {
    let mut case = two();
    case.change(EDGE_SOCKET);
    case.change(EDGE);
    let wanted = [
        "stop randoms-edge.service randoms-edge.socket",
        "start randoms-edge.socket",
        "start randoms-edge.service",
    ];
    assert_eq!(steps(&case), wanted);
}

#[test]
fn a_proxy_that_is_down_starts_at_its_new_port_although_another_has_its_status_page() {
    let mut case = two();
    case.change(EDGE_SOCKET);
    case.stop(EDGE);
    let wanted = [
        "stop randoms-edge.service randoms-edge.socket",
        "start randoms-edge.socket",
        "start randoms-edge.service",
    ];
    assert_eq!(steps(&case), wanted);
}

#[test]
fn two_proxies_that_exchange_their_ports_are_both_closed_first() {
    let mut case = two();
    case.change(EDGE_SOCKET);
    case.change(SIDE_SOCKET);
    case.edit(EDGE_SOCKET, |state| {
        state.listen = vec![endpoint("0.0.0.0:81")];
    });
    case.edit(SIDE_SOCKET, |state| {
        state.listen = vec![endpoint("0.0.0.0:80")];
    });
    let wanted = [
        "stop randoms-edge.service randoms-edge.socket",
        "stop randoms-side.service randoms-side.socket",
        "start randoms-edge.socket",
        "start randoms-side.socket",
        "start randoms-edge.service",
        "record randoms-edge.socket",
        "start randoms-side.service",
        "record randoms-side.socket",
    ];
    assert_eq!(case.proxies(), wanted);
}

#[test]
fn a_socket_that_systemd_has_lost_opens_again() {
    let mut case = two();
    case.listen("0.0.0.0:80", &[1]);
    let wanted = [
        "stop randoms-side.service randoms-side.socket",
        "start randoms-side.socket",
        "start randoms-side.service",
    ];
    assert_eq!(steps(&case), wanted);
}

#[test]
fn a_restore_restarts_a_proxy_that_systemd_has_started_in_the_meantime() {
    let mut case = two();
    let restored = |case: &Case| {
        let steps = case.plan(&super::judge::Subject::RestoredProxies);
        let mut lines = super::case::lines(&steps);
        lines.retain(|line| !NOTHING.contains(&line.as_str()));
        lines
    };
    assert_eq!(restored(&case), [""; 0]);
    case.edit(SIDE, |state| state.invocation = "a later run".to_owned());
    assert_eq!(restored(&case), ["restart randoms-side.service"]);
    assert_eq!(steps(&case), [""; 0]);
    let inputs = case.observation.inputs.get_mut(EDGE).unwrap();
    inputs.configuration.push_str(", changed");
    assert_eq!(
        restored(&case),
        [
            "reload randoms-edge.service",
            "restart randoms-side.service"
        ]
    );
}
