//! systemd's D-Bus interface, org.freedesktop.systemd1(5), on the system bus.
//!
//! Not on /run/systemd/private, the socket of systemctl: it is not a public interface, and its messages
//! have a sender that zbus rejects.

mod call;
mod error;
mod jobs;
mod properties;
mod signals;
mod transient;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use model::Endpoint;
use rustix::process::Signal;
use zbus::{Connection, OwnedObjectPath, OwnedVariant};

use super::{Activity, Error, States, Systemd, Transient, Verb, journal};
use call::{Method, PROPERTIES, decode, invalid};
use error::CallError;
use properties::Properties;

const SERVICE: &str = "org.freedesktop.systemd1.Service";
const SOCKET: &str = "org.freedesktop.systemd1.Socket";

/// Limit for the reply to `Reload`, which is sent when all units were read.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(90);

/// An item of `ListUnitsByNames` and `ListUnitsByPatterns`: name, description, load state, active state, sub
/// state, followed unit, object path, job ID, job type, and object path of the job.
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

    /// The object path of a unit, which systemd loads.
    async fn load(&self, unit: &str) -> Result<OwnedObjectPath, Error> {
        let method = Method::manager("LoadUnit");
        decode(method.name, &self.query(method, &(unit,)).await?)
    }

    /// A property of a unit.
    async fn property(
        &self,
        unit: &str,
        interface: &str,
        name: &str,
    ) -> Result<OwnedVariant, Error> {
        let path = self.load(unit).await?;
        let method = Method::new(path.as_str(), PROPERTIES, "Get");
        decode(name, &self.query(method, &(interface, name)).await?)
    }

    /// All properties of a unit, of all its interfaces at the same moment.
    async fn properties(&self, unit: &str) -> Result<Properties, Error> {
        let path = self.load(unit).await?;
        let method = Method::new(path.as_str(), PROPERTIES, "GetAll");
        decode(method.name, &self.query(method, &("",)).await?)
    }

    /// Has systemd read all units again.
    async fn reload(&self) -> Result<(), CallError> {
        let mut method = Method::manager("Reload");
        method.timeout = RELOAD_TIMEOUT;
        self.change(method, &()).await.map(drop)
    }
}

impl Systemd for Bus {
    async fn activity(&self, units: &[String]) -> Result<BTreeMap<String, Activity>, Error> {
        let method = Method::manager("ListUnitsByNames");
        let listed: Vec<ListedUnit> = decode(method.name, &self.query(method, &(units,)).await?)?;
        let activities = listed.into_iter().map(|unit| {
            let activity = properties::activity(&unit.0, &unit.3)?;
            Ok((unit.0, activity))
        });
        activities.collect()
    }

    async fn started_at_us(&self, service: &str) -> Result<u64, Error> {
        const NAME: &str = "ExecMainStartTimestampMonotonic";
        let value = self.property(service, SERVICE, NAME).await?;
        u64::try_from(value).map_err(|error| invalid(NAME, &error))
    }

    async fn listen(&self, socket: &str) -> Result<Option<Endpoint>, Error> {
        const NAME: &str = "Listen";
        let value = self.property(socket, SOCKET, NAME).await?;
        let listens = Vec::<(String, String)>::try_from(value);
        let listens = listens.map_err(|error| invalid(NAME, &error))?;
        let first = listens.into_iter().next();
        let endpoint = first.map(|(_, address)| properties::endpoint(&address));
        endpoint.transpose().map_err(|error| invalid(NAME, &error))
    }

    async fn kill(&self, service: &str) -> Result<(), Error> {
        let body = (service, "all", Signal::KILL.as_raw());
        self.change(Method::manager("KillUnit"), &body).await?;
        Ok(())
    }

    async fn states(&self, units: &[String]) -> Result<States, Error> {
        let mut states = States::new();
        for unit in units {
            let state = properties::unit_state(unit, self.properties(unit).await?)?;
            states.insert(unit.clone(), state);
        }
        Ok(states)
    }

    async fn find(&self, patterns: &[String]) -> Result<BTreeSet<String>, Error> {
        let any_state: [&str; 0] = [];
        let body = (any_state.as_slice(), patterns);
        let method = Method::manager("ListUnitsByPatterns");
        let loaded: Vec<ListedUnit> = decode(method.name, &self.query(method, &body).await?)?;
        let method = Method::manager("ListUnitFilesByPatterns");
        // Path and state.
        let files: Vec<(String, String)> = decode(method.name, &self.query(method, &body).await?)?;
        let names = files
            .iter()
            .filter_map(|(path, _)| Path::new(path).file_name());
        let names = names.map(|name| name.to_string_lossy().into_owned());
        Ok(loaded.into_iter().map(|unit| unit.0).chain(names).collect())
    }

    async fn run(&self, verb: Verb, units: &[String]) -> Result<(), Error> {
        self.run_jobs(verb, units).await
    }

    async fn request(&self, verb: Verb, units: &[String]) -> Result<(), Error> {
        self.request_jobs(verb, units).await
    }

    async fn enable(&self, units: &[String]) -> Result<(), Error> {
        if units.is_empty() {
            return Ok(());
        }
        let (runtime, force) = (false, false);
        let method = Method::manager("EnableUnitFiles");
        self.change(method, &(units, runtime, force)).await?;
        Ok(self.reload().await?)
    }

    async fn disable(&self, units: &[String]) -> Result<(), Error> {
        if units.is_empty() {
            return Ok(());
        }
        let runtime = false;
        let method = Method::manager("DisableUnitFiles");
        self.change(method, &(units, runtime)).await?;
        Ok(self.reload().await?)
    }

    async fn reset_failed(&self, unit: &str) -> Result<(), Error> {
        let method = Method::manager("ResetFailedUnit");
        match self.change(method, &(unit,)).await {
            Err(error) if !error.is_no_such_unit() => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn reload_manager(&self) -> Result<(), Error> {
        Ok(self.reload().await?)
    }

    async fn start_transient(&self, unit: &Transient) -> Result<(), Error> {
        transient::start(unit).await
    }

    async fn log(&self, unit: &str, invocation: &str, lines: usize) -> Vec<String> {
        journal::log(unit, invocation, lines).await
    }

    async fn exit_message(&self, service: &str, after_us: u64, except: &str) -> Option<String> {
        journal::exit_message(service, after_us, except).await
    }
}
