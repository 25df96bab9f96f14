//! systemd's D-Bus interface, org.freedesktop.systemd1(5), on the system bus.
//!
//! Not on /run/systemd/private, the socket of systemctl: it is not a public interface, and its messages
//! have a sender that zbus rejects.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use model::Endpoint;
use rustix::process::Signal;
use zbus::{Connection, Message, OwnedObjectPath, OwnedVariant};

use super::{Activity, Error, Systemd};

const BUS_NAME: &str = "org.freedesktop.systemd1";
const MANAGER_PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const SERVICE: &str = "org.freedesktop.systemd1.Service";
const SOCKET: &str = "org.freedesktop.systemd1.Socket";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// Limit for a reply. systemd may be busy for seconds while it reads all units again.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An item of `ListUnitsByNames`: name, description, load state, active state, sub state, followed unit,
/// object path, job ID, job type, and object path of the job.
type ListedUnit = (
    String,
    String,
    String,
    String,
    String,
    String,
    OwnedObjectPath,
    u32,
    String,
    OwnedObjectPath,
);

/// A connection to the service manager, which is opened again after it was closed.
pub(crate) struct Bus {
    connection: Mutex<Option<Connection>>,
}

impl Bus {
    /// A connection that is opened with the first request.
    pub(crate) fn new() -> Self {
        Self {
            connection: Mutex::new(None),
        }
    }

    async fn connection(&self) -> zbus::Result<Connection> {
        let open = self.lock().clone();
        if let Some(connection) = open {
            return Ok(connection);
        }
        let connection = Connection::system().await?;
        *self.lock() = Some(connection.clone());
        Ok(connection)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Connection>> {
        // Only an assignment runs under the lock, which cannot panic.
        self.connection
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Calls a method. A failure closes the connection, so that the next call opens a new one.
    async fn call<B>(&self, path: &str, method: Method<'_>, body: &B) -> Result<Message, Error>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType + Sync,
    {
        let call = async {
            let connection = self.connection().await?;
            let Method { interface, name } = method;
            connection
                .call_method(Some(BUS_NAME), path, Some(interface), name, body)
                .await
        };
        let reply = tokio::time::timeout(TIMEOUT, call).await;
        let reason = match reply {
            Ok(Ok(message)) => return Ok(message),
            Ok(Err(error)) => {
                if !matches!(error, zbus::Error::MethodError(..)) {
                    *self.lock() = None;
                }
                error.to_string()
            }
            Err(_) => {
                *self.lock() = None;
                format!("no reply within {} s", TIMEOUT.as_secs())
            }
        };
        Err(Error {
            request: method.name.to_owned(),
            reason,
        })
    }

    async fn manager<B>(&self, name: &str, body: &B) -> Result<Message, Error>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType + Sync,
    {
        let method = Method {
            interface: MANAGER,
            name,
        };
        self.call(MANAGER_PATH, method, body).await
    }

    /// A property of a unit.
    async fn property(
        &self,
        unit: &str,
        interface: &str,
        name: &str,
    ) -> Result<OwnedVariant, Error> {
        let path: OwnedObjectPath = decode("LoadUnit", &self.manager("LoadUnit", &(unit,)).await?)?;
        let method = Method {
            interface: PROPERTIES,
            name: "Get",
        };
        let reply = self.call(path.as_str(), method, &(interface, name)).await?;
        decode(name, &reply)
    }
}

/// A method of a D-Bus interface.
#[derive(Clone, Copy)]
struct Method<'m> {
    interface: &'m str,
    name: &'m str,
}

impl Systemd for Bus {
    async fn activity(&self, units: &[String]) -> Result<BTreeMap<String, Activity>, Error> {
        const REQUEST: &str = "ListUnitsByNames";
        let listed: Vec<ListedUnit> = decode(REQUEST, &self.manager(REQUEST, &(units,)).await?)?;
        let activity = |state: &str| match state {
            "active" | "reloading" | "refreshing" => Activity::Active,
            "activating" | "deactivating" => Activity::Changing,
            _ => Activity::Inactive,
        };
        let units = listed.into_iter();
        Ok(units.map(|unit| (unit.0, activity(&unit.3))).collect())
    }

    async fn started_at_us(&self, service: &str) -> Result<u64, Error> {
        const REQUEST: &str = "ExecMainStartTimestampMonotonic";
        let value = self.property(service, SERVICE, REQUEST).await?;
        u64::try_from(value).map_err(|error| invalid(REQUEST, &error))
    }

    async fn listen(&self, socket: &str) -> Result<Option<Endpoint>, Error> {
        const REQUEST: &str = "Listen";
        let value = self.property(socket, SOCKET, REQUEST).await?;
        let listens = Vec::<(String, String)>::try_from(value);
        let listens = listens.map_err(|error| invalid(REQUEST, &error))?;
        let first = listens.into_iter().next();
        let endpoint = first.map(|(_, address)| address.parse());
        endpoint
            .transpose()
            .map_err(|error: String| invalid(REQUEST, &error))
    }

    async fn kill(&self, service: &str) -> Result<(), Error> {
        let body = (service, "all", Signal::KILL.as_raw());
        self.manager("KillUnit", &body).await.map(drop)
    }
}

fn decode<T>(request: &str, reply: &Message) -> Result<T, Error>
where
    T: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
{
    let body = reply.body();
    body.deserialize().map_err(|error| invalid(request, &error))
}

fn invalid(request: &str, reason: &impl ToString) -> Error {
    Error {
        request: request.to_owned(),
        reason: reason.to_string(),
    }
}
