//! Errors of building, using, or removing a lab.

use std::fmt;
use std::io;
use std::time::Duration;

/// A result whose error is a lab [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the lab or of the machine it runs on.
#[derive(Debug)]
pub enum Error {
    /// A command failed.
    Command {
        /// The program and its arguments, joined by spaces.
        command_line: String,
        /// Exit status, as the system reports it.
        status: String,
        /// The end of both output streams.
        output: String,
    },
    /// The system refused an operation on a file, process, or socket.
    Io {
        /// The operation: `reading /etc/hosts`.
        operation: String,
        /// The system's error.
        source: io::Error,
    },
    /// A state was not reached within its limit.
    Timeout {
        /// The expected state.
        state: String,
        /// The limit.
        limit: Duration,
        /// The last observed state.
        observed: String,
    },
    /// A value is missing or cannot be parsed.
    Invalid {
        /// The name of the value.
        what: String,
        /// The value, or the reason.
        text: String,
    },
}

impl Error {
    /// Wraps an I/O error with the name of the operation.
    pub fn io(operation: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let operation = operation.into();
        move |source| Self::Io { operation, source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command {
                command_line,
                status,
                output,
            } => {
                write!(f, "`{command_line}` exited with {status}: {output}")
            }
            Self::Io { operation, source } => write!(f, "{operation}: {source}"),
            Self::Timeout {
                state,
                limit,
                observed,
            } => {
                write!(f, "not {state} after {limit:?}; last observed: {observed}")
            }
            Self::Invalid { what, text } => write!(f, "{what}: {text}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
