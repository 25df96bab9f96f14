//! Requests for units that are not instances in service.

use std::time::Duration;

use model::Endpoint;
use tokio::time::{Instant as Time, sleep};

use super::{Executor, Failure};
use crate::health_check::Checker;
use crate::listener;
use crate::plan::{Step, Wait};
use crate::proxy::forwarder::{self, MovedPort};
use crate::records::Record;
use crate::systemd::{Systemd, Transient, UnitState, Verb};

/// Time that a unit which is unmanaged now has to close its port.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Time between two looks at the listeners.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

impl<S: Systemd, C: Checker> Executor<'_, S, C> {
    pub(super) async fn reload_manager(&self) -> Result<(), Failure> {
        self.context
            .systemd
            .reload_manager()
            .await
            .map_err(Failure::new)
    }

    pub(super) async fn units(
        &mut self,
        verb: Verb,
        units: &[String],
        wait: Wait,
    ) -> Result<(), Failure> {
        self.log
            .push(Step::units(verb, units.iter().cloned()).to_string());
        let systemd = self.context.systemd;
        let requested = match wait {
            Wait::Done => systemd.run(verb, units).await,
            Wait::No => systemd.request(verb, units).await,
        };
        requested.map_err(Failure::new)
    }

    pub(super) async fn enable(&mut self, units: &[String]) -> Result<(), Failure> {
        self.log.push(Step::Enable(units.to_vec()).to_string());
        self.context
            .systemd
            .enable(units)
            .await
            .map_err(Failure::new)
    }

    pub(super) async fn disable(&mut self, units: &[String]) -> Result<(), Failure> {
        self.log.push(Step::Disable(units.to_vec()).to_string());
        self.context
            .systemd
            .disable(units)
            .await
            .map_err(Failure::new)
    }

    /// If they stay open, the step that opens the address reports who holds it.
    pub(super) async fn await_closed(&self, endpoints: &[Endpoint]) -> Result<(), Failure> {
        let until = Time::now() + CLOSE_TIMEOUT;
        while self.in_use(endpoints)?.is_some() && Time::now() < until {
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    pub(super) async fn open_socket(
        &mut self,
        socket: &str,
        endpoint: &Endpoint,
    ) -> Result<(), Failure> {
        self.log.push(format!("start {socket}"));
        let started = self
            .context
            .systemd
            .run(Verb::Start, &[socket.to_owned()])
            .await;
        if let Err(error) = started {
            // systemd reports that a job failed, and not which process listens there.
            let holders = self.in_use(std::slice::from_ref(endpoint))?;
            return Err(Failure::new(holders.map_or_else(
                || error.to_string(),
                |holders| format!("{socket}: {holders}"),
            )));
        }
        self.adopt(&[socket.to_owned()]).await
    }

    /// Without the forwarder, the old address is closed until the proxies are updated: a warning.
    pub(super) async fn forward(&mut self, socket: &str, from: &Endpoint, to: &Endpoint) {
        let host = self.context.host;
        let forwarder = forwarder::forwarder(&MovedPort {
            project: &host.project,
            slice: &host.slice,
            socket_unit: socket,
            from,
            to,
        });
        let transient = Transient {
            unit: forwarder.unit,
            options: forwarder.options,
            command: forwarder.command,
        };
        match self.context.systemd.start_transient(&transient).await {
            Ok(()) => self
                .log
                .push(format!("forward {from} to {to} until the proxies use it")),
            Err(error) => self.log.push(format!(
                "{from} is closed until the proxies use {to}: {error}"
            )),
        }
    }

    /// Records what active units run with. Only for units that run what is on disk.
    pub(super) async fn adopt(&mut self, units: &[String]) -> Result<(), Failure> {
        let states = self
            .context
            .systemd
            .states(units)
            .await
            .map_err(Failure::new)?;
        let is_adopted =
            |unit: &String, state: &UnitState| state.is_active() && !self.not_opened.contains(unit);
        let adopted: Vec<_> = states
            .iter()
            .filter(|(unit, state)| is_adopted(unit, state))
            .collect();
        for (unit, state) in adopted {
            let inputs = self
                .context
                .machine
                .inputs_of(self.context.host, unit, state);
            let record = Record {
                invocation: state.invocation.clone(),
                ..inputs.map_err(Failure::new)?
            };
            self.set_record(unit, record)?;
        }
        Ok(())
    }

    /// Who listens at one of these addresses.
    pub(super) fn in_use(&self, endpoints: &[Endpoint]) -> Result<Option<String>, Failure> {
        let listeners = listener::listeners(&self.context.machine.proc);
        let listeners = listeners.map_err(|error| Failure::new(format!("/proc/net: {error}")))?;
        let held = listener::at(&listeners, endpoints);
        let texts: Vec<String> = held.into_iter().map(ToString::to_string).collect();
        Ok((!texts.is_empty()).then(|| texts.join(", ")))
    }
}
