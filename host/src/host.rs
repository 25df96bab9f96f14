//! The instances of this host.

#[cfg(test)]
pub(crate) mod fixture;

use std::collections::BTreeSet;
use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use model::{App, Endpoint, HealthCheck, HostSpec, Services};

/// One service unit of a pool.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Instance {
    /// Service unit.
    pub(crate) unit: String,
    /// Socket unit that systemd passes to it; `None` if the app binds its port.
    pub(crate) socket: Option<String>,
    /// Name of its pool.
    pub(crate) pool: String,
    /// Name of its app.
    pub(crate) app: String,
    /// Where it is reached.
    pub(crate) endpoint: Endpoint,
    /// What an app that binds its port binds.
    pub(crate) bind: Endpoint,
    /// Its health check.
    pub(crate) check: HealthCheck,
    /// Number of instances behind the same socket, itself included.
    pub(crate) sharing: usize,
}

/// The desired state of this host, with the number of its instances.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    spec: HostSpec,
    instances: Vec<Instance>,
}

impl Deref for Host {
    type Target = HostSpec;

    fn deref(&self) -> &HostSpec {
        &self.spec
    }
}

impl Host {
    /// `cpus`: the number of CPUs that this host may use.
    pub(crate) fn new(spec: HostSpec, cpus: usize) -> Self {
        let instances = instances(&spec, cpus);
        Self { spec, instances }
    }

    /// The desired state, as it is rendered.
    pub(crate) fn spec(&self) -> &HostSpec {
        &self.spec
    }

    /// All instances, in the order in which they restart.
    pub(crate) fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// The instance of a service unit.
    pub(crate) fn instance(&self, unit: &str) -> Option<&Instance> {
        self.instances.iter().find(|i| i.unit == unit)
    }

    /// The instances of an app. Those with their own port come first: behind a shared port, an
    /// instance of the previous release may answer the health check of one that fails.
    pub(crate) fn instances_of(&self, app: &str) -> Vec<&Instance> {
        let mut own: Vec<_> = self.instances.iter().filter(|i| i.app == app).collect();
        own.sort_by_key(|i| i.sharing > 1);
        own
    }

    /// Socket units of pools.
    pub(crate) fn sockets(&self) -> BTreeSet<String> {
        self.instances
            .iter()
            .filter_map(|i| i.socket.clone())
            .collect()
    }

    /// The units that may be active on this host, without templates.
    pub(crate) fn units(&self) -> BTreeSet<String> {
        let mut units = BTreeSet::from([self.target.clone(), self.slice.clone()]);
        units.extend(self.instances.iter().map(|i| i.unit.clone()));
        units.extend(self.sockets());
        units.extend(self.pools.iter().map(|p| p.target.clone()));
        for proxy in &self.proxies {
            units.extend([proxy.unit.clone(), proxy.socket.clone()]);
        }
        units.extend(self.triggers.iter().cloned());
        units.extend(self.installed_units());
        units
    }

    /// Unit files of this host, without templates.
    fn installed_units(&self) -> impl Iterator<Item = String> {
        self.files.iter().filter_map(|file| {
            let directory = file.destination.parent()?;
            let name = file.destination.file_name()?.to_str()?;
            let is_unit = directory == std::path::Path::new(crate::files::UNITS);
            (is_unit && !name.contains("@.")).then(|| name.to_owned())
        })
    }

    /// The file of environment variables of an app.
    pub(crate) fn env_file(&self, app: &str) -> Option<PathBuf> {
        let file = self.app(app)?.env_file.as_ref()?;
        Some(file.destination.clone())
    }

    /// Time that an instance of `app` has to become healthy.
    pub(crate) fn ready_timeout(&self, app: &str) -> Duration {
        self.timeout(app, |app| app.ready_timeout_ms)
    }

    /// Time that an instance of `app` has to stop.
    pub(crate) fn stop_timeout(&self, app: &str) -> Duration {
        self.timeout(app, |app| app.stop_timeout_ms)
    }

    fn timeout(&self, app: &str, pick: fn(&App) -> u64) -> Duration {
        Duration::from_millis(self.app(app).map_or(0, pick))
    }
}

/// The number of CPUs that this process may use, which in a container can be fewer than the host has.
pub(crate) fn available_cpus() -> usize {
    let set = rustix::thread::sched_getaffinity(None);
    set.map_or(1, |set| usize::try_from(set.count()).unwrap_or(1))
        .max(1)
}

fn instances(spec: &HostSpec, cpus: usize) -> Vec<Instance> {
    let mut instances = Vec::new();
    for pool in &spec.pools {
        for listener in &pool.listeners {
            let units = match &listener.services {
                Services::Units(units) => units.clone(),
                Services::PerCpu { prefix } => (1..=cpus)
                    .map(|number| format!("{prefix}{number}.service"))
                    .collect(),
            };
            let sharing = units.len();
            instances.extend(units.into_iter().map(|unit| Instance {
                unit,
                socket: listener.socket.clone(),
                pool: pool.name.clone(),
                app: pool.app.clone(),
                endpoint: listener.endpoint.clone(),
                bind: listener.bind.clone(),
                check: listener.check.clone(),
                sharing,
            }));
        }
    }
    instances
}
