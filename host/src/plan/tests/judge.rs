//! Rules that every plan keeps, checked by simulation and without code of the planner.

mod services;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::host::Host;
use crate::listener;
use crate::observation::Observation;
use crate::plan::{Move, Step, Wait};
use crate::systemd::Verb;

/// What a plan is for.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    Instances,
    Restore,
    Proxies,
    RestoredProxies,
    Removal(Vec<PathBuf>),
    Moves(Vec<Move>),
}

/// The host while the steps run, one after the other.
pub(super) struct Judge<'j> {
    host: &'j Host,
    observation: &'j Observation,
    subject: &'j Subject,
    up: BTreeSet<String>,
    /// Instances that served, and that the plan has stopped and not started again.
    taken_down: BTreeSet<String>,
    /// Instances that a step has started.
    touched: BTreeSet<String>,
    /// Units whose address was checked.
    checked: BTreeSet<String>,
    selected: BTreeMap<String, String>,
    proven: BTreeSet<String>,
    is_enabled: bool,
    objections: Vec<String>,
}

impl<'j> Judge<'j> {
    pub(super) fn new(host: &'j Host, observation: &'j Observation, subject: &'j Subject) -> Self {
        let active = |(unit, state): (&String, &crate::systemd::UnitState)| {
            (!state.is_stopped()).then(|| unit.clone())
        };
        Self {
            host,
            observation,
            subject,
            up: observation.units.iter().filter_map(active).collect(),
            taken_down: BTreeSet::new(),
            touched: BTreeSet::new(),
            checked: BTreeSet::new(),
            selected: BTreeMap::new(),
            proven: BTreeSet::new(),
            is_enabled: false,
            objections: Vec::new(),
        }
    }

    /// The rules that a plan breaks.
    pub(super) fn judge(mut self, steps: &[Step]) -> Vec<String> {
        for (index, step) in steps.iter().enumerate() {
            self.step(step, &steps[index + 1..]);
        }
        if matches!(self.subject, Subject::Instances | Subject::Restore) {
            for instance in self.host.instances() {
                self.require(self.up.contains(&instance.unit), || {
                    format!("{} is down at the end", instance.unit)
                });
            }
            for socket in self.host.sockets() {
                self.require(self.up.contains(&socket), || {
                    format!("{socket} is closed at the end")
                });
            }
        }
        self.objections
    }

    fn require(&mut self, is_kept: bool, objection: impl FnOnce() -> String) {
        if !is_kept {
            self.objections.push(objection());
        }
    }

    fn step(&mut self, step: &Step, later: &[Step]) {
        match step {
            Step::Units { verb, units, wait } => self.units(*verb, units, *wait),
            Step::OpenSocket { socket, .. } => self.open(socket),
            Step::RequireFree { unit, .. } => {
                self.checked.insert(unit.clone());
            }
            Step::Instance { unit, verb } => self.instance(unit, *verb, later),
            Step::Select(change) => {
                self.selected
                    .insert(change.app.clone(), change.release.clone());
            }
            Step::Prove(change) => self.prove(change),
            Step::Proxy { unit, verb } => self.proxy(unit, *verb),
            Step::Enable(_) => self.is_enabled = true,
            Step::Disable(units) => self.only_unmanaged(units),
            Step::Forward { from, to, .. } => {
                self.require(!listener::overlaps(from, to), || {
                    format!("a forwarder from {from} to {to}")
                });
                let is_apply = matches!(self.subject, Subject::Instances);
                self.require(is_apply, || {
                    format!("a forwarder from {from} that no proxy uses")
                });
            }
            Step::ReloadManager
            | Step::AwaitClosed(_)
            | Step::RequireOwnStatus(_)
            | Step::KernelSettings { .. }
            | Step::Adopt(_)
            | Step::Remove(_) => {}
        }
    }

    fn only_unmanaged(&mut self, units: &[String]) {
        for unit in units {
            let is_unmanaged = self.observation.unmanaged.contains(unit);
            let is_removal = matches!(self.subject, Subject::Removal(_));
            self.require(is_unmanaged && is_removal, || format!("{unit} is disabled"));
        }
    }

