//! Ports that units which are not in the desired state hold.

use super::case::{Case, SERVICES, SOCKETS, each_port};
use super::judge::Subject;
use crate::host::fixture::{Binds, listener, pool, proxy, spec};
use crate::plan::{Step, Wait};
use crate::systemd::{Activity, Verb};

/// Instances that have run before and are down; nothing that is described is active.
fn closed() -> Case {
    let mut case = Case::spread();
    for unit in SOCKETS.iter().chain(&SERVICES) {
        case.stop(unit);
    }
    case
}

#[test]
fn a_renamed_pool_takes_its_ports_one_by_one() {
    let mut case = closed();
    for port in 8082..8085 {
        let (socket, service) = (
            format!("randoms-old-port@{port}.socket"),
            format!("randoms-old@{port}.service"),
        );
        case.unmanaged_socket(&socket, &format!("127.0.0.1:{port}"), &[&service]);
    }
    let turn = [
        "stop randoms-old-port@{}.socket",
        "stop randoms-old@{}.service",
        "start randoms-spread-port@{}.socket",
        "start randoms-spread@{}.service",
    ];
    assert_eq!(case.changes(), each_port(&turn));
    let waits = case
        .instances()
        .into_iter()
        .filter(|line| line.starts_with("wait"))
        .collect::<Vec<_>>();
    assert_eq!(waits, each_port(&["wait until 127.0.0.1:{} is free"]));
}

#[test]
fn an_evicted_socket_stops_alone_and_its_service_is_not_waited_for() {
    let mut case = closed();
    case.unmanaged_socket(
        "randoms-old-port@8082.socket",
        "0.0.0.0:8082",
        &["randoms-old@8082.service"],
    );
    let units = |verb, unit: &str, wait| Step::Units {
        verb,
        units: vec![unit.to_owned()],
        wait,
    };
    let wanted = [
        units(Verb::StopAlone, "randoms-old-port@8082.socket", Wait::Done),
        units(Verb::Stop, "randoms-old@8082.service", Wait::No),
    ];
    assert_eq!(case.plan(&Subject::Instances)[..2], wanted);
}

#[test]
fn workers_behind_a_shared_socket_make_way_together() {
    let mut case = closed();
    let workers = [
        "randoms-spread-8082@1.service",
        "randoms-spread-8082@2.service",
    ];
    case.unmanaged_socket("randoms-spread-8082.socket", "127.0.0.1:8082", &workers);
    let wanted = [
        "stop randoms-spread-8082.socket".to_owned(),
        format!("stop {}", workers.join(" ")),
        format!("start {}", SOCKETS[0]),
    ];
    assert_eq!(case.changes()[..3], wanted);
}

#[test]
fn a_service_makes_way_whose_socket_a_run_has_stopped_before_it_was_interrupted() {
    let mut case = closed();
    case.unmanaged_socket(
        "randoms-old-port@8082.socket",
        "127.0.0.1:8082",
        &["randoms-old@8082.service"],
    );
    case.stop("randoms-old-port@8082.socket");
    case.edit("randoms-old@8082.service", |state| state.main_pid = 7);
    case.listen("127.0.0.1:8082", &[7]);
    let wanted = [
        "stop randoms-old@8082.service",
        "start randoms-spread-port@8082.socket",
        "start randoms-spread@8082.service",
    ];
    assert_eq!(case.changes()[..3], wanted);
}

#[test]
fn units_at_other_addresses_run_until_the_proxies_are_updated() {
    let mut case = closed();
    case.unmanaged_socket(
        "randoms-old-port@8082.socket",
        "192.168.56.11:8082",
        &["randoms-old@8082.service"],
    );
    case.unmanaged("randoms-older@8083.service");
    case.edit("randoms-older@8083.service", |state| state.main_pid = 7);
    case.listen("192.168.56.11:8083", &[7]);
    assert!(
        !case.changes().iter().any(|line| line.starts_with("stop")),
        "{:?}",
        case.changes()
    );
    // On all addresses, it is at own too.
    case.listen("0.0.0.0:8083", &[7]);
    assert!(
        case.changes()
            .contains(&"stop randoms-older@8083.service".to_owned())
    );
}

