//! Rules for instances, releases, and proxies.

use super::{Judge, Subject};
use crate::host::Instance;
use crate::plan::{Move, Step};
use crate::systemd::Verb;

impl Judge<'_> {
    pub(super) fn instance(&mut self, unit: &str, verb: Verb, later: &[Step]) {
        let Some(instance) = self.host.instance(unit) else {
            self.objections.push(format!("{unit} is no instance"));
            return;
        };
        self.require(!self.is_enabled_early(), || {
            format!("{unit} is enabled and then started")
        });
        let is_first = self.touched.insert(unit.to_owned());
        self.require(is_first, || format!("{unit} starts twice"));
        self.require_release(instance, later);
        let is_serving = self.up.contains(unit) && self.observation.unit(unit).is_active();
        if is_serving {
            self.require(self.has_reason(instance), || {
                format!("{unit} restarts for no reason")
            });
            self.require(verb == Verb::Restart, || {
                format!("{unit} starts, and is active")
            });
        }
        if let Some(socket) = &instance.socket {
            let is_open = self.is_open(socket) || matches!(self.subject, Subject::Moves(_));
            self.require(is_open, || format!("{unit} starts before {socket}"));
        } else if self.observation.unit(unit).is_down()
            && !matches!(self.subject, Subject::Moves(_))
        {
            self.require(self.checked.contains(unit), || {
                format!("the port of {unit} is not checked")
            });
        }
        self.require_capacity(is_serving.then_some(unit));
        self.taken_down.remove(unit);
        self.up.insert(unit.to_owned());
    }

    /// The release is selected before the instance starts, and proven after it.
    fn require_release(&mut self, instance: &Instance, later: &[Step]) {
        let releases = self.observation.releases(&instance.app);
        let is_of_app = |step: &Step, is_select: bool| match step {
            Step::Select(change) => is_select && change.app == instance.app,
            Step::Prove(change) => !is_select && change.app == instance.app,
            _ => false,
        };
        // A port can move before its app is selected again.
        let is_settled = releases.current.is_some() && releases.current == releases.proven;
        let is_late = later.iter().any(|step| is_of_app(step, true));
        let unit = &instance.unit;
        self.require(!is_late || is_settled, || {
            format!("{unit} starts before its release")
        });
        self.require(!self.proven.contains(&instance.app), || {
            format!("{unit} starts once proven")
        });
        if !matches!(self.subject, Subject::Restore) {
            let is_proven = later.iter().any(|step| is_of_app(step, false));
            self.require(is_proven, || format!("the release of {unit} is not proven"));
        }
    }

    fn has_reason(&self, instance: &Instance) -> bool {
        let unit = &instance.unit;
        let state = self.observation.unit(unit);
        let (then, now) = (
            self.observation.started.get(unit),
            self.observation.inputs.get(unit),
        );
        let is_same_input = then.is_some_and(|then| Some(&then.inputs) == now.map(|n| &n.inputs));
        let is_recorded = then.is_some_and(|then| then.invocation == state.invocation);
        let current = self.observation.releases(&instance.app).current;
        let wanted = self.selected.get(&instance.app).or(current.as_ref());
        let running = match self.observation.running.get(unit) {
            Some(release) => Some(release),
            None => then.and_then(|then| then.release.as_ref()),
        };
        let is_other = running.is_some() && wanted.is_some() && running != wanted;
        let is_restored = matches!(self.subject, Subject::Restore) && !is_recorded;
        let before = then.and_then(|then| then.before_start.as_ref());
        let is_unconfirmed = before.is_some_and(|before| *before != state.invocation);
        !is_same_input || is_unconfirmed || is_other || state.needs_reload || is_restored
    }

    /// At most one instance of an app that has served is down; `restarting` is, for a moment.
    pub(super) fn require_capacity(&mut self, restarting: Option<&str>) {
        let mut down = self.taken_down.clone();
        down.extend(restarting.map(str::to_owned));
        for app in &self.host.apps {
            let releases = self.observation.releases(&app.name);
            // Instances of a release that is still to be proven do not start port by port.
            if releases.current.is_none() || releases.current != releases.proven {
                continue;
            }
            let own = self
                .host
                .instances()
                .iter()
                .filter(|i| i.app == app.name && i.sharing == 1);
            let units: Vec<&String> = own.map(|i| &i.unit).collect();
            let down: Vec<&&String> = units.iter().filter(|unit| down.contains(**unit)).collect();
            if units.len() >= 2 && down.len() > 1 {
                self.objections.push(format!("{down:?} are down at once"));
            }
        }
    }

    pub(super) fn prove(&mut self, change: &Move) {
        let is_selected = self.selected.get(&change.app) == Some(&change.release);
        self.require(is_selected, || {
            format!("{} is proven and not selected", change.release)
        });
        for instance in self.host.instances_of(&change.app) {
            self.require(self.up.contains(&instance.unit), || {
                format!("{} is proven without {}", change.release, instance.unit)
            });
        }
        self.proven.insert(change.app.clone());
    }

    pub(super) fn proxy(&mut self, unit: &str, verb: Verb) {
        let Some(proxy) = self.host.proxies.iter().find(|p| p.unit == unit) else {
            self.objections.push(format!("{unit} is no proxy"));
            return;
        };
        self.require(self.is_open(&proxy.socket), || {
            format!("{unit} starts before its socket")
        });
        let state = self.observation.unit(unit);
        let (then, now) = (
            self.observation.started.get(unit),
            self.observation.inputs.get(unit),
        );
        let is_active = state.is_active() && self.up.contains(unit);
        let is_new = then.is_some_and(|then| then.invocation != state.invocation);
        let is_restored = matches!(self.subject, Subject::RestoredProxies) && is_new;
        let is_same_input = then.map(|r| &r.inputs) == now.map(|r| &r.inputs);
        let is_same_configuration = then.map(|r| &r.configuration) == now.map(|r| &r.configuration);
        match verb {
            Verb::Reload => {
                self.require(is_active && !is_same_configuration, || {
                    format!("{unit} reloads")
                });
            }
            Verb::Restart if is_active => {
                self.require(!is_same_input || is_restored, || format!("{unit} restarts"));
            }
            _ => self.require(!is_active, || format!("{unit} starts, and is active")),
        }
        self.up.insert(unit.to_owned());
    }
}