    fn units(&mut self, verb: Verb, units: &[String], wait: Wait) {
        for unit in units {
            match verb {
                Verb::Stop | Verb::StopAlone => self.stop(verb, unit, wait),
                Verb::Start | Verb::Restart | Verb::Reload => {
                    let is_other = self.host.instance(unit).is_none();
                    self.require(is_other, || {
                        format!("{unit} is not checked after its start")
                    });
                    self.up.insert(unit.clone());
                }
            }
        }
        self.require_capacity(None);
    }

    fn stop(&mut self, verb: Verb, unit: &String, wait: Wait) {
        let is_unmanaged = self.observation.unmanaged.contains(unit);
        let is_known = is_unmanaged || self.observation.units.contains_key(unit);
        if matches!(self.subject, Subject::Removal(_)) {
            self.require(is_unmanaged, || {
                format!("the removal stops {unit}, which is described")
            });
        } else if let Some(instance) = self.host.instance(unit) {
            let has_reason = instance.socket.as_ref().is_some_and(|s| !self.is_open(s));
            self.require(has_reason, || format!("{unit} is stopped for no socket"));
        } else if is_unmanaged && unit.ends_with(".socket") {
            self.require(verb == Verb::StopAlone, || {
                format!("{unit} stops with its services")
            });
        } else if is_unmanaged || !is_known {
            self.require(wait == Wait::No, || {
                format!("the port waits for requests of {unit}")
            });
        } else {
            self.require(self.is_moved(unit), || {
                format!("{unit} is stopped and not moved")
            });
        }
        if self.up.remove(unit) {
            let is_instance = self.host.instance(unit).is_some();
            if is_instance && self.observation.unit(unit).is_active() {
                self.taken_down.insert(unit.clone());
            }
        } else {
            // The others are those that a socket may have started in the meantime.
            let is_needed = self.host.instance(unit).is_none() && !unit.ends_with(".socket");
            self.require(is_needed, || format!("{unit} is stopped twice"));
        }
    }

    /// Whether a described unit is a socket, or a proxy behind one, that is open with other settings.
    fn is_moved(&self, unit: &str) -> bool {
        let sockets = self.host.sockets();
        let of_proxy = self
            .host
            .proxies
            .iter()
            .find(|p| p.unit == unit || p.socket == unit);
        let socket = match of_proxy {
            Some(proxy) => proxy.socket.as_str(),
            None => unit,
        };
        let (then, now) = (
            self.observation.started.get(socket),
            self.observation.inputs.get(socket),
        );
        let is_changed = then.is_some_and(|then| Some(&then.inputs) != now.map(|now| &now.inputs));
        let is_lost = listener::is_lost(
            &self.observation.listeners,
            &self.observation.unit(socket).listen,
        );
        (of_proxy.is_some() || sockets.contains(socket)) && (is_changed || is_lost)
    }

    fn is_open(&self, socket: &str) -> bool {
        self.up.contains(socket)
    }

    fn open(&mut self, socket: &str) {
        self.require(!self.is_open(socket), || {
            format!("{socket} is opened and open")
        });
        let users = self
            .host
            .instances()
            .iter()
            .filter(|i| i.socket.as_deref() == Some(socket));
        let active: Vec<String> = users
            .map(|i| i.unit.clone())
            .filter(|unit| self.up.contains(unit))
            .collect();
        self.require(active.is_empty(), || {
            format!("{socket} is opened while {active:?} run")
        });
        let wanted = self.observation.unit(socket).listen;
        let rivals: Vec<&String> = self
            .observation
            .unmanaged
            .iter()
            .filter(|unit| self.up.contains(*unit))
            .filter(|unit| {
                let listen = self.observation.unit(unit).listen;
                listen
                    .iter()
                    .any(|e| wanted.iter().any(|w| listener::overlaps(e, w)))
            })
            .collect();
        let objection =
            (!rivals.is_empty()).then(|| format!("{socket} is opened next to {rivals:?}"));
        self.objections.extend(objection);
        self.require(!self.is_enabled_early(), || {
            format!("{socket} is enabled and then opened")
        });
        self.up.insert(socket.to_owned());
    }

    /// Proxies are enabled before they start: a connection can start them at any time.
    fn is_enabled_early(&self) -> bool {
        self.is_enabled && matches!(self.subject, Subject::Instances | Subject::Restore)
    }
}
