//! Moves ports between units: between an app and systemd, between a removed unit and its replacement, or
//! between addresses.
//!
//! Ports move one at a time. Each is closed only while one unit stops and another starts; the next port
//! moves when the instances behind it are healthy.

use std::collections::BTreeSet;

use model::Endpoint;

use super::{Step, Wait};
use crate::host::{Host, Instance};
use crate::listener;
use crate::observation::Observation;
use crate::systemd::{Activity, UnitState, Verb};

/// The steps that move ports, and what they do to instances.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    /// The steps.
    pub(crate) steps: Vec<Step>,
    /// Instances that the steps stop and do not start again.
    pub(crate) stopped: BTreeSet<String>,
    /// Instances that the steps start.
    pub(crate) started: BTreeSet<String>,
}

/// Opens every port of the pools with the unit that holds it.
pub(crate) fn ports(host: &Host, observation: &Observation) -> Ports {
    let mut planner = Planner {
        host,
        observation: observation.clone(),
        ports: Ports::default(),
    };
    for socket in host.sockets() {
        planner.open(&socket);
    }
    let (_, own): (Vec<_>, Vec<_>) = host.instances().iter().partition(|i| i.socket.is_some());
    planner.release(&own);
    for instance in own {
        planner.clear(instance);
    }
    planner.ports
}

/// Stops unmanaged units that hold one of the endpoints, and waits until all are free. Empty if there are
/// none.
pub(crate) fn evict(observation: &Observation, endpoints: &[Endpoint]) -> Vec<Step> {
    let overlaps = |held: &Endpoint| endpoints.iter().any(|e| listener::overlaps(held, e));
    let rivals = || {
        observation
            .unmanaged
            .iter()
            .map(|u| (u, observation.unit(u)))
    };
    let is_there = |state: &UnitState| state.is_active() && state.listen.iter().any(overlaps);
    // Those that are described stop for their own sockets, and restart.
    let is_described = |unit: &String| {
        observation.units.contains_key(unit) && !observation.unmanaged.contains(unit)
    };
    let mut steps = Vec::new();
    let mut services = BTreeSet::new();
    for (socket, state) in rivals().filter(|(_, state)| is_there(state)) {
        steps.push(Step::units(Verb::StopAlone, [socket.clone()]));
        services.extend(
            state
                .triggers
                .into_iter()
                .filter(|unit| !is_described(unit)),
        );
    }
    for (service, state) in rivals() {
        if holds(observation, service, &state, overlaps) {
            services.insert(service.clone());
        }
    }
    if !services.is_empty() {
        // They close the port at once, and may need their stop timeout for requests in flight.
        steps.push(Step::Units {
            verb: Verb::Stop,
            units: services.into_iter().collect(),
            wait: Wait::No,
        });
    }
    if !steps.is_empty() {
        steps.push(Step::AwaitClosed(endpoints.to_vec()));
    }
    steps
}

/// Whether an unmanaged service has bound an endpoint that `overlaps` itself: by its process or, for a
/// container whose engine binds the port, by the spec that described it.
fn holds(
    observation: &Observation,
    service: &str,
    state: &UnitState,
    overlaps: impl Fn(&Endpoint) -> bool,
) -> bool {
    if state.is_stopped() || !service.ends_with(".service") {
        return false;
    }
    let bound: Vec<&Endpoint> = observation
        .listeners
        .iter()
        .filter(|l| l.holders.iter().any(|h| h.pid == state.main_pid))
        .map(|l| &l.endpoint)
        .collect();
    if !bound.is_empty() {
        return bound.into_iter().any(overlaps);
    }
    let described = observation.previous.clone().map(|spec| Host::new(spec, 1));
    let instance = described.as_ref().and_then(|host| host.instance(service));
    instance.is_some_and(|i| i.socket.is_none() && overlaps(&i.bind))
}

struct Planner<'p> {
    host: &'p Host,
    /// With the sockets closed that are released.
    observation: Observation,
    ports: Ports,
}

