//! The ways in which a request can fail.

use std::io;

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No process listens on the port.
    Refused,
    /// No route to the host.
    Unreachable,
    /// The connection was reset before the response was complete.
    Reset,
    /// The connection was closed after the request was sent, before the response.
    Closed,
    /// The connection was closed in the middle of the response.
    Truncated,
    /// No complete response within the timeout.
    Timeout,
    /// A response with a status other than 200.
    Status(u16),
    /// Status 200 with an unexpected body.
    WrongBody,
    /// Not HTTP.
    Malformed,
    /// Another error of the system, such as no free port or file descriptor.
    Other(io::ErrorKind),
}

impl Failure {
    /// Name of the failure in reports.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Refused => "refused".to_owned(),
            Self::Unreachable => "unreachable".to_owned(),
            Self::Reset => "reset".to_owned(),
            Self::Closed => "closed".to_owned(),
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
