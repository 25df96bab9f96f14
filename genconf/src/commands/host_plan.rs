//! The steps on one host from the rendered files on disk to the topology.

use std::collections::BTreeSet;
use std::fmt;

use super::rendered_state::RenderedState;
use crate::layout::{Host, HostListener, HostPool, HostProxy};

/// A step on a host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Step {
    /// `+`, `~`, or `-`, and a verb: `+ start`.
    pub(super) action: String,
    /// Units, files, or a remark.
    pub(super) object: String,
}

impl Step {
    /// A step.
    pub(super) fn new(action: &str, object: &str) -> Self {
        Self {
            action: action.to_owned(),
            object: object.to_owned(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<12}{}", self.action, self.object)
    }
}

/// Collects the steps of one host.
pub(super) struct UnitChanges<'p> {
    host: &'p Host,
    before: &'p RenderedState,
    /// Paths of rendered files that change or go.
    changed: &'p BTreeSet<String>,
    steps: Vec<Step>,
    /// Unit files that a step covers.
    covered: BTreeSet<String>,
    /// Units of the topology.
    desired: BTreeSet<String>,
}

impl<'p> UnitChanges<'p> {
    /// Compares `before` with `host`.
    pub(super) fn new(
        host: &'p Host,
        before: &'p RenderedState,
        changed: &'p BTreeSet<String>,
    ) -> Self {
        Self {
            host,
            before,
            changed,
            steps: Vec::new(),
            covered: BTreeSet::new(),
            desired: BTreeSet::new(),
        }
    }

    /// The steps.
    pub(super) fn steps(mut self) -> Vec<Step> {
        self.address();
        for pool in &self.host.pools {
            for listener in &pool.listeners {
                self.listener(pool, listener);
            }
        }
        for proxy in &self.host.proxies {
            self.proxy(proxy);
        }
        self.monitor();
        self.other_files();
        self.removed();
        self.steps
    }

    fn step(&mut self, verb: &str, object: &str) {
        self.steps.push(Step::new(verb, object));
    }

    fn address(&mut self) {
        let new = &self.host.address;
        if let Some(old) = self.before.address.as_ref().filter(|old| *old != new) {
            let text = format!("{new} instead of {old}; another machine is set up from the start");
            self.step("~ address", &text);
        }
    }

    fn listener(&mut self, pool: &HostPool, listener: &HostListener) {
        let service = service_file(listener);
        let added = self.added(listener);
        if !added.is_empty() {
            self.step("+ start", &added.join(" "));
            let files = [unit_file(&listener.socket), pool.target.clone()];
            self.covered.extend(files);
        }
        self.resize(listener);
        if self.runs(listener) {
            self.restart(listener, &service);
        }
        self.covered.insert(service);
        self.add_desired(listener);
    }

    /// Units of `listener` that `before` does not have.
    fn added(&self, listener: &HostListener) -> Vec<String> {
        let prefix = &listener.service_prefix;
        let sized_by_host = self.before.is_sized_by_host(prefix);
        let is_new = |unit: &&String| !self.before.units.contains(*unit);
        let socket = Some(&listener.socket).filter(|s| !s.is_empty());
        let services = listener.services.iter().filter(|_| !sized_by_host);
        let mut added: Vec<String> = socket
            .into_iter()
            .chain(services)
            .filter(is_new)
            .cloned()
            .collect();
        if listener.services.is_empty() && !self.before.has_workers(prefix) {
            added.push(format!("{prefix}*"));
        }
        added
    }

    /// Whether some of the services of `listener` run already.
    fn runs(&self, listener: &HostListener) -> bool {
        let prefix = &listener.service_prefix;
        let mut listed = listener.services.iter();
        listed.any(|unit| self.before.units.contains(unit))
            || (!prefix.is_empty() && self.before.has_workers(prefix))
    }

    /// A change between a listed number of workers and `workers: max`; the workers keep running.
    fn resize(&mut self, listener: &HostListener) {
        let prefix = &listener.service_prefix;
        let listed_before = self.before.listed(prefix).count();
        let (old, new) = match (
            listener.services.len(),
            self.before.is_sized_by_host(prefix),
        ) {
            _ if prefix.is_empty() => return,
            (0, false) if listed_before > 0 => (listed_before.to_string(), PER_CPU.to_owned()),
            (new, true) if new > 0 => (PER_CPU.to_owned(), new.to_string()),
            _ => return,
        };
        self.step("~ resize", &format!("{prefix}* from {old} to {new}"));
    }

