//! The state of this host that plans are made from.

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use model::{HostSpec, Proxy};
use sha2::{Digest as _, Sha256};

use crate::files::{self, Root};
use crate::host::{Host, Instance};
use crate::listener::{self, Listener};
use crate::proxy::forwarder;
use crate::records::{Record, Records};
use crate::release::Store;
use crate::systemd::{States, Systemd, UnitState};

/// The state of this host at one moment. A query that failed is an error, never a state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observation {
    /// The described units and the unmanaged ones.
    pub(crate) units: States,
    /// Units of this project that are unmanaged, and are active or enabled.
    pub(crate) unmanaged: BTreeSet<String>,
    /// Sockets on which a process of this host listens.
    pub(crate) listeners: Vec<Listener>,
    /// Releases by app.
    pub(crate) apps: BTreeMap<String, Releases>,
    /// By unit: what it would start with now. Instances, sockets, proxies, and services to enable.
    pub(crate) inputs: BTreeMap<String, Record>,
    /// By unit: what it was started with.
    pub(crate) started: BTreeMap<String, Record>,
    /// By instance: the release that its process runs, if the kernel reports it.
    pub(crate) running: BTreeMap<String, String>,
    /// The spec that was in use before files of an unfinished run replaced it or, when they are restored,
    /// the spec of that run. It describes unmanaged units.
    pub(crate) previous: Option<HostSpec>,
}

/// The releases of one app.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Releases {
    /// The release that a unit would start.
    pub(crate) current: Option<String>,
    /// The release that last passed.
    pub(crate) proven: Option<String>,
    /// Releases that passed, oldest first.
    pub(crate) history: Vec<String>,
    /// All releases on this host.
    pub(crate) present: BTreeSet<String>,
}

impl Observation {
    /// The state of a unit; that of a unit without one if it was not queried.
    pub(crate) fn unit(&self, unit: &str) -> UnitState {
        self.units.get(unit).cloned().unwrap_or_default()
    }

    /// The release that the current process of an instance runs, as far as it is known.
    pub(crate) fn running_release(&self, unit: &str) -> Option<&str> {
        if let Some(release) = self.running.get(unit) {
            return Some(release);
        }
        let record = self.started.get(unit)?;
        let invocation = self.unit(unit).invocation;
        let is_recorded =
            record.invocation == invocation || record.restarted.as_ref() == Some(&invocation);
        record.release.as_deref().filter(|_| is_recorded)
    }

    /// The release that an instance runs, also if the kernel does not report it, as with the process of a container,
    /// and systemd has restarted it: then it is the current one, because
    /// [`Executor::record_releases`](crate::execution::Executor::record_releases) runs before that changes.
    pub(crate) fn assumed_release(&self, unit: &str) -> Option<&str> {
        let current = || {
            self.started.get(unit)?.release.as_ref()?;
            self.inputs.get(unit)?.release.as_deref()
        };
        self.running_release(unit).or_else(current)
    }

    /// Whether the current invocation may be of a start that was not seen to be healthy.
    pub(crate) fn is_unconfirmed(&self, unit: &str) -> bool {
        let started = self.started.get(unit);
        let before = started.and_then(|record| record.before_start.as_ref());
        before.is_some_and(|before| *before != self.unit(unit).invocation)
    }

    /// Whether a unit runs with other inputs than it would start with now. `None`: nothing is recorded.
    pub(crate) fn has_changed_inputs(&self, unit: &str) -> Option<bool> {
        let started = self.started.get(unit)?;
        let now = self.inputs.get(unit)?;
        Some(started.inputs != now.inputs)
    }

    /// Whether a socket unit is open at another address, or with other settings, than it would be now.
    pub(crate) fn has_moved(&self, socket: &str) -> bool {
        let state = self.unit(socket);
        state.is_active()
            && (self.has_changed_inputs(socket) == Some(true)
                || listener::is_lost(&self.listeners, &state.listen))
    }

    /// The releases of an app.
    pub(crate) fn releases(&self, app: &str) -> Releases {
        self.apps.get(app).cloned().unwrap_or_default()
    }
}

