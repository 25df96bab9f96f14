//! The changes of releases of a run that has not finished.
//!
//! A step that is interrupted cannot report to its run, and the timers and services of this host have
//! no connection to it. The file is in the runtime directory: a full disk does not affect it, and a
//! reboot removes it.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files;
use crate::lock::Run;
use crate::plan::Move;

/// Why changes are recorded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// A run has not finished: it, or a timer of this host, may undo them.
    Unfinished,
    /// A run has finished: they are undone if an instance exits soon.
    Watched,
}

/// The file with the changes of one project.
#[derive(Clone, Debug)]
pub(crate) struct Unfinished {
    path: PathBuf,
    run: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Content {
    run: Option<String>,
    moves: Vec<Move>,
}

impl Unfinished {
    /// The changes of any run.
    pub(crate) fn new(runtime: &Path, purpose: Purpose) -> Self {
        let name = match purpose {
            Purpose::Unfinished => "unfinished.json",
            Purpose::Watched => "watched.json",
        };
        Self {
            path: runtime.join(name),
            run: None,
        }
    }

    /// Only the changes of this run.
    pub(crate) fn of(self, run: &Run) -> Self {
        Self {
            run: Some(run.id()),
            ..self
        }
    }

    /// Replaces the changes, of whichever run they are.
    pub(crate) fn write(&self, moves: &[Move]) -> io::Result<()> {
        let content = Content {
            run: self.run.clone(),
            moves: moves.to_vec(),
        };
        files::write_runtime(&self.path, &serde_json::to_vec(&content)?)
    }

    /// The changes; `None` if there are none, or if another run has made them.
    pub(crate) fn read(&self) -> io::Result<Option<Vec<Move>>> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let content: Content = serde_json::from_slice(&text)?;
        let is_own = self.run.is_none() || content.run == self.run;
        Ok(is_own.then_some(content.moves))
    }

    /// Removes the changes.
    pub(crate) fn remove(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
