//! A service manager in memory, for tests.

use std::collections::BTreeMap;
use std::sync::Mutex;

use model::Endpoint;

use super::{Activity, Error, Systemd};

/// Units and what was requested of them. A killed service is being started until a test starts it.
#[derive(Debug, Default)]
pub(crate) struct FakeSystemd {
    machine: Mutex<Machine>,
}

#[derive(Debug, Default)]
struct Machine {
    /// Start times of services; `None` while one is being started.
    services: BTreeMap<String, Option<u64>>,
    sockets: BTreeMap<String, Endpoint>,
    killed: Vec<String>,
    is_unreachable: bool,
    refuses_kill: bool,
}

impl FakeSystemd {
    fn with<T>(&self, act: impl FnOnce(&mut Machine) -> T) -> T {
        act(&mut self.machine.lock().expect("no test panics under the lock"))
    }

    /// Starts a service, or starts it again, at this time.
    pub(crate) fn start(&self, service: &str, at_us: u64) {
        self.with(|machine| machine.services.insert(service.to_owned(), Some(at_us)));
    }

    pub(crate) fn stop(&self, service: &str) {
        self.with(|machine| machine.services.remove(service));
    }

    /// Opens a socket, or moves it, to this address.
    pub(crate) fn bind(&self, socket: &str, endpoint: Endpoint) {
        self.with(|machine| machine.sockets.insert(socket.to_owned(), endpoint));
    }

    /// From now on, each request fails, or none does.
    pub(crate) fn set_unreachable(&self, is_unreachable: bool) {
        self.with(|machine| machine.is_unreachable = is_unreachable);
    }

    /// From now on, each request to kill a service fails.
    pub(crate) fn refuse_kill(&self) {
        self.with(|machine| machine.refuses_kill = true);
    }

    /// Services that were killed since the last call.
    pub(crate) fn take_killed(&self) -> Vec<String> {
        self.with(|machine| std::mem::take(&mut machine.killed))
    }

    fn reply<T>(&self, request: &str, act: impl FnOnce(&mut Machine) -> T) -> Result<T, Error> {
        self.with(|machine| {
            if machine.is_unreachable {
                return Err(Error {
                    request: request.to_owned(),
                    reason: "connection reset".to_owned(),
                });
            }
            Ok(act(machine))
        })
    }
}

impl Systemd for FakeSystemd {
    async fn activity(&self, units: &[String]) -> Result<BTreeMap<String, Activity>, Error> {
        self.reply("activity", |machine| {
            let activity = |unit: &String| match machine.services.get(unit) {
                Some(Some(_)) => Activity::Active,
                Some(None) => Activity::Changing,
                None => Activity::Inactive,
            };
            units.iter().map(|u| (u.clone(), activity(u))).collect()
        })
    }

    async fn started_at_us(&self, service: &str) -> Result<u64, Error> {
        self.reply("started", |machine| {
            machine
                .services
                .get(service)
                .copied()
                .flatten()
                .unwrap_or_default()
        })
    }

    async fn listen(&self, socket: &str) -> Result<Option<Endpoint>, Error> {
        self.reply("listen", |machine| machine.sockets.get(socket).cloned())
    }

    async fn kill(&self, service: &str) -> Result<(), Error> {
        self.reply("kill", |machine| {
            if machine.refuses_kill {
                return Err(Error {
                    request: "KillUnit".to_owned(),
                    reason: "access denied".to_owned(),
                });
            }
            machine.services.insert(service.to_owned(), None);
            machine.killed.push(service.to_owned());
            Ok(())
        })?
    }
}