    /// Restarts, or another address of the socket.
    fn restart(&mut self, listener: &HostListener, service: &str) {
        let socket = unit_file(&listener.socket);
        let dropin = format!("systemd/hosts/{}/{socket}.d/", self.host.name);
        let moved = !socket.is_empty()
            && (self.is_changed(&socket) || self.changed.iter().any(|c| c.starts_with(&dropin)));
        if moved {
            self.covered.insert(socket);
            self.rebind(&listener.socket);
        } else if self.is_changed(service) {
            let name = match listener.services.as_slice() {
                [one] => one.clone(),
                _ => format!("{}*", listener.service_prefix),
            };
            self.step("~ restart", &name);
        }
    }

    fn rebind(&mut self, socket: &str) {
        self.step(
            "~ rebind",
            &format!("{socket} (the port is closed until it is bound again)"),
        );
    }

    fn add_desired(&mut self, listener: &HostListener) {
        let prefix = &listener.service_prefix;
        let listed = listener.services.iter().cloned();
        self.desired
            .extend(listed.chain([listener.socket.clone(), prefix.clone()]));
        if listener.services.is_empty() {
            let stay: Vec<_> = self.before.listed(prefix).cloned().collect();
            self.desired.extend(stay);
        }
    }

    fn proxy(&mut self, proxy: &HostProxy) {
        if !self.before.units.contains(&proxy.socket) {
            self.step("+ start", &format!("{} {}", proxy.socket, proxy.unit));
        } else if self.is_changed(&proxy.socket) {
            self.rebind(&proxy.socket);
        } else if self.is_changed(&proxy.unit) {
            self.step("~ restart", &proxy.unit);
        } else if self.changed.contains(&proxy.config) {
            self.step("~ reload", &proxy.unit);
        }
        for file in proxy
            .extra_files
            .iter()
            .filter(|f| f.kind == "kernel_settings")
        {
            if self.changed.contains(&file.source) {
                self.step("~ apply", &file.destination);
            }
        }
        let units = [proxy.unit.clone(), proxy.socket.clone()];
        self.covered.extend(units.clone());
        self.desired.extend(units);
    }

    /// The monitor reads its unit and its part of the spec when it starts.
    fn monitor(&mut self) {
        let Some(monitor) = &self.host.spec.monitor else {
            return;
        };
        let is_changed =
            self.is_changed(&monitor.unit) || self.before.monitor.as_ref() != Some(monitor);
        if !self.before.files.contains(&monitor.unit) {
            self.step("+ start", &monitor.unit);
        } else if is_changed {
            self.step("~ restart", &monitor.unit);
        }
        self.covered.insert(monitor.unit.clone());
        self.desired.insert(monitor.unit.clone());
    }

    /// Unit files that no step covers: timers, path units, targets.
    fn other_files(&mut self) {
        let uncovered = self
            .host
            .units
            .iter()
            .filter(|f| !self.covered.contains(*f));
        let (old, new): (Vec<&String>, Vec<&String>) =
            uncovered.partition(|f| self.before.files.contains(*f));
        let replaced: Vec<&String> = old.into_iter().filter(|f| self.is_changed(f)).collect();
        for (verb, files) in [("+ add", new), ("~ replace", replaced)] {
            if !files.is_empty() {
                let names: Vec<&str> = files.into_iter().map(String::as_str).collect();
                self.step(verb, &names.join(" "));
            }
        }
    }

    /// Units that the topology does not have.
    fn removed(&mut self) {
        let units = self.before.units.iter();
        let units = units.filter(|u| !self.desired.contains(*u));
        let stays = |file: &&String| !self.host.units.contains(*file) && !file.contains("@.");
        let files = self.before.files.iter().filter(stays);
        let names: BTreeSet<&String> = units.chain(files).collect();
        if !names.is_empty() {
            let names = names.into_iter().map(|unit| pattern(unit));
            self.step("- remove", &names.collect::<Vec<_>>().join(" "));
        }
    }

    fn is_changed(&self, unit_file: &str) -> bool {
        self.changed.contains(&format!("systemd/{unit_file}"))
    }
}

/// The number of workers where the host sets it.
const PER_CPU: &str = "one for each CPU";

/// A pattern for all workers where only their prefix is known.
fn pattern(unit: &str) -> String {
    let all = if unit.ends_with('@') { "*" } else { "" };
    format!("{unit}{all}")
}

/// The file of the services of a listener.
fn service_file(listener: &HostListener) -> String {
    let sized_by_host = format!("{}.service", listener.service_prefix);
    unit_file(listener.services.first().unwrap_or(&sized_by_host))
}

/// The file of a unit: of an instance its template, `randoms-spread@.service`.
fn unit_file(unit: &str) -> String {
    match (unit.split_once('@'), unit.rsplit_once('.')) {
        (Some((stem, _)), Some((_, kind))) => format!("{stem}@.{kind}"),
        _ => unit.to_owned(),
    }
}
