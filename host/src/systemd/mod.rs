//! Queries and requests to the service manager.

mod bus;
#[cfg(test)]
pub(crate) mod fake;
mod journal;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};

use model::Endpoint;

pub(crate) use bus::Bus;

/// A query or request that failed. The state of the unit is unknown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Error {
    /// The method or property.
    pub(crate) request: String,
    /// Why it failed.
    pub(crate) reason: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "systemd: {}: {}", self.request, self.reason)
    }
}

/// The state of a unit (`ActiveState`, org.freedesktop.systemd1(5)).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Activity {
    /// Active or reloading: for `Type=notify`, ready.
    Active,
    /// Being started, or waiting for a restart by systemd.
    Activating,
    /// Being stopped.
    Deactivating,
    /// Stopped after a failure.
    Failed,
    /// Not started.
    #[default]
    Inactive,
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Activating => "activating",
            Self::Deactivating => "deactivating",
            Self::Failed => "failed",
            Self::Inactive => "inactive",
        })
    }
}

/// What systemd reports of one unit. A unit that does not exist is [`Activity::Inactive`].
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct UnitState {
    pub(crate) activity: Activity,
    /// `SubState`: `running`, `auto-restart`.
    pub(crate) sub_state: String,
    /// Whether it starts at boot, alone or with a unit that does.
    pub(crate) is_enabled: bool,
    /// Its unit file and drop-ins in the directories of [`ADMINISTRATOR_DIRECTORIES`].
    pub(crate) files: Vec<PathBuf>,
    /// `InvocationID` in hexadecimal; empty if it has not run.
    pub(crate) invocation: String,
    /// Whether one of its files changed since systemd read it.
    pub(crate) needs_reload: bool,
    /// Whether systemd waits for `READY=1` of the service (`Type=notify`, `notify-reload`).
    pub(crate) notifies: bool,
    /// `Result` of a service: `exit-code`, `signal`, `timeout`.
    pub(crate) result: String,
    /// Main process of a service; 0 if none.
    pub(crate) main_pid: u32,
    /// Restarts of a service by systemd since it was last started by a request.
    pub(crate) restarts: u32,
    /// How the main process of a service ended: `CLD_EXITED` (1) or a signal (waitid(2)), and the status.
    pub(crate) exit: Exit,
    /// When it became active, in microseconds on `CLOCK_MONOTONIC`; 0 for never.
    pub(crate) active_since_us: u64,
    /// Memory of a service in bytes, if systemd accounts for it.
    pub(crate) memory: Option<u64>,
    /// Where a socket listens.
    pub(crate) listen: Vec<Endpoint>,
    /// Services that a socket starts or that require it.
    pub(crate) triggers: Vec<String>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Exit {
    /// `si_code` of waitid(2): 1 for an exit, others for signals.
    pub(crate) code: i32,
    /// Exit status or signal number.
    pub(crate) status: i32,
}

/// Where genconf and administrators install units and drop-ins. Files elsewhere belong to packages and
/// generators; in some containers a drop-in in /run is written again at each daemon-reload.
pub(crate) const ADMINISTRATOR_DIRECTORIES: [&str; 2] =
    ["/etc/systemd/system", "/usr/local/lib/systemd/system"];

/// Whether a file is in one of [`ADMINISTRATOR_DIRECTORIES`].
pub(crate) fn is_administrators(file: &Path) -> bool {
    let directories = ADMINISTRATOR_DIRECTORIES.iter();
    directories.into_iter().any(|d| file.starts_with(d))
}

impl UnitState {
    /// Whether it is active.
    pub(crate) fn is_active(&self) -> bool {
        self.activity == Activity::Active
    }

    /// Whether it is neither active nor being started or stopped.
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.activity, Activity::Inactive | Activity::Failed)
    }

    /// Whether systemd waits before it starts the service again.
    pub(crate) fn awaits_restart(&self) -> bool {
        self.sub_state.starts_with("auto-restart")
    }

    /// Whether it serves nothing, and will not without a request or a wait.
    pub(crate) fn is_down(&self) -> bool {
        self.is_stopped() || self.awaits_restart()
    }

    /// Whether the service has sent `READY=1`.
    pub(crate) fn is_ready_by_notification(&self) -> bool {
        self.is_active() && self.notifies
    }

    /// How it ended, in one phrase.
    pub(crate) fn ending(&self) -> String {
        let result = if self.result.is_empty() {
            "unknown"
        } else {
            &self.result
        };
        let exit = match self.exit {
            Exit { status: 0, .. } => String::new(),
            // CLD_EXITED, waitid(2).
            Exit { code: 1, status } => format!(", exit status {status}"),
            Exit { status, .. } => format!(", signal {status}"),
        };
        format!(
            "{} ({}), result {result}{exit}",
            self.activity, self.sub_state
        )
    }
}