impl Planner<'_> {
    /// Opens a socket of a pool at its address.
    fn open(&mut self, socket: &str) {
        let state = self.observation.unit(socket);
        if state.is_active() && !self.observation.has_moved(socket) {
            return;
        }
        let users: Vec<&Instance> = self
            .host
            .instances()
            .iter()
            .filter(|i| i.socket.as_deref() == Some(socket))
            .collect();
        let Some(endpoint) = users.first().map(|user| user.endpoint.clone()) else {
            return;
        };
        let holders: Vec<String> = users
            .iter()
            .map(|user| user.unit.clone())
            .filter(|unit| !self.observation.unit(unit).is_stopped())
            .collect();
        if state.is_active() {
            self.push(Step::units(Verb::StopAlone, [socket.to_owned()]));
        }
        let has_holders = !holders.is_empty();
        if has_holders {
            // systemd opens no socket for a service that is active.
            self.ports.stopped.extend(holders.iter().cloned());
            self.push(Step::units(Verb::Stop, holders));
        }
        let evictions = evict(&self.observation, std::slice::from_ref(&endpoint));
        let is_evicted = !evictions.is_empty();
        self.ports.steps.extend(evictions);
        self.push(Step::OpenSocket {
            socket: socket.to_owned(),
            endpoint: endpoint.clone(),
        });
        if let Some(from) = self.left_address(&users, &endpoint) {
            self.push(Step::Forward {
                socket: socket.to_owned(),
                from,
                to: endpoint,
            });
        }
        if has_holders || is_evicted {
            self.start(&users);
        }
    }

    /// The address that the instances behind a port leave, if a process still listens there: proxies use
    /// it until they are updated.
    fn left_address(&self, users: &[&Instance], endpoint: &Endpoint) -> Option<Endpoint> {
        let previous = Host::new(self.observation.previous.clone()?, 1);
        let mut units = users.iter();
        let left = units.find_map(|user| Some(previous.instance(&user.unit)?.endpoint.clone()))?;
        let is_open =
            !listener::at(&self.observation.listeners, std::slice::from_ref(&left)).is_empty();
        (is_open && !listener::overlaps(&left, endpoint)).then_some(left)
    }

    /// Closes sockets of apps that bind their ports themselves now. Until it restarts, each instance
    /// accepts connections from the socket that it was passed.
    fn release(&mut self, own: &[&Instance]) {
        let observation = &self.observation;
        let passes = |state: &UnitState| {
            state.is_active() && own.iter().any(|i| state.triggers.contains(&i.unit))
        };
        let sockets: Vec<String> = observation
            .unmanaged
            .iter()
            .filter(|unit| unit.ends_with(".socket") && passes(&observation.unit(unit)))
            .cloned()
            .collect();
        if sockets.is_empty() {
            return;
        }
        for socket in &sockets {
            let state = self.observation.units.entry(socket.clone()).or_default();
            state.activity = Activity::Inactive;
        }
        self.push(Step::units(Verb::StopAlone, sockets));
    }

    /// Frees the port of an instance that binds it itself and does not run.
    fn clear(&mut self, instance: &Instance) {
        if !self.observation.unit(&instance.unit).is_down() {
            return;
        }
        let evictions = evict(&self.observation, std::slice::from_ref(&instance.bind));
        let is_evicted = !evictions.is_empty();
        self.ports.steps.extend(evictions);
        self.push(Step::RequireFree {
            unit: instance.unit.clone(),
            endpoint: instance.bind.clone(),
        });
        if is_evicted {
            self.start(&[instance]);
        }
    }

    /// Starts instances before the next port moves, unless their release has not been proven yet.
    fn start(&mut self, users: &[&Instance]) {
        for user in users {
            let releases = self.observation.releases(&user.app);
            if releases.current.is_none() || releases.current != releases.proven {
                continue;
            }
            self.ports.stopped.remove(&user.unit);
            self.ports.started.insert(user.unit.clone());
            self.push(Step::Instance {
                unit: user.unit.clone(),
                verb: Verb::Start,
            });
        }
    }

    fn push(&mut self, step: Step) {
        self.ports.steps.push(step);
    }
}
