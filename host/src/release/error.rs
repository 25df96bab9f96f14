//! Errors of operations on releases.

use std::fmt;
use std::path::PathBuf;

use super::disk::IoError;

/// Bytes in a MiB.
const MIB: u64 = 1024 * 1024;

/// Why an operation on releases failed.
#[derive(Debug)]
pub(crate) enum Error {
    /// An upload or a digest that cannot be used. The text has the reason.
    Rejected(String),
    /// A file system has too little free space.
    NoSpace {
        /// A directory of the file system.
        directory: PathBuf,
        /// Free space, in bytes.
        free: u64,
        /// Space that must be free, in bytes.
        needed: u64,
    },
    /// An operation on a file failed.
    Io(IoError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(reason) => f.write_str(reason),
            Self::NoSpace {
                directory,
                free,
                needed,
            } => write!(
                f,
                "{}: not enough free space: expected {} MiB, found {} MiB",
                directory.display(),
                needed.div_ceil(MIB),
                free / MIB
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
