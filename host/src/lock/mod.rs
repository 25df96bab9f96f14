//! Locks of a project on this host.
//!
//! - The *turn* is held by the program that changes the host, and ends with it.
//! - The *deploy lock* is held by a playbook run, which consists of many programs on many hosts. It
//!   remains if the run is killed.
//!
//! Both are in /run: they do not depend on free disk space, and a reboot removes them.

mod lease;
mod turn;

use std::fmt;
use std::path::PathBuf;

use crate::release::disk::IoError;

pub(crate) use lease::{DeployLock, Run};
pub(crate) use turn::Turn;

/// Why a lock was not taken or renewed.
#[derive(Debug)]
pub(crate) enum Error {
    /// Another program or run holds it. The text has the holder.
    Held(String),
    /// The file of the deploy lock has another format.
    Invalid {
        /// The file.
        path: PathBuf,
        /// Position and reason.
        reason: String,
    },
    /// An operation on a file failed.
    Io(IoError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(reason) => f.write_str(reason),
            Self::Invalid { path, reason } => write!(
                f,
                "{}: invalid deploy lock: {reason}; delete the file if no run is active",
                path.display()
            ),
            Self::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<IoError> for Error {
    fn from(error: IoError) -> Self {
        Self::Io(error)
    }
}