#[test]
fn a_container_whose_engine_binds_the_port_is_known_by_the_previous_spec() {
    let mut case = closed();
    case.replace_spec(|_| ());
    let previous = case.observation.previous.as_mut().unwrap();
    previous.pools = vec![
        pool(
            "old",
            "randoms",
            [
                listener("old", 8083, Binds::App),
                listener("old", 9083, Binds::App),
            ],
        ),
        pool(
            "sockets",
            "randoms",
            [listener("sockets", 8084, Binds::Systemd)],
        ),
    ];
    for service in [
        "randoms-old@8083.service",
        "randoms-old@9083.service",
        "randoms-sockets@8084.service",
    ] {
        case.unmanaged(service);
        case.edit(service, |state| state.main_pid = 7);
    }
    case.listen("127.0.0.1:8083", &[]);
    let stops: Vec<String> = case
        .changes()
        .into_iter()
        .filter(|line| line.starts_with("stop"))
        .collect();
    assert_eq!(stops, ["stop randoms-old@8083.service"]);
    case.edit("randoms-old@8083.service", |state| {
        state.activity = Activity::Failed;
    });
    assert!(!case.changes().iter().any(|line| line.starts_with("stop")));
}

#[test]
fn an_app_that_binds_its_port_itself_gets_it_and_starts_before_the_next_one_moves() {
    let mut spec = spec();
    spec.pools[0].listeners = (8082..8085)
        .map(|port| listener("spread", port, Binds::App))
        .collect();
    let mut case = Case::running(spec);
    for service in SERVICES {
        case.stop(service);
    }
    for port in [8082, 8083] {
        let (socket, service) = (
            format!("randoms-old-{port}.socket"),
            format!("randoms-old-{port}@1.service"),
        );
        case.unmanaged_socket(&socket, &format!("127.0.0.1:{port}"), &[&service]);
    }
    case.unmanaged("randoms-older@8084.service");
    case.edit("randoms-older@8084.service", |state| state.main_pid = 7);
    case.listen("0.0.0.0:8084", &[7]);
    let turn = [
        "stop randoms-old-{}.socket",
        "stop randoms-old-{}@1.service",
        "start randoms-spread@{}.service",
    ];
    let mut wanted = each_port(&turn)[..6].to_vec();
    wanted.extend([
        "stop randoms-older@8084.service".to_owned(),
        format!("start {}", SERVICES[2]),
    ]);
    assert_eq!(case.changes(), wanted);
    let checks = case
        .instances()
        .into_iter()
        .filter(|line| line.starts_with("check"))
        .collect::<Vec<_>>();
    assert_eq!(checks, each_port(&["check that 127.0.0.1:{} is free"]));
}

#[test]
fn a_proxy_takes_all_ports_of_one_that_is_not_described_any_more_at_once() {
    let mut spec = spec();
    spec.proxies = vec![proxy("edge")];
    let mut case = Case::running(spec);
    case.stop("randoms-edge.service");
    case.stop("randoms-edge.socket");
    let ports = ["0.0.0.0:80", "0.0.0.0:443"].map(|port| port.parse().unwrap());
    case.edit("randoms-edge.socket", |state| state.listen = ports.to_vec());
    case.unmanaged_socket("randoms-old.socket", "0.0.0.0:80", &["randoms-old.service"]);
    case.edit("randoms-old.socket", |state| state.listen = ports.to_vec());
    let wanted = [
        "stop randoms-old.socket",
        "stop randoms-old.service",
        "wait until 0.0.0.0:80, 0.0.0.0:443 is free",
        "start randoms-edge.socket",
        "check the status page of randoms-edge.service",
        "start randoms-edge.service",
        "record randoms-edge.socket",
    ];
    assert_eq!(case.proxies(), wanted);
}

#[test]
fn a_service_that_gets_another_socket_stops_and_starts_once() {
    let mut case = Case::spread();
    let old = "randoms-renamed-port@8082.socket";
    case.unmanaged_socket(old, "127.0.0.1:8082", &[]);
    case.edit(old, |state| {
        state.triggers = vec![
            SERVICES[0].to_owned(),
            "randoms-started@8082.service".to_owned(),
        ];
    });
    case.stop(SOCKETS[0]);
    let wanted = [
        format!("stop {}", SERVICES[0]),
        format!("stop {old}"),
        "stop randoms-started@8082.service".to_owned(),
        format!("start {}", SOCKETS[0]),
        format!("start {}", SERVICES[0]),
    ];
    assert_eq!(case.changes(), wanted);
}
