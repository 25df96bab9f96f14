//! Plans: the steps from the state of this host to the desired state.
//!
//! A plan is made of a [`Host`](crate::host::Host) and an [`Observation`](crate::observation::Observation)
//! alone and is complete before its first step runs. `genconf-host plan` and `--check` print it.

mod instances;
mod needs;
mod ports;
mod proxies;
mod releases;
mod removal;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;

use model::Endpoint;

use crate::systemd::Verb;

pub(crate) use instances::{instances, restore};
pub(crate) use proxies::{proxies, restored_proxies};
pub(crate) use releases::{Move, moves_to, return_to};
pub(crate) use removal::{STOP_ORDER, removal};

/// One change of this host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    /// systemd reads its units again.
    ReloadManager,
    /// A request for units that are not instances in service.
    Units {
        /// The request.
        verb: Verb,
        /// The units.
        units: Vec<String>,
        /// Whether the step ends with the request or with its jobs.
        wait: Wait,
    },
    /// Enable units.
    Enable(Vec<String>),
    /// Disable units.
    Disable(Vec<String>),
    /// Wait until nobody listens at these addresses.
    AwaitClosed(Vec<Endpoint>),
    /// Open a socket.
    OpenSocket {
        /// The unit.
        socket: String,
        /// Where it listens.
        endpoint: Endpoint,
    },
    /// Fail if a process listens at the address that an app is about to bind.
    RequireFree {
        /// The unit of the app.
        unit: String,
        /// The address.
        endpoint: Endpoint,
    },
    /// Forward connections from an address that a socket has left until the proxies are updated.
    Forward {
        /// The socket unit.
        socket: String,
        /// The address that it has left.
        from: Endpoint,
        /// Its address.
        to: Endpoint,
    },
    /// Start or restart an instance, and wait until it is healthy.
    Instance {
        /// The unit.
        unit: String,
        /// Start or restart.
        verb: Verb,
    },
    /// Make a release the one that units start.
    Select(Move),
    /// Record that all instances run a release and are healthy.
    Prove(Move),
    /// Fail if a proxy is down and something else responds at its status page.
    RequireOwnStatus(String),
    /// Start, restart, or reload a proxy, and wait until its status page responds.
    Proxy {
        /// The unit.
        unit: String,
        /// The request.
        verb: Verb,
    },
    /// Set a kernel setting of a proxy.
    KernelSettings {
        /// The unit of the proxy.
        unit: String,
        /// The file with the settings.
        file: PathBuf,
    },
    /// Record what units run with.
    Adopt(Vec<String>),
    /// Remove a file.
    Remove(PathBuf),
}

/// When a request for units ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wait {
    /// With its jobs.
    Done,
    /// At once.
    No,
}

impl Step {
    /// A request that ends with its jobs.
    pub(crate) fn units(verb: Verb, units: impl IntoIterator<Item = String>) -> Self {
        Self::Units {
            verb,
            units: units.into_iter().collect(),
            wait: Wait::Done,
        }
    }

    /// Whether the step changes what a user sees of the host. The others record or check.
    pub(crate) fn is_change(&self) -> bool {
        match self {
            Self::ReloadManager
            | Self::AwaitClosed(_)
            | Self::RequireFree { .. }
            | Self::Prove(_)
            | Self::RequireOwnStatus(_)
            | Self::KernelSettings { .. }
            | Self::Adopt(_) => false,
            Self::Select(change) => change.previous.as_ref() != Some(&change.release),
            _ => true,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReloadManager => f.write_str("daemon-reload"),
            Self::Units { verb, units, .. } => write!(f, "{verb} {}", units.join(" ")),
            Self::Enable(units) => write!(f, "enable {}", units.join(" ")),
            Self::Disable(units) => write!(f, "disable {}", units.join(" ")),
            Self::AwaitClosed(endpoints) => write!(f, "wait until {} is free", list(endpoints)),
            Self::OpenSocket { socket, .. } => write!(f, "start {socket}"),
            Self::RequireFree { endpoint, .. } => write!(f, "check that {endpoint} is free"),
            Self::Forward { from, to, .. } => {
                write!(f, "forward {from} to {to} until the proxies use it")
            }
            Self::Instance { unit, verb } | Self::Proxy { unit, verb } => {
                write!(f, "{verb} {unit}")
            }
            Self::Select(Move { app, release, .. }) => write!(f, "{app}: release {release}"),
            Self::Prove(Move { app, release, .. }) => {
                write!(f, "{app}: record release {release} as healthy")
            }
            Self::RequireOwnStatus(unit) => write!(f, "check the status page of {unit}"),
            Self::KernelSettings { file, .. } => write!(f, "apply {}", file.display()),
            Self::Adopt(units) => write!(f, "record {}", units.join(" ")),
            Self::Remove(path) => write!(f, "remove {}", path.display()),
        }
    }
}

fn list(endpoints: &[Endpoint]) -> String {
    let endpoints: Vec<String> = endpoints.iter().map(ToString::to_string).collect();
    endpoints.join(", ")
}
