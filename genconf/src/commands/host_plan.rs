//! What applying a topology would do on one host.

use std::collections::BTreeSet;

use super::former::Former;
use crate::layout::{Host, HostListener, HostPool, HostProxy};

/// One host, while what is done there is put together.
pub(super) struct HostPlan<'p> {
    host: &'p Host,
    former: &'p Former,
    /// Paths of the bundle at which there will be something else, or nothing.
    changed: &'p BTreeSet<String>,
    steps: Vec<String>,
    /// Unit files that a step speaks of.
    told: BTreeSet<String>,
    /// Units that are to be there.
    described: BTreeSet<String>,
}

impl<'p> HostPlan<'p> {
    /// What turns `former` into `host`.
    pub(super) fn new(host: &'p Host, former: &'p Former, changed: &'p BTreeSet<String>) -> Self {
        Self {
            host,
            former,
            changed,
            steps: Vec::new(),
            told: BTreeSet::new(),
            described: BTreeSet::new(),
        }
    }

    /// Each step, as a line.
    pub(super) fn steps(mut self) -> Vec<String> {
        self.address();
        for pool in &self.host.pools {
            for listener in &pool.listeners {
                self.listener(pool, listener);
            }
        }
        for proxy in &self.host.proxies {
            self.proxy(proxy);
        }
        self.other_files();
        self.gone();
        self.steps
    }

    fn step(&mut self, verb: &str, what: &str) {
        self.steps.push(format!("{verb:<12}{what}"));
    }

    fn address(&mut self) {
        let (old, new) = (&self.former.address, &self.host.address);
        if old != new {
            let said = format!("{new} instead of {old}; on another machine everything is set up");
            self.step("~ address", &said);
        }
    }

    fn listener(&mut self, pool: &HostPool, listener: &HostListener) {
        let service = service_file(listener);
        let fresh = self.fresh(listener);
        if !fresh.is_empty() {
            self.step("+ start", &fresh.join(" "));
            let files = [unit_file(&listener.socket), pool.target.clone()];
            self.told.extend(files);
        }
        self.resize(listener);
        if self.runs(listener) {
            self.renew(listener, &service);
        }
        self.told.insert(service);
        self.describe(listener);
    }

    /// Units of `listener` that are not there yet.
    fn fresh(&self, listener: &HostListener) -> Vec<String> {
        let prefix = &listener.service_prefix;
        let uncounted = self.former.has_uncounted(prefix);
        let is_new = |unit: &&String| !self.former.units.contains(*unit);
        let socket = Some(&listener.socket).filter(|s| !s.is_empty());
        let services = listener.services.iter().filter(|_| !uncounted);
        let mut fresh: Vec<String> = socket
            .into_iter()
            .chain(services)
            .filter(is_new)
            .cloned()
            .collect();
        if listener.services.is_empty() && !self.former.has_workers(prefix) {
            fresh.push(format!("{prefix}*"));
        }
        fresh
    }

    /// Whether some of the services of `listener` run already.
    fn runs(&self, listener: &HostListener) -> bool {
        let prefix = &listener.service_prefix;
        let mut listed = listener.services.iter();
        listed.any(|unit| self.former.units.contains(unit))
            || (!prefix.is_empty() && self.former.has_workers(prefix))
    }

    /// Workers that were counted and are not, or the other way round: they run already.
    fn resize(&mut self, listener: &HostListener) {
        let prefix = &listener.service_prefix;
        let counted = self.former.counted(prefix).count();
        let (old, new) = match (listener.services.len(), self.former.has_uncounted(prefix)) {
            _ if prefix.is_empty() => return,
            (0, false) if counted > 0 => (counted.to_string(), EACH.to_owned()),
            (new, true) if new > 0 => (EACH.to_owned(), new.to_string()),
            _ => return,
        };
        self.step("~ resize", &format!("{prefix}* from {old} to {new}"));
    }

    /// What becomes of the instances that run already.
    fn renew(&mut self, listener: &HostListener, service: &str) {
        let socket = unit_file(&listener.socket);
        let dropin = format!("systemd/hosts/{}/{socket}.d/", self.host.name);
        let moved = !socket.is_empty()
            && (self.is_changed(&socket) || self.changed.iter().any(|c| c.starts_with(&dropin)));
        if moved {
            self.told.insert(socket);
            self.reopen(&listener.socket);
        } else if self.is_changed(service) {
            let name = match listener.services.as_slice() {
                [one] => one.clone(),
                _ => format!("{}*", listener.service_prefix),
            };
            self.step("~ restart", &name);
        }
    }

    fn reopen(&mut self, socket: &str) {
        self.step(
            "~ re-open",
            &format!("{socket} (its port is closed for a moment)"),
        );
    }

    fn describe(&mut self, listener: &HostListener) {
        let prefix = &listener.service_prefix;
        let listed = listener.services.iter().cloned();
        self.described
            .extend(listed.chain([listener.socket.clone(), prefix.clone()]));
        if listener.services.is_empty() {
            let stay: Vec<_> = self.former.counted(prefix).cloned().collect();
            self.described.extend(stay);
        }
    }

    fn proxy(&mut self, proxy: &HostProxy) {
        if !self.former.units.contains(&proxy.socket) {
            self.step("+ start", &format!("{} {}", proxy.socket, proxy.unit));
        } else if self.is_changed(&proxy.socket) {
            self.reopen(&proxy.socket);
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
        self.told.extend(units.clone());
        self.described.extend(units);
    }

    /// Unit files that no step spoke of: timers, probes, targets.
    fn other_files(&mut self) {
        let untold = self.host.units.iter().filter(|f| !self.told.contains(*f));
        let (old, new): (Vec<&String>, Vec<&String>) =
            untold.partition(|f| self.former.files.contains(*f));
        let replaced: Vec<&String> = old.into_iter().filter(|f| self.is_changed(f)).collect();
        for (verb, files) in [("+ add", new), ("~ replace", replaced)] {
            if !files.is_empty() {
                let names: Vec<&str> = files.into_iter().map(String::as_str).collect();
                self.step(verb, &names.join(" "));
            }
        }
    }

    /// What nothing describes any more.
    fn gone(&mut self) {
        let units = self.former.units.iter();
        let units = units.filter(|u| !self.described.contains(*u));
        let stays = |file: &&String| !self.host.units.contains(*file) && !file.contains("@.");
        let files = self.former.files.iter().filter(stays);
        let names: BTreeSet<&String> = units.chain(files).collect();
        if !names.is_empty() {
            let names = names.into_iter().map(|unit| whole(unit));
            self.step("- remove", &names.collect::<Vec<_>>().join(" "));
        }
    }

    fn is_changed(&self, unit_file: &str) -> bool {
        self.changed.contains(&format!("systemd/{unit_file}"))
    }
}

/// How many workers there are where only the host counts them.
const EACH: &str = "one for each processor";

/// All workers where only what their number follows is known.
fn whole(unit: &str) -> String {
    let all = if unit.ends_with('@') { "*" } else { "" };
    format!("{unit}{all}")
}

/// The file of the services of a listener.
fn service_file(listener: &HostListener) -> String {
    let uncounted = format!("{}.service", listener.service_prefix);
    unit_file(listener.services.first().unwrap_or(&uncounted))
}

/// The file of a unit: of an instance its template, `randoms-spread@.service`.
fn unit_file(unit: &str) -> String {
    match (unit.split_once('@'), unit.rsplit_once('.')) {
        (Some((stem, _)), Some((_, kind))) => format!("{stem}@.{kind}"),
        _ => unit.to_owned(),
    }
}
