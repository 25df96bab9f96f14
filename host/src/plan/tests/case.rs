//! A host whose state a test describes, and the only place where tests make plans.

use std::collections::BTreeMap;
use std::path::PathBuf;

use model::{Endpoint, HostSpec};

use super::judge::{Judge, Subject};
use crate::host::Host;
use crate::host::fixture::{endpoint, spec};
use crate::listener::{Holder, Listener};
use crate::observation::{Observation, Releases};
use crate::plan::{self, Move, Step};
use crate::records::Record;
use crate::systemd::{Activity, UnitState};

/// The release that runs.
pub(super) const V1: &str = "111111111111";
/// Another release on the host.
pub(super) const V2: &str = "222222222222";

/// Services of the pool `spread`.
pub(super) const SERVICES: [&str; 3] = [
    "randoms-spread@8082.service",
    "randoms-spread@8083.service",
    "randoms-spread@8084.service",
];

/// Sockets of the pool `spread`.
pub(super) const SOCKETS: [&str; 3] = [
    "randoms-spread-port@8082.socket",
    "randoms-spread-port@8083.socket",
    "randoms-spread-port@8084.socket",
];

/// A spec and an observation.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) spec: HostSpec,
    pub(super) observation: Observation,
    /// Releases of apps that have none yet.
    pub(super) artifacts: BTreeMap<String, String>,
    /// Number of CPUs.
    pub(super) cpus: usize,
}

impl Case {
    /// A host on which nothing has been started yet. Each app has the releases `V1` and `V2`, and `V1` is
    /// the one to start.
    pub(super) fn stopped(spec: HostSpec) -> Self {
        let mut case = Self {
            artifacts: spec
                .apps
                .iter()
                .map(|a| (a.name.clone(), V1.into()))
                .collect(),
            spec,
            observation: Observation::default(),
            cpus: 2,
        };
        let host = case.host();
        for app in &host.apps {
            let releases = Releases {
                present: [V1, V2].map(str::to_owned).into(),
                ..Releases::default()
            };
            case.observation.apps.insert(app.name.clone(), releases);
        }
        for unit in host.units() {
            let inputs = Record {
                inputs: format!("inputs of {unit}"),
                configuration: format!("configuration of {unit}"),
                ..Record::default()
            };
            case.observation.inputs.insert(unit.clone(), inputs);
            case.observation.units.insert(unit, UnitState::default());
        }
        for instance in host.instances() {
            if let Some(socket) = &instance.socket {
                case.edit(socket, |state| {
                    state.listen = vec![instance.endpoint.clone()];
                });
            }
        }
        case
    }

    /// A host that is in the desired state with `V1`.
    pub(super) fn running(spec: HostSpec) -> Self {
        let mut case = Self::stopped(spec);
        for unit in case.host().units() {
            case.start(&unit);
        }
        for releases in case.observation.apps.values_mut() {
            releases.current = Some(V1.to_owned());
            releases.proven = Some(V1.to_owned());
            releases.history = vec![V1.to_owned()];
        }
        for instance in case.host().instances() {
            case.observation
                .running
                .insert(instance.unit.clone(), V1.to_owned());
        }
        case
    }

    /// The pool `spread` in the desired state.
    pub(super) fn spread() -> Self {
        Self::running(spec())
    }

    pub(super) fn host(&self) -> Host {
        Host::new(self.spec.clone(), self.cpus)
    }

    /// Changes the state of a unit.
    pub(super) fn edit(&mut self, unit: &str, edit: impl FnOnce(&mut UnitState)) {
        edit(self.observation.units.entry(unit.to_owned()).or_default());
    }

    /// A unit is active and enabled, and runs with the files on disk.
    pub(super) fn start(&mut self, unit: &str) {
        let pid = 100 + u32::try_from(self.observation.started.len()).unwrap();
        let is_service = unit.ends_with(".service");
        self.edit(unit, |state| {
            state.activity = Activity::Active;
            state.is_enabled = true;
            state.invocation = format!("run of {unit}");
            state.main_pid = if is_service { pid } else { 0 };
        });
        if let Some(inputs) = self.observation.inputs.get(unit) {
            let record = Record {
                invocation: format!("run of {unit}"),
                ..inputs.clone()
            };
            self.observation.started.insert(unit.to_owned(), record);
        }
    }

    /// A unit has ended.
    pub(super) fn stop(&mut self, unit: &str) {
        self.edit(unit, |state| {
            state.activity = Activity::Inactive;
            state.main_pid = 0;
        });
        self.observation.running.remove(unit);
    }

    /// A file that a unit reads when it starts has changed.
    pub(super) fn change(&mut self, unit: &str) {
        let record = self.observation.inputs.entry(unit.to_owned()).or_default();
        record.inputs.push_str(", changed");
    }

