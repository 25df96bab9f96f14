//! Who this process is: everything about it that does not change while it
//! runs.

use std::path::PathBuf;
use std::process::id;

use hyper::header::HeaderValue;
use rustix::process::getppid;
use sysinfo::{CpuRefreshKind, RefreshKind, System};

use crate::settings::Mode;

/// The part a process has in the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The only process.
    Alone,
    /// One of a master's workers.
    Worker {
        /// How many workers there are.
        of: usize,
    },
}

/// Everything about a process that does not change while it runs.
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
    pub(crate) processors: usize,
    /// The instance, or mode and process id.
    pub(crate) name: String,
    /// The value of `x-served-by`: the name.
    pub(crate) served_by: HeaderValue,
}

impl Identity {
    /// Asks the system once.
    pub(crate) fn discover(role: Role) -> Self {
        let own_mode = match role {
            Role::Alone => Mode::Fork,
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
                // Under systemd's own cluster only systemd knows the number.
                Role::Alone => variable("GENCONF_WORKERS")
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
            processors: processors(),
        }
    }
}

/// A header value that lives as long as the process is the cheapest to copy.
fn served_by(name: &str) -> HeaderValue {
    match HeaderValue::from_str(name) {
        Ok(_) => HeaderValue::from_static(name.to_owned().leak()),
        Err(_) => HeaderValue::from(id()),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Processors of the host. Where `/proc/stat` is hidden (`ProcSubset=pid`,
/// `systemd.exec(5)`) those this process may use are the best answer left.
fn processors() -> usize {
    let kind = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
    match System::new_with_specifics(kind).map_or(0, |system| system.cpus().len()) {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        number => number,
    }
}
