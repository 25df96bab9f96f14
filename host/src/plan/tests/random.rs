//! Plans for random states of hosts. The judge decides.

use model::{HostSpec, Services};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::case::{Case, V1, V2, moved};
use super::judge::Subject;
use crate::host::fixture::{
    Binds, app, bare_spec, endpoint, listener, pool, proxy, shared_listener,
};
use crate::plan::Move;
use crate::systemd::Activity;

const CASES: u64 = 500;

#[test]
fn no_plan_for_a_random_state_breaks_a_rule() {
    for seed in 0..CASES {
        let mut random = StdRng::seed_from_u64(seed);
        let case = case(&mut random);
        for subject in subjects(&case) {
            let result = std::panic::catch_unwind(|| case.plan(&subject));
            assert!(result.is_ok(), "seed {seed}: {subject:?}\n{case:#?}");
        }
    }
}

fn subjects(case: &Case) -> Vec<Subject> {
    let moves = case
        .spec
        .apps
        .iter()
        .map(|a| Move::new(&a.name, V2, &case.observation, &[]));
    vec![
        Subject::Instances,
        Subject::Restore,
        Subject::Proxies,
        Subject::RestoredProxies,
        Subject::Removal(vec!["/etc/randoms/old.env".into()]),
        Subject::Moves(moves.collect()),
    ]
}

fn spec(random: &mut StdRng) -> HostSpec {
    let mut spec = bare_spec();
    for (number, name) in ["randoms", "jobs"]
        .iter()
        .take(random.random_range(1..3))
        .enumerate()
    {
        spec.apps.push(app(name));
        let start = 8000 + 100 * u16::try_from(number).unwrap();
        let ports = start..start + random.random_range(1..5);
        let binds = if random.random_bool(0.5) {
            Binds::App
        } else {
            Binds::Systemd
        };
        let mut listeners: Vec<_> = ports.map(|port| listener(name, port, binds)).collect();
        if binds == Binds::Systemd && random.random_bool(0.3) {
            listeners.push(shared_listener(name, start + 50));
        }
        spec.pools.push(pool(name, name, listeners));
    }
    spec.proxies = ["edge", "side"]
        .iter()
        .take(random.random_range(0..3))
        .map(|n| proxy(n))
        .collect();
    if random.random_bool(0.5) {
        spec.triggers = vec![
            "randoms-monitor.service".to_owned(),
            "randoms-rotate.timer".to_owned(),
        ];
    }
    spec
}

fn case(random: &mut StdRng) -> Case {
    let spec = spec(random);
    let is_running = random.random_bool(0.8);
    let mut case = if is_running {
        Case::running(spec)
    } else {
        Case::stopped(spec)
    };
    disturb_releases(&mut case, random);
    disturb_units(&mut case, random);
    disturb_listeners(&mut case, random);
    if random.random_bool(0.3) {
        case.replace_spec(|_| ());
        previous_spec(&mut case, random);
    }
    unmanaged_units(&mut case, random);
    unmanaged_proxy(&mut case, random);
    case
}

fn disturb_releases(case: &mut Case, random: &mut StdRng) {
    for releases in case.observation.apps.values_mut() {
        if releases.current.is_some() && random.random_bool(0.2) {
            releases.current = Some(V2.to_owned());
        }
        if random.random_bool(0.1) {
            releases.proven = None;
        }
    }
}

fn disturb_units(case: &mut Case, random: &mut StdRng) {
    for unit in case.host().units() {
        if random.random_bool(0.15) {
            case.change(&unit);
        }
        if random.random_bool(0.05) {
            case.observation.started.remove(&unit);
        }
        if random.random_bool(0.1) {
            case.observation.running.insert(unit.clone(), V2.to_owned());
        }
        if random.random_bool(0.1) {
            case.observation.running.remove(&unit);
        }
        if let Some(record) = case.observation.started.get_mut(&unit)
            && random.random_bool(0.1)
        {
            let before = ["an earlier run", &record.invocation][random.random_range(0..2)];
            record.before_start = Some(before.to_owned());
            record.release = Some([V1, V2][random.random_range(0..2)].to_owned());
        }
        if let Some(inputs) = case.observation.inputs.get_mut(&unit)
            && random.random_bool(0.1)
        {
            inputs.configuration.push_str(", changed");
        }
        if random.random_bool(0.25) {
            disturb(case, &unit, random);
        }
    }
}

