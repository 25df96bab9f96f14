//! The failure of a check.

use std::fmt;
use std::io;

/// The result of a check.
pub(crate) type CheckResult<T = ()> = Result<T, Failure>;

/// A message with the expected and the observed result.
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

/// Adds the name of the operation to an error.
pub(crate) trait Context<T> {
    fn context(self, what: impl fmt::Display) -> CheckResult<T>;
}

impl<T, E: fmt::Display> Context<T> for Result<T, E> {
    fn context(self, what: impl fmt::Display) -> CheckResult<T> {
        self.map_err(|error| Failure(format!("{what}: {error}")))
    }
}

/// Returns a failure with a message unless a condition is true.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::failure::Failure::from(format!($($text)+)));
        }
    };
}

pub(crate) use ensure;
