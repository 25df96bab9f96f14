//! What can go wrong while a lab is built, used or removed.

use std::fmt;
use std::io;
use std::time::Duration;

/// A result whose error is a lab [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// One fault of the lab or of the machine it runs on.
#[derive(Debug)]
pub enum Error {
    /// A command ended with another status than 0.
    Command {
        /// The words of the command, joined by blanks.
        line: String,
        /// How it ended, as the system tells it.
        status: String,
        /// The last of what it said on both streams.
        said: String,
    },
    /// The system refused an operation on a file, process or socket.
    Io {
        /// What was being done, as a clause: `reading /etc/hosts`.
        doing: String,
        /// The system's own reason.
        source: io::Error,
    },
    /// A state did not come about within its limit.
    Late {
        /// The state that was waited for.
        state: String,
        /// How long was waited.
        limit: Duration,
        /// What was seen last.
        seen: String,
    },
    /// An answer that cannot be read.
    Unreadable {
        /// What was being read.
        what: String,
        /// The text that made no sense.
        text: String,
    },
}

impl Error {
    /// Wraps an I/O error with the clause that says what was being done.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { line, status, said } => {
                write!(f, "`{line}` ended with {status}: {said}")
            }
            Self::Io { doing, source } => write!(f, "{doing}: {source}"),
            Self::Late { state, limit, seen } => {
                write!(f, "not {state} after {limit:?}; last seen: {seen}")
            }
            Self::Unreadable { what, text } => write!(f, "{what} cannot be read: {text}"),
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