fn disturb(case: &mut Case, unit: &str, random: &mut StdRng) {
    let disturbance = random.random_range(0..6);
    let is_service = unit.ends_with(".service");
    case.edit(unit, |state| match disturbance {
        0 => state.activity = Activity::Inactive,
        1 => state.activity = Activity::Failed,
        2 if is_service => {
            state.activity = Activity::Activating;
            state.sub_state = "auto-restart".to_owned();
        }
        3 if is_service => state.activity = Activity::Deactivating,
        4 => state.invocation.push_str(", restarted"),
        _ => state.is_enabled = false,
    });
}

fn disturb_listeners(case: &mut Case, random: &mut StdRng) {
    // Without a listener of systemd, none is missed.
    if random.random_bool(0.5) {
        return;
    }
    for instance in case.host().instances() {
        if random.random_bool(0.9) {
            let pid = case.observation.unit(&instance.unit).main_pid;
            let pids = if instance.socket.is_some() {
                vec![1, pid]
            } else {
                vec![pid]
            };
            case.listen(&instance.endpoint.to_string(), &pids);
        }
    }
}

/// Some ports had other addresses, or no sockets.
fn previous_spec(case: &mut Case, random: &mut StdRng) {
    let previous = case.observation.previous.as_mut().unwrap();
    for listener in previous
        .pools
        .iter_mut()
        .flat_map(|pool| &mut pool.listeners)
    {
        match random.random_range(0..4) {
            0 => listener.endpoint = moved(&listener.endpoint, "192.168.56.11"),
            1 => listener.socket = None,
            2 => listener.services = Services::Units(vec!["randoms-old.service".to_owned()]),
            _ => {}
        }
    }
}

/// Units that hold the ports of instances, or other ports.
fn unmanaged_units(case: &mut Case, random: &mut StdRng) {
    let instances = case.host().instances().to_vec();
    for (number, instance) in instances.iter().enumerate() {
        if random.random_bool(0.7) {
            continue;
        }
        let (socket, service) = (
            format!("randoms-old-{number}.socket"),
            format!("randoms-old-{number}.service"),
        );
        let ip = ["127.0.0.1", "0.0.0.0", "192.168.56.11"][random.random_range(0..3)];
        let address = moved(&instance.endpoint, ip).to_string();
        match random.random_range(0..4) {
            0 => case.unmanaged_socket(&socket, &address, &[&service]),
            1 => {
                case.unmanaged_socket(&socket, &address, &[]);
                case.edit(&socket, |state| {
                    state.triggers = vec![instance.unit.clone()];
                });
            }
            2 => {
                case.unmanaged_socket(&socket, &address, &[&service]);
                case.edit(&socket, |state| state.listen.push(endpoint("0.0.0.0:9999")));
            }
            _ => {
                let pid = 5000 + u32::try_from(number).unwrap();
                case.unmanaged(&service);
                case.edit(&service, |state| state.main_pid = pid);
                case.listen(&address, &[pid]);
            }
        }
    }
}

/// Proxies with two ports each, and an unmanaged one with the ports of the first.
fn unmanaged_proxy(case: &mut Case, random: &mut StdRng) {
    let ports = [["0.0.0.0:80", "0.0.0.0:443"], ["0.0.0.0:81", "0.0.0.0:444"]];
    let sockets: Vec<String> = case.spec.proxies.iter().map(|p| p.socket.clone()).collect();
    for (socket, ports) in sockets.iter().zip(ports) {
        case.edit(socket, |state| state.listen = ports.map(endpoint).to_vec());
    }
    if random.random_bool(0.3) {
        case.unmanaged_socket("randoms-old.socket", ports[0][0], &["randoms-old.service"]);
        case.edit("randoms-old.socket", |state| {
            state.listen.push(endpoint(ports[0][1]));
        });
    }
}