/// What is requested for units.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Verb {
    /// Start.
    Start,
    /// Stop, with the units that require it.
    Stop,
    /// Stop a socket without the services that require it: they accept what waits in its queue
    /// (`--job-mode=ignore-requirements`, systemctl(1)).
    StopAlone,
    /// Restart, or start.
    Restart,
    /// Reload the configuration.
    Reload,
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::Stop | Self::StopAlone => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
        })
    }
}

/// A unit that exists until it stops (systemd-run(1)).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Transient {
    /// Its name, with or without a suffix.
    pub(crate) unit: String,
    /// Options of systemd-run(1).
    pub(crate) options: Vec<String>,
    /// The command.
    pub(crate) command: Vec<String>,
}

/// States of units by name.
pub(crate) type States = BTreeMap<String, UnitState>;

/// The service manager (org.freedesktop.systemd1(5)) and its journal.
pub(crate) trait Systemd {
    /// The activity of units: one request, for the monitor.
    fn activity(
        &self,
        units: &[String],
    ) -> impl Future<Output = Result<BTreeMap<String, Activity>, Error>> + Send;

    /// When the main process of a service started, in microseconds on `CLOCK_MONOTONIC`.
    fn started_at_us(&self, service: &str) -> impl Future<Output = Result<u64, Error>> + Send;

    /// The address at which a socket listens now; `None` if it has none.
    fn listen(&self, socket: &str) -> impl Future<Output = Result<Option<Endpoint>, Error>> + Send;

    /// Sends SIGKILL to all processes of a service.
    fn kill(&self, service: &str) -> impl Future<Output = Result<(), Error>> + Send;

    /// The states of units. Each of `units` is a key of the result.
    fn states(&self, units: &[String]) -> impl Future<Output = Result<States, Error>> + Send;

    /// Units whose names match one of the patterns (glob(7)): those in memory, and those with a unit
    /// file.
    fn find(
        &self,
        patterns: &[String],
    ) -> impl Future<Output = Result<BTreeSet<String>, Error>> + Send;

    /// Requests jobs and waits until they are done. A job with another result is an error.
    fn run(&self, verb: Verb, units: &[String]) -> impl Future<Output = Result<(), Error>> + Send;

    /// Requests jobs and does not wait.
    fn request(
        &self,
        verb: Verb,
        units: &[String],
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Enables units.
    fn enable(&self, units: &[String]) -> impl Future<Output = Result<(), Error>> + Send;

    /// Disables units.
    fn disable(&self, units: &[String]) -> impl Future<Output = Result<(), Error>> + Send;

    /// Resets the failed state and the number of restarts of a unit. A unit that is not loaded has neither.
    fn reset_failed(&self, unit: &str) -> impl Future<Output = Result<(), Error>> + Send;

    /// Reads all units again (daemon-reload).
    fn reload_manager(&self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Starts a transient unit.
    fn start_transient(&self, unit: &Transient) -> impl Future<Output = Result<(), Error>> + Send;

    /// The last log lines of one invocation of a unit.
    fn log(
        &self,
        unit: &str,
        invocation: &str,
        lines: usize,
    ) -> impl Future<Output = Vec<String>> + Send;

    /// How the first run of a service that ended after `after_us` (`CLOCK_MONOTONIC`) ended, as systemd
    /// logged it, other than the run `except`: `Main process exited, code=exited, status=7/NOTRUNNING`.
    fn exit_message(
        &self,
        service: &str,
        after_us: u64,
        except: &str,
    ) -> impl Future<Output = Option<String>> + Send;
}
