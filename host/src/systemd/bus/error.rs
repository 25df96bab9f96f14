//! Calls that fail.

use std::fmt;
use std::time::Duration;

use zbus::{DBusError as _, fdo};

use crate::systemd::Error;

const NO_SUCH_UNIT: &str = "org.freedesktop.systemd1.NoSuchUnit";
const ALREADY_SUBSCRIBED: &str = "org.freedesktop.systemd1.AlreadySubscribed";

/// A call that failed.
#[derive(Debug)]
pub(super) struct CallError {
    request: String,
    /// Why.
    pub(super) cause: Cause,
}

/// Why a call failed.
#[derive(Debug)]
pub(super) enum Cause {
    /// The connection, or that of systemd, was lost. systemd may have received the call.
    Lost(String),
    /// No reply within this time. systemd may have received the call.
    TimedOut(Duration),
    /// An error reply.
    Refused {
        /// D-Bus error name.
        name: String,
        /// systemd's message.
        message: String,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(reason) => f.write_str(reason),
            Self::TimedOut(limit) => write!(f, "no reply within {} s", limit.as_secs()),
            Self::Refused { message, .. } => f.write_str(message),
        }
    }
}

impl From<zbus::Error> for Cause {
    fn from(error: zbus::Error) -> Self {
        match error {
            zbus::Error::MethodError(name, message, _) => Self::Refused {
                message: message.unwrap_or_else(|| name.to_string()),
                name: name.to_string(),
            },
            zbus::Error::FDO(error) if !is_absence(&error) => Self::Refused {
                name: error.name().to_string(),
                message: error.description().unwrap_or_default().to_owned(),
            },
            error => Self::Lost(error.to_string()),
        }
    }
}

/// Whether the bus replied that systemd is not connected to it, as during daemon-reexec.
fn is_absence(error: &fdo::Error) -> bool {
    matches!(
        error,
        fdo::Error::NoReply(_)
            | fdo::Error::Disconnected(_)
            | fdo::Error::ServiceUnknown(_)
            | fdo::Error::NameHasNoOwner(_)
            // The file that activates org.freedesktop.systemd1 runs /bin/false.
            | fdo::Error::SpawnChildExited(_)
    )
}

impl CallError {
    /// A failure of this method.
    pub(super) fn new(request: &str, cause: Cause) -> Self {
        Self {
            request: request.to_owned(),
            cause,
        }
    }

    /// Whether the connection was lost.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.cause, Cause::Lost(_))
    }

    /// Whether systemd replied that the unit is not loaded.
    pub(super) fn is_no_such_unit(&self) -> bool {
        self.is_refused_with(NO_SUCH_UNIT)
    }

    /// Whether systemd replied that the client has subscribed to its signals before.
    pub(super) fn is_already_subscribed(&self) -> bool {
        self.is_refused_with(ALREADY_SUBSCRIBED)
    }

    fn is_refused_with(&self, error: &str) -> bool {
        matches!(&self.cause, Cause::Refused { name, .. } if name == error)
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        Self {
            request: error.request,
            reason: error.cause.to_string(),
        }
    }
}
