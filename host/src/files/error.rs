//! Errors of the module.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// An operation on a file or directory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Operation {
    /// Read a file, its metadata, or the entries of a directory.
    Read,
    /// Create a file.
    Create,
    /// Write and sync the content of a file.
    Write,
    /// Create a hard link.
    Link,
    /// Rename a file.
    Rename,
    /// Remove a file.
    Remove,
    /// Create a directory.
    CreateDirectory,
    /// Remove an empty directory.
    RemoveDirectory,
    /// Set the mode of a file or directory.
    SetMode,
    /// Sync a directory, fsync(2).
    Sync,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Write => "write",
            Self::Link => "create the hard link",
            Self::Rename => "rename a file to",
            Self::Remove => "remove",
            Self::CreateDirectory => "create the directory",
            Self::RemoveDirectory => "remove the directory",
            Self::SetMode => "set the mode of",
            Self::Sync => "sync",
        })
    }
}

/// Why files were not installed, restored, or compared.
#[derive(Debug)]
pub(crate) enum Error {
    /// An operation failed.
    Io {
        /// What failed.
        operation: Operation,
        /// The file or directory; of a link or rename, the new name.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file that exists in a shared directory and is not of this project.
    Foreign {
        /// The file.
        path: PathBuf,
        /// Project that wrote it; `None` if genconf did not.
        owner: Option<String>,
    },
    /// A path that is listed twice.
    Duplicate {
        /// The path.
        path: PathBuf,
    },
    /// A manifest or record that cannot be parsed or formatted.
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        error: serde_json::Error,
    },
    /// Several failures: the files that are not named were processed.
    Several(Vec<Error>),
    /// Files were not installed, and some of those installed before the failure were not restored.
    NotRestored {
        /// Why they were not installed.
        cause: Box<Error>,
        /// Why they were not restored.
        error: Box<Error>,
    },
}

impl Error {
    /// `Ok` without errors, else the errors as one.
    pub(super) fn collect(mut errors: Vec<Self>) -> Result<(), Self> {
        match errors.len() {
            0 => Ok(()),
            1 => Err(errors.remove(0)),
            _ => Err(Self::Several(errors)),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io {
                operation,
                path,
                error,
            } => write!(f, "cannot {operation} {}: {error}", path.display()),
            Self::Foreign { path, owner } => {
                write!(f, "{} ", path.display())?;
                match owner {
                    Some(owner) => write!(f, "belongs to the project {owner}")?,
                    None => f.write_str("exists and was not written by genconf")?,
                }
                f.write_str(": move it, or rename this project")
            }
            Self::Duplicate { path } => write!(
                f,
                "{} is listed twice: expected one file, or one removal, for each path",
                path.display()
            ),
            Self::Json { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Several(errors) => {
                for (index, error) in errors.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { "; " })?;
                    error.fmt(f)?;
                }
                Ok(())
            }
            Self::NotRestored { cause, error } => {
                write!(f, "{cause}; the previous files were not restored: {error}")
            }
        }
    }
}

impl std::error::Error for Error {}
