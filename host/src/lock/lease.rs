//! The deploy lock: a file that a playbook run writes on each of its hosts.
//!
//! It is broken if its run is known to have exited or, where that is unknown, has not renewed it for the
//! time it recorded, or if the user requests it. A run that was only suspended may lose it in this way,
//! so it renews the lock before each change. The file remains after the release: a run also detects
//! another one that has started and ended since.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::{Error, Turn};
use crate::release::disk::{self, At as _, if_exists};

/// A run of a playbook, as JSON from the playbook.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Run {
    /// `USER@HOST` on the controller.
    pub(crate) who: String,
    /// Where the process IDs are valid: boot ID and PID namespace of the controller.
    pub(crate) machine: String,
    /// Process ID of the run.
    pub(crate) pid: u32,
    /// Process IDs of all runs on its machine.
    pub(crate) living: Vec<u32>,
    /// Whether the user requests to break a lock.
    pub(crate) take_over: bool,
    /// Time without a renewal after which other machines may break the lock of this run, in seconds.
    pub(crate) expires_after_s: u64,
}

impl Run {
    /// What distinguishes this run from all others.
    pub(crate) fn id(&self) -> String {
        format!("{} {} {}", self.who, self.machine, self.pid)
    }
}

/// The content of the file.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Lease {
    who: String,
    machine: String,
    pid: u32,
    /// `CLOCK_BOOTTIME`: the system time may be changed, and this one continues during suspend.
    renewed_at_s: u64,
    /// [`Run::expires_after_s`] of its run.
    expires_after_s: u64,
    is_released: bool,
}

impl Lease {
    fn is_of(&self, run: &Run) -> bool {
        self.is_of_machine(run) && self.pid == run.pid
    }

    fn is_of_machine(&self, run: &Run) -> bool {
        (&self.who, &self.machine) == (&run.who, &run.machine)
    }

    fn age_s(&self, now_s: u64) -> u64 {
        now_s.saturating_sub(self.renewed_at_s)
    }

    /// Whether its run has exited, as far as `run` can know.
    fn is_left_behind(&self, run: &Run, now_s: u64) -> bool {
        if self.is_of_machine(run) {
            // However long it lasts: its process was looked for.
            return !run.living.contains(&self.pid);
        }
        self.age_s(now_s) > self.expires_after_s
    }

    fn holder(self, now_s: u64) -> Holder {
        Holder {
            age_s: self.age_s(now_s),
            who: self.who,
            pid: self.pid,
        }
    }
}

/// The run that holds a deploy lock.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Holder {
    /// `USER@HOST` on its controller.
    pub(crate) who: String,
    /// Its process ID there.
    pub(crate) pid: u32,
    /// Time since it took or renewed the lock, in seconds.
    pub(crate) age_s: u64,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, pid, age_s } = self;
        write!(f, "{who} (PID {pid}, {age_s} s ago)")
    }
}

/// The run that holds the deploy lock in the runtime directory of a project, if any.
#[cfg(test)]
fn holder(directory: &Path) -> Result<Option<Holder>, Error> {
    let lease = read(&lease_file(directory))?;
    let held = lease.filter(|lease| !lease.is_released);
    Ok(held.map(|lease| lease.holder(boottime_s())))
}

/// The deploy lock of a project. Only the program whose turn it is reads and changes it.
pub(crate) struct DeployLock<'t> {
    turn: &'t Turn,
    project: &'t str,
    now_s: fn() -> u64,
}

impl<'t> DeployLock<'t> {
    /// The deploy lock in the directory of `turn`.
    pub(crate) fn new(turn: &'t Turn, project: &'t str) -> Self {
        Self {
            turn,
            project,
            now_s: boottime_s,
        }
    }

    /// Takes the lock for a run, or renews it. Returns a warning if it was held by a run that has exited.
    ///
    /// Returns [`Error::Held`] if another run holds it.
    pub(crate) fn take(&self, run: &Run) -> Result<Option<String>, Error> {
        let now_s = (self.now_s)();
        let project = self.project;
        let lease = read(&self.file())?;
        let other = lease.filter(|lease| !lease.is_released && !lease.is_of(run));
        let Some(other) = other else {
            self.write(run)?;
            return Ok(None);
        };
        let may_be_broken = run.take_over || other.is_left_behind(run, now_s);
        let holder = other.holder(now_s);
        if !may_be_broken {
            return Err(Error::Held(format!(
                "{project} is locked by {holder}; if that run has exited, \
                 retry with -e genconf_take_over=true"
            )));
        }
        self.write(run)?;
        let warning = format!("broke the deploy lock of {project} left by {holder}");
        Ok(Some(warning))
    }

    /// Renews the lock before a change.
    ///
    /// Returns [`Error::Held`] if another run has taken it, even if that run has released it.
    pub(crate) fn renew(&self, run: &Run) -> Result<(), Error> {
        // Without a file, the host was booted since.
        match read(&self.file())? {
            Some(lease) if !lease.is_of(run) => Err(Error::Held(format!(
                "the deploy lock of {} was taken by {}",
                self.project,
                lease.holder((self.now_s)())
            ))),
            _ => self.write(run),
        }
    }

    /// Releases the lock if the run holds it.
    pub(crate) fn release(&self, run: &Run) -> Result<(), Error> {
        match read(&self.file())? {
            Some(mut lease) if lease.is_of(run) => {
                lease.is_released = true;
                write(&self.file(), &lease)
            }
            _ => Ok(()),
        }
    }

    fn file(&self) -> PathBuf {
        lease_file(self.turn.directory())
    }

    fn write(&self, run: &Run) -> Result<(), Error> {
        let lease = Lease {
            who: run.who.clone(),
            machine: run.machine.clone(),
            pid: run.pid,
            renewed_at_s: (self.now_s)(),
            expires_after_s: run.expires_after_s,
            is_released: false,
        };
        write(&self.file(), &lease)
    }
}

fn lease_file(directory: &Path) -> PathBuf {
    directory.join("lease.json")
}

/// The lease in a file; `None` if the file is empty or does not exist.
fn read(path: &Path) -> Result<Option<Lease>, Error> {
    let content = if_exists(fs::read(path)).at(path)?.unwrap_or_default();
    if content.trim_ascii().is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(&content)
        .map(Some)
        .map_err(|error| invalid(path, &error))
}

fn write(path: &Path, lease: &Lease) -> Result<(), Error> {
    let json = serde_json::to_string(lease).map_err(|error| invalid(path, &error))?;
    Ok(disk::write(path, &json)?)
}

fn invalid(path: &Path, error: &serde_json::Error) -> Error {
    Error::Invalid {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

/// Seconds since boot, including suspend.
fn boottime_s() -> u64 {
    let seconds = clock_gettime(ClockId::Boottime).tv_sec;
    // It is not negative on this clock.
    u64::try_from(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests;
