//! Why a check failed, in words.

use std::fmt;
use std::io;

/// What a check returns.
pub(crate) type Checked<T = ()> = Result<T, Failure>;

/// One sentence: what was expected, and what was seen.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<lab::Error> for Failure {
    fn from(error: lab::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// Puts what was being done before the reason.
pub(crate) trait Context<T> {
    fn doing(self, what: impl fmt::Display) -> Checked<T>;
}

impl<T, E: fmt::Display> Context<T> for Result<T, E> {
    fn doing(self, what: impl fmt::Display) -> Checked<T> {
        self.map_err(|error| Failure(format!("{what}: {error}")))
    }
}

/// Fails with a text unless a condition holds.
macro_rules! ensure {
    ($holds:expr, $($text:tt)+) => {
        if !$holds {
            return Err($crate::failure::Failure::from(format!($($text)+)));
        }
    };
}

pub(crate) use ensure;
