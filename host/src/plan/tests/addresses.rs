//! Sockets that move to another address.

use super::case::{Case, SERVICES, SOCKETS, V1, V2, each_port};
use super::judge::Subject;
use crate::host::fixture::{Binds, listener, pool, shared_listener, spec};
use crate::plan::{Step, Wait};
use crate::systemd::Verb;

const TURN: [&str; 4] = [
    "stop randoms-spread-port@{}.socket",
    "stop randoms-spread@{}.service",
    "start randoms-spread-port@{}.socket",
    "start randoms-spread@{}.service",
];
const FORWARD: &str = "forward 127.0.0.1:{} to 192.168.56.11:{} until the proxies use it";

#[test]
fn a_moved_port_is_the_only_one_that_is_closed_and_its_old_address_is_forwarded() {
    let mut case = Case::spread();
    for port in ["127.0.0.1:8082", "127.0.0.1:8083", "127.0.0.1:8084"] {
        case.listen(port, &[1]);
    }
    case.move_sockets("192.168.56.11");
    let turn = [TURN[0], TURN[1], TURN[2], FORWARD, TURN[3]];
    assert_eq!(case.changes(), each_port(&turn));
}

#[test]
fn the_socket_stops_alone_so_that_its_service_accepts_what_waits() {
    let mut case = Case::spread();
    case.change(SOCKETS[0]);
    let steps = case.plan(&Subject::Instances);
    let stop = |verb, unit: &str| Step::Units {
        verb,
        units: vec![unit.to_owned()],
        wait: Wait::Done,
    };
    assert_eq!(
        steps[..2],
        [
            stop(Verb::StopAlone, SOCKETS[0]),
            stop(Verb::Stop, SERVICES[0])
        ]
    );
}

#[test]
fn an_address_at_which_nobody_listens_any_more_is_not_forwarded() {
    let mut case = Case::spread();
    case.listen("127.0.0.1:8083", &[1]);
    case.move_sockets("192.168.56.11");
    let forwarders: Vec<String> = case
        .changes()
        .into_iter()
        .filter(|line| line.starts_with("forward"))
        .collect();
    assert_eq!(forwarders, [FORWARD.replace("{}", "8083")]);
}

#[test]
fn a_socket_that_includes_its_old_address_needs_no_forwarder() {
    let mut case = Case::spread();
    case.listen("127.0.0.1:8082", &[1]);
    case.move_sockets("0.0.0.0");
    assert_eq!(case.changes(), each_port(&TURN));
}

#[test]
fn other_settings_at_the_same_address_need_no_forwarder() {
    let mut case = Case::spread();
    for address in ["127.0.0.1:8082", "127.0.0.1:8083", "127.0.0.1:8084"] {
        case.listen(address, &[1]);
    }
    case.replace_spec(|_| ());
    case.change(SOCKETS[0]);
    assert_eq!(case.changes(), each_port(&TURN)[..4]);
}

#[test]
fn an_app_that_leaves_an_address_with_its_own_port_is_still_reached_there() {
    let mut case = Case::running({
        let mut spec = spec();
        spec.pools[0].listeners = vec![listener("spread", 8082, Binds::App)];
        spec
    });
    case.listen(
        "127.0.0.1:8082",
        &[case.observation.unit(SERVICES[0]).main_pid],
    );
    case.replace_spec(|spec| {
        let mut listener = listener("spread", 8082, Binds::Systemd);
        listener.endpoint = "192.168.56.11:8082".parse().unwrap();
        spec.pools[0].listeners = vec![listener];
    });
    case.change(SERVICES[0]);
    let wanted = [TURN[1], TURN[2], FORWARD, TURN[3]].map(|line| line.replace("{}", "8082"));
    assert_eq!(case.changes()[..4], wanted);
}

#[test]
fn a_socket_that_systemd_has_lost_opens_again() {
    let mut case = Case::spread();
    for (socket, address) in
        SOCKETS
            .iter()
            .zip(["127.0.0.1:8082", "127.0.0.1:8083", "127.0.0.1:8084"])
    {
        if *socket != SOCKETS[1] {
            case.listen(address, &[1]);
        }
    }
    assert_eq!(case.changes(), each_port(&TURN)[4..8]);
    // The service alone does not make it a socket of systemd.
    case.listen("127.0.0.1:8083", &[7]);
    assert_eq!(case.changes(), each_port(&TURN)[4..8]);
    case.listen("127.0.0.1:8083", &[1]);
    assert_eq!(case.changes(), [""; 0]);
}

#[test]
fn instances_of_a_release_that_is_not_proven_start_after_it_is_selected() {
    let mut case = Case::spread();
    case.observation.apps.get_mut("randoms").unwrap().current = Some(V2.to_owned());
    case.change(SOCKETS[0]);
    case.change(SOCKETS[1]);
    case.observation
        .running
        .insert(SERVICES[2].to_owned(), V2.to_owned());
    let wanted = [
        "stop randoms-spread-port@8082.socket",
        "stop randoms-spread@8082.service",
        "start randoms-spread-port@8082.socket",
        "stop randoms-spread-port@8083.socket",
        "stop randoms-spread@8083.service",
        "start randoms-spread-port@8083.socket",
        "randoms: release 222222222222",
        "start randoms-spread@8082.service",
        "start randoms-spread@8083.service",
        "randoms: record release 222222222222 as healthy",
    ];
    assert_eq!(case.instances()[..wanted.len()], wanted);
}

#[test]
fn all_instances_behind_a_shared_socket_make_way_for_it_together() {
    let mut spec = spec();
    spec.pools = vec![pool("all", "randoms", [shared_listener("all", 8000)])];
    let mut case = Case::running(spec);
    case.change("randoms-all-8000.socket");
    case.stop("randoms-all-8000@2.service");
    let wanted = [
        "stop randoms-all-8000.socket",
        "stop randoms-all-8000@1.service",
        "start randoms-all-8000.socket",
        "start randoms-all-8000@1.service",
        "start randoms-all-8000@2.service",
    ];
    assert_eq!(case.changes(), wanted);
    assert_eq!(
        case.observation.releases("randoms").current.as_deref(),
        Some(V1)
    );
}
