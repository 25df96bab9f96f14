//! What running units were started with.
//!
//! Whether a unit has to restart is decided by these digests, never by the times of files: a corrected
//! clock would hide a change, or restart everything twice.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files;

/// What one unit was started with.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Record {
    /// The invocation that was started. systemd may have started others since, with the same inputs.
    #[serde(default)]
    pub(crate) invocation: String,
    /// Digest of what it read when it started: unit files, environment file, certificate, program.
    pub(crate) inputs: String,
    /// Digest of what it can read again without a restart: the configuration of a proxy.
    #[serde(default)]
    pub(crate) configuration: String,
    /// The release of its app.
    #[serde(default)]
    pub(crate) release: Option<String>,
    /// An invocation that systemd has started since, and that runs `release`.
    #[serde(default)]
    pub(crate) restarted: Option<String>,
    /// The invocation before a later start that was requested and not seen to be healthy: other invocations
    /// may be of that start.
    #[serde(default)]
    pub(crate) before_start: Option<String>,
}

/// The records of all units of a project, by unit: `STATE/started.json`. A reboot keeps them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    path: PathBuf,
    by_unit: BTreeMap<String, Record>,
}

impl Records {
    /// Reads the records in a state directory. Without a file, or with one that another version wrote,
    /// nothing is known.
    pub(crate) fn read(state: &Path) -> io::Result<Self> {
        let path = state.join("started.json");
        let by_unit = match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { path, by_unit })
    }

    /// The record of a unit.
    pub(crate) fn get(&self, unit: &str) -> Option<&Record> {
        self.by_unit.get(unit)
    }

    /// Records what a unit was started with.
    pub(crate) fn set(&mut self, unit: &str, record: Record) -> io::Result<()> {
        if self.by_unit.get(unit) == Some(&record) {
            return Ok(());
        }
        self.by_unit.insert(unit.to_owned(), record);
        self.write()
    }

    /// Removes the records of units that are not in `units`.
    pub(crate) fn retain(&mut self, is_kept: impl Fn(&str) -> bool) -> io::Result<()> {
        let before = self.by_unit.len();
        self.by_unit.retain(|unit, _| is_kept(unit));
        if self.by_unit.len() == before {
            return Ok(());
        }
        self.write()
    }

    fn write(&self) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(&self.by_unit)?;
        files::write_state(&self.path, &text)
    }
}