/// Where the state of a host is read from.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// Root of the file system.
    pub(crate) root: Root,
    /// `/proc`.
    pub(crate) proc: PathBuf,
}

impl Machine {
    /// This host.
    pub(crate) fn this() -> Self {
        Self {
            root: Root::system(),
            proc: PathBuf::from("/proc"),
        }
    }

    /// The releases of an app.
    pub(crate) fn store(&self, app_directory: &Path) -> Store {
        Store::new(&self.root.resolve(app_directory))
    }

    /// What running units were started with.
    pub(crate) fn records(&self, spec: &HostSpec) -> Result<Records, String> {
        let state = self.root.resolve(&spec.paths.state);
        Records::read(&state).map_err(|error| format!("{}: {error}", state.display()))
    }

    /// Observes the host.
    pub(crate) async fn observe<S: Systemd>(
        &self,
        host: &Host,
        systemd: &S,
    ) -> Result<Observation, String> {
        let described = host.units();
        let unmanaged = self.unmanaged(host, systemd, &described).await?;
        let names: Vec<String> = described.into_iter().collect();
        let mut units = systemd.states(&names).await.map_err(text)?;
        units.extend(unmanaged.clone());
        let mut observation = Observation {
            unmanaged: unmanaged.into_keys().collect(),
            listeners: listener::listeners(&self.proc).map_err(|e| format!("/proc/net: {e}"))?,
            previous: self.previous_spec(host)?,
            units,
            ..Observation::default()
        };
        for app in &host.apps {
            observation
                .apps
                .insert(app.name.clone(), self.releases(&app.directory)?);
        }
        self.observe_inputs(host, &mut observation)?;
        let records = self.records(host)?;
        let recorded = |unit: &String| Some((unit.clone(), records.get(unit)?.clone()));
        observation.started = observation.inputs.keys().filter_map(recorded).collect();
        Ok(observation)
    }

    fn releases(&self, directory: &Path) -> Result<Releases, String> {
        let store = self.store(directory);
        let read = || -> Result<Releases, crate::release::Error> {
            Ok(Releases {
                current: store.current()?,
                proven: store.proven()?,
                history: store.history()?,
                present: store.releases()?.into_iter().collect(),
            })
        };
        read().map_err(text)
    }

    fn previous_spec(&self, host: &Host) -> Result<Option<HostSpec>, String> {
        let previous = files::Previous::read(&self.root, &host.paths.state).map_err(text)?;
        let content = previous.content(&host.paths.spec).map_err(text)?;
        // A spec of another version describes nothing that this program understands.
        Ok(content.and_then(|text| HostSpec::from_json(&String::from_utf8_lossy(&text)).ok()))
    }

    fn observe_inputs(&self, host: &Host, observation: &mut Observation) -> Result<(), String> {
        for unit in recorded_units(host) {
            let state = observation.unit(&unit);
            let record = self.inputs_of(host, &unit, &state)?;
            if let Some(instance) = host.instance(&unit)
                && let Some(release) = self.running_release(host, instance, &state)
            {
                observation.running.insert(unit.clone(), release);
            }
            observation.inputs.insert(unit, record);
        }
        Ok(())
    }

    /// What a unit would start with now.
    pub(crate) fn inputs_of(
        &self,
        host: &Host,
        unit: &str,
        state: &UnitState,
    ) -> Result<Record, String> {
        if let Some(instance) = host.instance(unit) {
            return self.instance_inputs(host, state, instance);
        }
        if let Some(proxy) = host.proxies.iter().find(|p| p.unit == unit) {
            return self.proxy_inputs(proxy, state);
        }
        let mut inputs = self.inputs(state, None)?;
        if let Some(monitor) = host.monitor.as_ref().filter(|monitor| monitor.unit == unit) {
            // It runs this program, and reads its part of the spec.
            let program = self.content_digest(std::slice::from_ref(&host.paths.program))?;
            let spec = serde_json::to_vec(monitor).map_err(text)?;
            inputs = format!("{inputs} {program} {:x}", Sha256::digest(&spec));
        }
        Ok(Record {
            inputs,
            ..Record::default()
        })
    }

