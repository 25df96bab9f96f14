//! The project that a command works on.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use model::HostSpec;

use crate::execution::Context;
use crate::health_check::HttpChecker;
use crate::host::{Host, available_cpus};
use crate::lock::{Run, Turn};
use crate::observation::Machine;
use crate::systemd::Bus;
use crate::unfinished::{Purpose, Unfinished};

/// Time to wait for another program that changes this host.
pub(super) const TURN_TIMEOUT: Duration = Duration::from_mins(2);

/// A project on this host.
pub(super) struct Site {
    /// The desired state.
    pub(super) host: Host,
    /// Files and processes.
    pub(super) machine: Machine,
    systemd: Bus,
}

impl Site {
    /// The project as it is installed on this host.
    pub(super) fn installed(project: &str) -> Result<Self, String> {
        Ok(Self::new(read_spec(&spec_path(project))?))
    }

    /// A project with this desired state.
    pub(super) fn new(spec: HostSpec) -> Self {
        Self {
            host: Host::new(spec, available_cpus()),
            machine: Machine::this(),
            systemd: Bus::new(),
        }
    }

    /// What steps change.
    pub(super) fn context(&self) -> Context<'_, Bus, HttpChecker> {
        Context {
            host: &self.host,
            machine: &self.machine,
            systemd: &self.systemd,
            checker: &HttpChecker,
        }
    }

    /// Directory of locks and unfinished changes.
    pub(super) fn runtime(&self) -> PathBuf {
        self.machine.root.resolve(&self.host.paths.runtime)
    }

    /// The turn of this program to change the host.
    pub(super) async fn turn(&self) -> Result<Turn, String> {
        self.turn_within(TURN_TIMEOUT).await
    }

    /// The same, with another time limit.
    pub(super) async fn turn_within(&self, patience: Duration) -> Result<Turn, String> {
        let turn = Turn::take(&self.runtime(), patience).await;
        turn.map_err(|error| error.to_string())
    }

    /// Time that a change of this host can take: a step whose connection was lost still runs.
    pub(super) fn longest_change(&self) -> Duration {
        let apps = self.host.instances().iter().map(|instance| &instance.app);
        let times = apps.map(|app| self.host.stop_timeout(app) + self.host.ready_timeout(app));
        TURN_TIMEOUT + times.sum::<Duration>()
    }

    /// The changes of a run that has not finished; of this run, if one is given.
    pub(super) fn unfinished(&self, run: Option<&Run>) -> Unfinished {
        let unfinished = Unfinished::new(&self.runtime(), Purpose::Unfinished);
        match run {
            Some(run) => unfinished.of(run),
            None => unfinished,
        }
    }
}

/// Fails unless this can be the name of a project: it becomes a part of paths.
pub(super) fn require_name(project: &str) -> Result<(), String> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if project.is_empty() || !project.chars().all(is_allowed) {
        return Err(format!("{project:?} is not the name of a project"));
    }
    Ok(())
}

/// Replaces this process with the genconf-host of a project if that is another file: its version can be
/// another one. A project that is not installed has none.
pub(super) fn use_program_of(project: &str) -> Result<(), String> {
    let program = Path::new("/usr/local/lib/genconf")
        .join(project)
        .join("genconf-host");
    let own = std::env::current_exe().and_then(std::fs::canonicalize);
    let theirs = std::fs::canonicalize(&program);
    match (own, theirs) {
        (Ok(own), Ok(theirs)) if own != theirs => {
            let error = Command::new(&theirs)
                .args(std::env::args_os().skip(1))
                .exec();
            Err(format!("{}: {error}", program.display()))
        }
        _ => Ok(()),
    }
}

/// Path of the installed spec of a project.
pub(super) fn spec_path(project: &str) -> PathBuf {
    Path::new("/etc").join(project).join("spec.json")
}

/// Reads a spec.
pub(super) fn read_spec(path: &Path) -> Result<HostSpec, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    HostSpec::from_json(&text).map_err(|error| format!("{}: {error}", path.display()))
}
