//! Calls of methods over a connection that is opened again after it was closed.

use std::future::Future;
use std::sync::PoisonError;
use std::time::Duration;

use zbus::wire::DynamicDeserialize;
use zbus::{Connection, DynamicType, Message};

use super::Bus;
use super::error::{CallError, Cause};
use crate::systemd::Error;

/// The bus name of systemd.
pub(super) const BUS_NAME: &str = "org.freedesktop.systemd1";
/// The object path of the manager.
pub(super) const MANAGER_PATH: &str = "/org/freedesktop/systemd1";
/// The interface of the manager.
pub(super) const MANAGER: &str = "org.freedesktop.systemd1.Manager";
/// The interface of all properties.
pub(super) const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// Limit for a reply. systemd may be busy for seconds while it reads all units again.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How often a query is sent before the loss of the connection is an error.
const TRIES: u32 = 3;
/// Time between two of them.
const PAUSE: Duration = Duration::from_secs(1);

/// A method of an object.
#[derive(Clone, Copy)]
pub(super) struct Method<'m> {
    /// Object path.
    path: &'m str,
    interface: &'m str,
    /// Its name.
    pub(super) name: &'m str,
    /// Limit for the reply.
    pub(super) timeout: Duration,
}

impl<'m> Method<'m> {
    /// A method of the object at this path.
    pub(super) fn new(path: &'m str, interface: &'m str, name: &'m str) -> Self {
        Self {
            path,
            interface,
            name,
            timeout: TIMEOUT,
        }
    }

    /// A method of the manager.
    pub(super) fn manager(name: &'m str) -> Self {
        Self::new(MANAGER_PATH, MANAGER, name)
    }
}

impl Bus {
    /// Calls a method that changes nothing. It is called again if the connection is lost.
    pub(super) async fn query<B>(&self, method: Method<'_>, body: &B) -> Result<Message, CallError>
    where
        B: serde::Serialize + DynamicType + Sync,
    {
        retry(|| async move {
            let connection = self.connect().await?;
            self.call(&connection, method, body).await
        })
        .await
    }

    /// Calls a method that changes something, once.
    pub(super) async fn change<B>(&self, method: Method<'_>, body: &B) -> Result<Message, CallError>
    where
        B: serde::Serialize + DynamicType + Sync,
    {
        let connection = self.connection().await?;
        self.call(&connection, method, body).await
    }

    /// The open connection, or a new one after up to [`TRIES`].
    pub(super) async fn connection(&self) -> Result<Connection, CallError> {
        retry(|| self.connect()).await
    }

    /// The open connection, or a new one.
    pub(super) async fn connect(&self) -> Result<Connection, CallError> {
        let open = self.lock().clone();
        if let Some(connection) = open.filter(|connection| !connection.is_closed()) {
            return Ok(connection);
        }
        let opened = limited(TIMEOUT, Connection::system()).await;
        let connection = opened.map_err(|cause| CallError::new("connect to D-Bus", cause))?;
        *self.lock() = Some(connection.clone());
        Ok(connection)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Connection>> {
        // Only an assignment runs under the lock, which cannot panic.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls a method. Without a reply the connection is not used again.
    pub(super) async fn call<B>(
        &self,
        connection: &Connection,
        method: Method<'_>,
        body: &B,
    ) -> Result<Message, CallError>
    where
        B: serde::Serialize + DynamicType + Sync,
    {
        let interface = Some(method.interface);
        let call =
            connection.call_method(Some(BUS_NAME), method.path, interface, method.name, body);
        limited(method.timeout, call).await.map_err(|cause| {
            if !matches!(cause, Cause::Refused { .. }) {
                *self.lock() = None;
            }
            CallError::new(method.name, cause)
        })
    }
}

async fn limited<T>(
    timeout: Duration,
    action: impl Future<Output = zbus::Result<T>>,
) -> Result<T, Cause> {
    match tokio::time::timeout(timeout, action).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Cause::TimedOut(timeout)),
    }
}

/// Tries again if the connection is lost, up to [`TRIES`].
pub(super) async fn retry<T, F>(attempt: impl Fn() -> F) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    for _ in 1..TRIES {
        match attempt().await {
            Err(error) if error.is_lost() => tokio::time::sleep(PAUSE).await,
            result => return result,
        }
    }
    attempt().await
}

/// The content of a reply.
pub(super) fn decode<T>(request: &str, reply: &Message) -> Result<T, Error>
where
    T: for<'d> DynamicDeserialize<'d>,
{
    let body = reply.body();
    body.deserialize().map_err(|error| invalid(request, &error))
}

/// An error about the content of a reply.
pub(super) fn invalid(request: &str, reason: &impl ToString) -> Error {
    Error {
        request: request.to_owned(),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests;