    fn instance_inputs(
        &self,
        host: &Host,
        state: &UnitState,
        instance: &Instance,
    ) -> Result<Record, String> {
        let release = match host.app(&instance.app) {
            Some(app) => self.store(&app.directory).current().map_err(text)?,
            None => None,
        };
        Ok(Record {
            inputs: self.inputs(state, host.env_file(&instance.app).as_deref())?,
            release,
            ..Record::default()
        })
    }

    fn proxy_inputs(&self, proxy: &Proxy, state: &UnitState) -> Result<Record, String> {
        let tls = proxy.tls.iter();
        let passed: Vec<PathBuf> = tls
            .flat_map(|tls| [tls.certificate.clone(), tls.key.clone()])
            .collect();
        let units = self.inputs(state, None)?;
        Ok(Record {
            inputs: format!("{units} {}", self.content_digest(&passed)?),
            configuration: self.configuration_digest(proxy)?,
            ..Record::default()
        })
    }

    /// What a proxy reads again with a reload.
    pub(crate) fn configuration_digest(&self, proxy: &Proxy) -> Result<String, String> {
        self.content_digest(std::slice::from_ref(&proxy.configuration))
    }

    fn inputs(&self, state: &UnitState, env_file: Option<&Path>) -> Result<String, String> {
        files::digest_of_inputs(&self.root, &state.files, env_file).map_err(text)
    }

    fn content_digest(&self, paths: &[PathBuf]) -> Result<String, String> {
        files::digest_of_content(&self.root, paths).map_err(text)
    }

    /// The release of a process: its executable or, for an interpreter, its working directory is in it.
    fn running_release(
        &self,
        host: &Host,
        instance: &Instance,
        state: &UnitState,
    ) -> Option<String> {
        let process = match state.main_pid {
            0 => return None,
            pid => self.proc.join(pid.to_string()),
        };
        let releases = host.app(&instance.app)?.directory.join("releases");
        ["exe", "cwd"].into_iter().find_map(|link| {
            let target = std::fs::read_link(process.join(link)).ok()?;
            let below = target.strip_prefix(&releases).ok()?;
            let release = below.components().next()?.as_os_str().to_str()?;
            Some(release.trim_end_matches(" (deleted)").to_owned())
        })
    }

    /// Units of this project that are unmanaged.
    async fn unmanaged<S: Systemd>(
        &self,
        host: &Host,
        systemd: &S,
        described: &BTreeSet<String>,
    ) -> Result<States, String> {
        let project = &host.project;
        let patterns = [format!("{project}-*"), format!("{project}.*")];
        let found = systemd.find(&patterns).await.map_err(text)?;
        let others: Vec<String> = found
            .into_iter()
            .filter(|unit| !described.contains(unit) && !unit.contains("@."))
            .collect();
        let states = systemd.states(&others).await.map_err(text)?;
        let belongs_to_project = |unit: &str, state: &UnitState| {
            let is_idle = state.is_stopped() && !state.is_enabled;
            !is_idle
                && (self.is_written_for(project, state)
                    || forwarder::is_forwarder_socket(project, unit))
        };
        let states = states.into_iter();
        Ok(states
            .filter(|(unit, state)| belongs_to_project(unit, state))
            .collect())
    }

    fn is_written_for(&self, project: &str, state: &UnitState) -> bool {
        state.files.iter().any(|file| {
            std::fs::read(self.root.resolve(file))
                .is_ok_and(|content| files::owner(&content) == Some(project))
        })
    }
}

/// The units whose inputs are recorded: instances, sockets, proxies, and services to enable.
fn recorded_units(host: &Host) -> BTreeSet<String> {
    let mut units = host.sockets();
    units.extend(host.instances().iter().map(|i| i.unit.clone()));
    units.extend(
        host.proxies
            .iter()
            .flat_map(|p| [p.unit.clone(), p.socket.clone()]),
    );
    let services = host
        .triggers
        .iter()
        .filter(|unit| unit.ends_with(".service"));
    units.extend(services.cloned());
    units
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
