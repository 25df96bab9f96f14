//! Queries and requests to the service manager.

mod bus;
#[cfg(test)]
pub(crate) mod fake;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

use model::Endpoint;

pub(crate) use bus::Bus;

/// A query or request that failed. The state of the unit is unknown.
#[derive(Debug)]
pub(crate) struct Error {
    /// The method or property.
    pub(crate) request: String,
    /// Why it failed.
    pub(crate) reason: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "systemd: {}: {}", self.request, self.reason)
    }
}

/// The state of a unit, as far as health checks need it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Activity {
    /// Active: for `Type=notify`, ready.
    Active,
    /// Being started or stopped.
    Changing,
    /// Neither.
    Inactive,
}

/// The service manager (org.freedesktop.systemd1(5)).
pub(crate) trait Systemd {
    /// The states of units.
    fn activity(
        &self,
        units: &[String],
    ) -> impl Future<Output = Result<BTreeMap<String, Activity>, Error>> + Send;

    /// When the main process of a service started, in microseconds on `CLOCK_MONOTONIC`.
    fn started_at_us(&self, service: &str) -> impl Future<Output = Result<u64, Error>> + Send;

    /// The address at which a socket listens now; `None` if it has none.
    fn listen(&self, socket: &str) -> impl Future<Output = Result<Option<Endpoint>, Error>> + Send;

    /// Sends SIGKILL to all processes of a service.
    fn kill(&self, service: &str) -> impl Future<Output = Result<(), Error>> + Send;
}
