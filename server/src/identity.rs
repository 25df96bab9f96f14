//! The identity of this process: properties that do not change while it runs.

use std::path::PathBuf;
use std::process::id;

use hyper::header::HeaderValue;
use rustix::process::getppid;
use sysinfo::{CpuRefreshKind, RefreshKind, System};

use crate::settings::Mode;

/// The role of a process in the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The only process.
    Single,
    /// A worker of a cluster.
    Worker {
        /// Number of workers in the cluster.
        of: usize,
    },
}

/// Properties of a process that do not change while it runs.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) mode: String,
    pub(crate) instance: Option<String>,
    pub(crate) workers: usize,
    pub(crate) pid: u32,
    pub(crate) parent: Option<i32>,
    pub(crate) arguments: Vec<String>,
    pub(crate) executable: PathBuf,
    pub(crate) directory: PathBuf,
    pub(crate) cpus: usize,
    /// The instance, or the mode and process ID.
    pub(crate) name: String,
    /// The value of `x-served-by`: the name.
    pub(crate) served_by: HeaderValue,
}

impl Identity {
    /// Reads the properties from the environment and the system.
    pub(crate) fn read(role: Role) -> Self {
        let own_mode = match role {
            Role::Single => Mode::Fork,
            Role::Worker { .. } => Mode::Cluster,
        };
        let mode = variable("GENCONF_MODE").unwrap_or_else(|| own_mode.to_string());
        let instance = variable("GENCONF_INSTANCE");
        let name = instance
            .clone()
            .unwrap_or_else(|| format!("{mode}-{}", id()));
        Self {
            served_by: served_by(&name),
            name,
            mode,
            instance,
            workers: match role {
                // In a cluster of systemd instances, the unit sets the number.
                Role::Single => variable("GENCONF_WORKERS")
                    .and_then(|number| number.parse().ok())
                    .unwrap_or(1),
                Role::Worker { of } => of,
            },
            pid: id(),
            parent: getppid().map(|pid| pid.as_raw_nonzero().get()),
            arguments: std::env::args_os()
                .skip(1)
                .map(|argument| argument.to_string_lossy().into_owned())
                .collect(),
            executable: std::env::current_exe().unwrap_or_default(),
            directory: std::env::current_dir().unwrap_or_default(),
            cpus: cpus(),
        }
    }
}

/// Returns a static header value, which is cheap to clone.
fn served_by(name: &str) -> HeaderValue {
    match HeaderValue::from_str(name) {
        Ok(_) => HeaderValue::from_static(name.to_owned().leak()),
        Err(_) => HeaderValue::from(id()),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the number of CPUs of the host. If `/proc/stat` is hidden
/// (`ProcSubset=pid`, `systemd.exec(5)`), returns the CPUs available to this process.
fn cpus() -> usize {
    let kind = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
    match System::new_with_specifics(kind).map_or(0, |system| system.cpus().len()) {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        number => number,
    }
}
