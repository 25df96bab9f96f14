//! The ways a request can fail, as a user of the service would tell them apart.

use std::io;

/// Why a request that was sent, or tried to be sent, was not answered right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Nobody listens on the port.
    Refused,
    /// No path to the host.
    Unreachable,
    /// The connection was reset before the answer was complete.
    Reset,
    /// The connection was closed after the request was sent, before any answer.
    Cut,
    /// The connection was closed in the middle of the answer.
    Truncated,
    /// No complete answer within the plan's timeout.
    Timeout,
    /// An answer with another status than 200.
    Status(u16),
    /// Status 200 with a body that is not a tally of the numbers asked for.
    WrongBody,
    /// Not HTTP.
    Malformed,
    /// Another fault of the system, such as no free port or descriptor on our side.
    Other(io::ErrorKind),
}

impl Failure {
    /// The word reports use for it.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Refused => "refused".to_owned(),
            Self::Unreachable => "unreachable".to_owned(),
            Self::Reset => "reset".to_owned(),
            Self::Cut => "cut".to_owned(),
            Self::Truncated => "truncated".to_owned(),
            Self::Timeout => "timeout".to_owned(),
            Self::Status(status) => format!("status_{status}"),
            Self::WrongBody => "wrong_body".to_owned(),
            Self::Malformed => "malformed".to_owned(),
            Self::Other(kind) => kind.to_string().replace(' ', "_"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::ConnectionRefused => Self::Refused,
            Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown => {
                Self::Unreachable
            }
            Kind::TimedOut => Self::Timeout,
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => Self::Reset,
            other => Self::Other(other),
        }
    }
}