    /// Adds a unit that is unmanaged and active.
    pub(super) fn unmanaged(&mut self, unit: &str) {
        self.observation.unmanaged.insert(unit.to_owned());
        self.edit(unit, |state| state.activity = Activity::Active);
    }

    /// Adds a socket that is unmanaged and open at `address`, for `services`, which are active.
    pub(super) fn unmanaged_socket(&mut self, socket: &str, address: &str, services: &[&str]) {
        self.unmanaged(socket);
        self.edit(socket, |state| {
            state.listen = vec![endpoint(address)];
            state.triggers = services.iter().map(|&s| s.to_owned()).collect();
        });
        for service in services {
            self.unmanaged(service);
        }
    }

    /// A process listens at an address.
    pub(super) fn listen(&mut self, address: &str, pids: &[u32]) {
        let holder = |pid: &u32| Holder {
            pid: *pid,
            program: "randoms".to_owned(),
        };
        self.observation.listeners.push(Listener {
            endpoint: endpoint(address),
            holders: pids.iter().map(holder).collect(),
        });
    }

    /// From now on the spec describes other addresses and units; the present one becomes the previous one.
    pub(super) fn replace_spec(&mut self, edit: impl FnOnce(&mut HostSpec)) {
        self.observation.previous = Some(self.spec.clone());
        edit(&mut self.spec);
    }

    /// The sockets of `spread` are to listen on this IP address.
    pub(super) fn move_sockets(&mut self, ip: &str) {
        self.replace_spec(|spec| {
            for listener in &mut spec.pools[0].listeners {
                listener.endpoint = moved(&listener.endpoint, ip);
                listener.bind = listener.endpoint.clone();
            }
        });
        for instance in self.host().instances() {
            let socket = instance.socket.clone().unwrap();
            self.change(&socket);
            self.edit(&socket, |state| {
                state.listen = vec![instance.endpoint.clone()];
            });
        }
    }

    /// The only function that makes plans. Fails if the judge objects.
    pub(super) fn plan(&self, subject: &Subject) -> Vec<Step> {
        let host = self.host();
        let steps = match subject {
            Subject::Instances => {
                plan::instances(&host, &self.observation, &self.artifacts).unwrap()
            }
            Subject::Restore => plan::restore(&host, &self.observation),
            Subject::Proxies => plan::proxies(&host, &self.observation),
            Subject::RestoredProxies => plan::restored_proxies(&host, &self.observation),
            Subject::Removal(orphans) => plan::removal(&self.observation, orphans.clone()),
            Subject::Moves(moves) => plan::moves_to(&host, &self.observation, moves),
        };
        let objections = Judge::new(&host, &self.observation, subject).judge(&steps);
        let lines = lines(&steps).join("\n");
        assert!(
            objections.is_empty(),
            "{}\nin\n{lines}",
            objections.join("\n")
        );
        steps
    }

    /// The steps that start instances.
    pub(super) fn instances(&self) -> Vec<String> {
        lines(&self.plan(&Subject::Instances))
    }

    /// Those of them that change something.
    pub(super) fn changes(&self) -> Vec<String> {
        changes(&self.plan(&Subject::Instances))
    }

    pub(super) fn restored(&self) -> Vec<String> {
        changes(&self.plan(&Subject::Restore))
    }

    pub(super) fn proxies(&self) -> Vec<String> {
        lines(&self.plan(&Subject::Proxies))
    }

    pub(super) fn removal(&self, orphans: &[&str]) -> Vec<String> {
        let orphans = orphans.iter().map(PathBuf::from).collect();
        lines(&self.plan(&Subject::Removal(orphans)))
    }

    pub(super) fn moves(&self, moves: &[Move]) -> Vec<String> {
        lines(&self.plan(&Subject::Moves(moves.to_vec())))
    }
}

/// The same port on another IP address.
pub(super) fn moved(from: &Endpoint, ip: &str) -> Endpoint {
    let text = from.to_string();
    let (_, port) = text.rsplit_once(':').unwrap();
    endpoint(&format!("{ip}:{port}"))
}

/// `templates` for each port of `spread`, one port after the other. `{}` stands for the port.
pub(super) fn each_port(templates: &[&str]) -> Vec<String> {
    let of_port = |port: u16| {
        let lines = templates.iter();
        lines.map(move |line| line.replace("{}", &port.to_string()))
    };
    (8082..8085).flat_map(of_port).collect()
}

pub(super) fn lines(steps: &[Step]) -> Vec<String> {
    steps.iter().map(Step::to_string).collect()
}

fn changes(steps: &[Step]) -> Vec<String> {
    let changing = steps.iter().filter(|step| step.is_change());
    changing.map(Step::to_string).collect()
}
