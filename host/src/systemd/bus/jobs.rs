//! Requests jobs, and waits until they are done.

use std::collections::BTreeMap;
use std::time::Duration;

use zbus::{Connection, OwnedObjectPath};

use super::Bus;
use super::call::{Method, decode};
use super::properties;
use super::signals::{RemovedJob, Signals};
use crate::systemd::{Activity, Error, Verb};

/// Limit for all jobs of one request.
const TIMEOUT: Duration = Duration::from_mins(10);
/// How long no job may end before systemd is asked for those that are left.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);
/// How often it is asked while no signals are received.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

fn method(verb: Verb) -> Method<'static> {
    Method::manager(match verb {
        Verb::Start => "StartUnit",
        Verb::Stop | Verb::StopAlone => "StopUnit",
        Verb::Restart => "RestartUnit",
        Verb::Reload => "ReloadUnit",
    })
}

/// The mode of a job: what happens to other jobs and to units that depend on the unit.
fn mode(verb: Verb) -> &'static str {
    match verb {
        Verb::StopAlone => "ignore-requirements",
        Verb::Start | Verb::Stop | Verb::Restart | Verb::Reload => "replace",
    }
}

/// Jobs of one request.
#[derive(Debug)]
struct Jobs {
    verb: Verb,
    /// Units of jobs that are not done, by object path of the job.
    pending: BTreeMap<String, String>,
    /// Units and why they failed.
    failures: Vec<String>,
}

impl Jobs {
    fn new(verb: Verb) -> Self {
        Self {
            verb,
            pending: BTreeMap::new(),
            failures: Vec::new(),
        }
    }

    fn fail(&mut self, unit: &str, reason: &str) {
        self.failures.push(format!("{unit}: {reason}"));
    }

    /// A job was removed. It may be of another request.
    fn remove(&mut self, removed: &RemovedJob) {
        if let Some(unit) = self.pending.remove(&removed.path)
            && !matches!(removed.result.as_str(), "done" | "skipped")
        {
            self.fail(&unit, &format!("job result {}", removed.result));
        }
    }

    /// The jobs of all signals that were received were removed.
    async fn remove_received(&mut self, signals: &mut Signals) {
        while let Some(removed) = signals.next_received().await {
            self.remove(&removed);
        }
    }

    /// A unit has no job left, and the signal with the result was not received.
    fn judge(&mut self, unit: &str, activity: Activity) {
        self.pending.retain(|_, pending| pending != unit);
        let is_done = match self.verb {
            Verb::Start | Verb::Restart | Verb::Reload => activity == Activity::Active,
            Verb::Stop | Verb::StopAlone => {
                matches!(activity, Activity::Inactive | Activity::Failed)
            }
        };
        if !is_done {
            self.fail(unit, &format!("{activity} after the job"));
        }
    }

    /// The time is up.
    fn expire(&mut self) {
        for unit in std::mem::take(&mut self.pending).into_values() {
            self.fail(
                &unit,
                &format!("job not done within {} s", TIMEOUT.as_secs()),
            );
        }
    }

    fn into_result(self) -> Result<(), Error> {
        if self.failures.is_empty() {
            return Ok(());
        }
        Err(Error {
            request: self.verb.to_string(),
            reason: self.failures.join("; "),
        })
    }
}

impl Bus {
    /// Requests a job for each unit, those of other units even if one fails, and waits until they are done.
    pub(super) async fn run_jobs(&self, verb: Verb, units: &[String]) -> Result<(), Error> {
        if units.is_empty() {
            return Ok(());
        }
        let mut signals = self.subscribe().await?;
        let mut jobs = Jobs::new(verb);
        for unit in units {
            self.request_job(&signals.connection, unit, &mut jobs).await;
            // Now, as a full queue of signals blocks replies. systemd sends the reply before the signal.
            jobs.remove_received(&mut signals).await;
        }
        let wait = self.wait(&mut jobs, &mut signals);
        if tokio::time::timeout(TIMEOUT, wait).await.is_err() {
            jobs.expire();
        }
        jobs.into_result()
    }

    /// Requests a job for each unit.
    pub(super) async fn request_jobs(&self, verb: Verb, units: &[String]) -> Result<(), Error> {
        let mut jobs = Jobs::new(verb);
        let connection = self.connection().await?;
        for unit in units {
            self.request_job(&connection, unit, &mut jobs).await;
        }
        jobs.into_result()
    }

    async fn request_job(&self, connection: &Connection, unit: &str, jobs: &mut Jobs) {
        let method = method(jobs.verb);
        let body = (unit, mode(jobs.verb));
        match self.call(connection, method, &body).await {
            Err(error) => jobs.fail(unit, &error.cause.to_string()),
            Ok(reply) => match decode::<OwnedObjectPath>(method.name, &reply) {
                Ok(path) => drop(jobs.pending.insert(path.to_string(), unit.to_owned())),
                Err(error) => jobs.fail(unit, &error.to_string()),
            },
        }
    }

    async fn wait(&self, jobs: &mut Jobs, signals: &mut Signals) {
        while !jobs.pending.is_empty() {
            if signals.is_closed {
                tokio::time::sleep(POLL_INTERVAL).await;
                self.check(jobs, signals).await;
                continue;
            }
            match tokio::time::timeout(CHECK_INTERVAL, signals.next()).await {
                Ok(Some(removed)) => jobs.remove(&removed),
                Ok(None) => {}
                Err(_) => self.check(jobs, signals).await,
            }
        }
    }

    /// Ends the jobs that are no longer in the queue and of which no signal was received: the connection, or
    /// that of systemd, was lost.
    async fn check(&self, jobs: &mut Jobs, signals: &mut Signals) {
        let mut without_job = Vec::new();
        for unit in jobs.pending.values() {
            let Ok(properties) = self.properties(unit).await else {
                return;
            };
            if let Ok(Some(activity)) = properties::activity_without_job(unit, properties) {
                without_job.push((unit.clone(), activity));
            }
        }
        // Signals that were sent before the replies were received before them.
        jobs.remove_received(signals).await;
        for (unit, activity) in without_job {
            if jobs.pending.values().any(|pending| *pending == unit) {
                jobs.judge(&unit, activity);
            }
        }
    }
}

#[cfg(test)]
mod tests;
