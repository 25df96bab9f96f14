//! Starts, restarts, and reloads proxies.

use std::path::Path;
use std::time::Duration;

use model::Proxy;
use tokio::time::{Instant as Time, sleep};

use super::{Executor, Failure};
use crate::health_check::Checker;
use crate::proxy::kernel_settings::KernelSettings;
use crate::systemd::{Systemd, UnitState, Verb};

/// Time in which the status page of a proxy must respond.
const STATUS_TIMEOUT: Duration = Duration::from_secs(30);
/// Time limit of one request for it.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// Time between two requests.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

impl<S: Systemd, C: Checker> Executor<'_, S, C> {
    /// Starts, restarts, or reloads a proxy, and waits until its status page responds.
    pub(super) async fn proxy(&mut self, unit: &str, verb: Verb) -> Result<(), Failure> {
        let proxy = self.described(unit)?;
        self.log.push(format!("{verb} {unit}"));
        let before = self.state(unit).await?.invocation;
        let units = [unit.to_owned()];
        let systemd = self.context.systemd;
        let requested = match verb {
            // A start ends when the proxy is ready; the loop below reports why it is not.
            Verb::Start | Verb::Restart => systemd.request(verb, &units).await,
            _ => systemd.run(verb, &units).await,
        };
        requested.map_err(Failure::new)?;
        // systemd may not have begun to stop it yet.
        let replaced = Some(before).filter(|_| verb == Verb::Restart);
        self.await_status(&proxy, replaced.as_deref()).await?;
        self.adopt(&units).await
    }

    /// `replaced`: the invocation that a restart ends.
    async fn await_status(&self, proxy: &Proxy, replaced: Option<&str>) -> Result<(), Failure> {
        let until = Time::now() + STATUS_TIMEOUT;
        loop {
            let state = self.state(&proxy.unit).await?;
            let reason = if Some(state.invocation.as_str()) == replaced {
                "it has not stopped yet".to_owned()
            } else if state.is_active() {
                match self.check_status(proxy).await {
                    Ok(()) => return Ok(()),
                    Err(reason) => reason,
                }
            } else {
                state.ending()
            };
            if Time::now() > until {
                let seconds = STATUS_TIMEOUT.as_secs();
                return Err(Failure::new(format!(
                    "{} is not healthy after {seconds} s: {reason}",
                    proxy.unit
                )));
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// A proxy that is down could not bind its status page if another process responds there, whose
    /// response would pass for its own.
    pub(super) async fn require_own_status(&self, unit: &str) -> Result<(), Failure> {
        let proxy = self.described(unit)?;
        if !self.state(unit).await?.is_down() || self.check_status(&proxy).await.is_err() {
            return Ok(());
        }
        // Unless a connection to its port has started it between the two.
        if !self.state(unit).await?.is_down() {
            return Ok(());
        }
        Err(Failure::new(format!(
            "{unit}: another process responds at http://{}{}; set another `status_port` for this proxy",
            proxy.status_endpoint, proxy.status_check.path
        )))
    }

    /// A container may not be allowed to change kernel settings, and the proxy works without them.
    pub(super) fn apply_kernel_settings(&mut self, unit: &str, file: &Path) {
        let settings = KernelSettings::of_this_host();
        for setting in settings.pending(file) {
            let problem = format!("{unit}: {setting} of {} is not in effect", file.display());
            if let Some(later) = settings.overriding(file, &setting) {
                self.warnings
                    .push(format!("{problem}: overridden by {}", later.display()));
                continue;
            }
            match settings.apply(&setting) {
                Ok(()) => self.log.push(format!("set {setting}")),
                Err(reason) => self.warnings.push(format!("{problem}: {reason}")),
            }
        }
    }

    async fn check_status(&self, proxy: &Proxy) -> Result<(), String> {
        let (endpoint, check) = (&proxy.status_endpoint, &proxy.status_check);
        let checker = self.context.checker;
        let response = checker.check(endpoint, check, CHECK_TIMEOUT);
        response.await.map_err(|failure| failure.to_string())
    }

    async fn state(&self, unit: &str) -> Result<UnitState, Failure> {
        let states = self.context.systemd.states(&[unit.to_owned()]).await;
        Ok(states
            .map_err(Failure::new)?
            .remove(unit)
            .unwrap_or_default())
    }

    fn described(&self, unit: &str) -> Result<Proxy, Failure> {
        let mut proxies = self.context.host.proxies.iter();
        let proxy = proxies.find(|proxy| proxy.unit == unit).cloned();
        proxy.ok_or_else(|| Failure::new(format!("no proxy is named {unit}")))
    }
}
