//! Starts and restarts instances: one at a time, each healthy before the next.

use std::time::Duration;

use model::Endpoint;
use tokio::time::{Instant as Time, sleep};

use super::{Executor, Failure, Touched};
use crate::clock;
use crate::health_check::Checker;
use crate::host::Instance;
use crate::records::Record;
use crate::systemd::{Activity, States, Systemd, UnitState, Verb};

/// Time between two queries of an instance that starts.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Time between two queries while the first instance runs alone.
const OBSERVE_INTERVAL: Duration = Duration::from_millis(200);
/// Time in which an instance that is active must pass its health check.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);
/// Time limit of one check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// Checks for each instance behind a shared socket: any of them may answer.
const CHECKS_PER_SHARED: usize = 4;
/// Log lines in a failure.
const LOG_LINES: usize = 10;

/// An instance before it was started, which the new run is compared with.
struct Before<'i> {
    instance: &'i Instance,
    state: UnitState,
    /// When it was requested to start, in microseconds on `CLOCK_MONOTONIC`.
    requested_at_us: u64,
}

/// What a run lacks to be healthy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    Stopping,
    Starting,
    Unhealthy,
}

impl Phase {
    fn word(self) -> &'static str {
        match self {
            Self::Stopping => "stopping",
            Self::Starting => "starting",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl<S: Systemd, C: Checker> Executor<'_, S, C> {
    /// Starts or restarts an instance, and waits until it is healthy.
    pub(super) async fn touch(&mut self, unit: &str, verb: Verb) -> Result<(), Failure> {
        let instance = self.context.host.instance(unit).cloned();
        let instance =
            instance.ok_or_else(|| Failure::new(format!("no instance is named {unit}")))?;
        let states = self.states_with(unit).await?;
        self.check_touched(&states).await?;
        self.touched.retain(|touched| touched.unit != unit);
        let before = Before {
            instance: &instance,
            state: states.get(unit).cloned().unwrap_or_default(),
            requested_at_us: clock::monotonic_us(),
        };
        let inputs = self
            .context
            .machine
            .inputs_of(self.context.host, unit, &before.state);
        let mut inputs = inputs.map_err(Failure::new)?;
        if before.state.needs_reload {
            // systemd starts it with the earlier files, whose digest is unknown.
            inputs.inputs.clear();
        }
        self.record_start(&before)?;
        let verb = self.request(&before, verb).await?;
        let invocation = self.await_healthy(&before).await?;
        self.log.push(format!("{verb} {unit}"));
        self.passed(&before, invocation, inputs)?;
        if self.touched.len() == 1 {
            self.observe_first().await?;
        }
        Ok(())
    }

    /// Fails if an instance that this executor has started does not run any more.
    pub(crate) async fn check(&self) -> Result<(), Failure> {
        let units: Vec<String> = self
            .touched
            .iter()
            .map(|touched| touched.unit.clone())
            .collect();
        let states = self.context.systemd.states(&units).await;
        self.check_touched(&states.map_err(Failure::new)?).await
    }

    /// Records that a start is requested: after an interruption, it is unknown whether that run was healthy.
    fn record_start(&mut self, before: &Before<'_>) -> Result<(), Failure> {
        let unit = &before.instance.unit;
        let mut record = self.records.get(unit).cloned().unwrap_or_default();
        let invocation = || before.state.invocation.clone();
        // The current invocation may be of an earlier start like that.
        record.before_start.get_or_insert_with(invocation);
        self.set_record(unit, record)
    }

    fn passed(
        &mut self,
        before: &Before<'_>,
        invocation: String,
        inputs: Record,
    ) -> Result<(), Failure> {
        let unit = &before.instance.unit;
        let app = &before.instance.app;
        let change = self.moves.iter_mut().find(|m| m.app == *app);
        if let Some(change) = change {
            change.touched.insert(unit.clone(), invocation.clone());
        }
        self.touched.push(Touched {
            unit: unit.clone(),
            invocation: invocation.clone(),
            requested_at_us: before.requested_at_us,
            before: before.state.invocation.clone(),
        });
        let record = Record {
            invocation,
            ..inputs
        };
        self.set_record(unit, record)?;
        // An interruption after this step must know of this instance.
        self.record_moves()
    }

    async fn states_with(&self, unit: &str) -> Result<States, Failure> {
        let touched = self.touched.iter().map(|touched| touched.unit.clone());
        let units: Vec<String> = touched.chain([unit.to_owned()]).collect();
        self.context
            .systemd
            .states(&units)
            .await
            .map_err(Failure::new)
    }

    async fn check_touched(&self, states: &States) -> Result<(), Failure> {
        for touched in &self.touched {
            let unit = &touched.unit;
            let state = states.get(unit).cloned().unwrap_or_default();
            if state.invocation != touched.invocation || !state.is_active() {
                let systemd = self.context.systemd;
                let logged = systemd.exit_message(unit, touched.requested_at_us, &touched.before);
                let ending = logged.await.unwrap_or_else(|| state.ending());
                let reason = format!("exited after it was healthy: {ending}");
                return Err(self.failed(unit, &touched.invocation, &reason).await);
            }
        }
        Ok(())
    }

    /// Requests the start, so that restarts which systemd counts from then on are those of the new run.
    ///
    /// A request resets that number but, in systemd 252, not between the end of a run and systemd's own
    /// start of the next one: then a good release would fail for the restarts of the one before it.
    async fn request(&self, before: &Before<'_>, verb: Verb) -> Result<Verb, Failure> {
        let units = [before.instance.unit.clone()];
        let state = &before.state;
        let is_unsteady = state.restarts > 0 || is_changing(state);
        let verb = match verb {
            _ if is_unsteady => Verb::Start,
            // A connection to its socket has started it since the plan was made.
            Verb::Start if state.is_active() => Verb::Restart,
            verb => verb,
        };
        let systemd = self.context.systemd;
        let requested = async {
            if is_unsteady {
                // Otherwise systemd, or a socket, may start it first.
                systemd.run(Verb::Stop, &units).await?;
            }
            if is_unsteady || state.activity == Activity::Failed {
                systemd.reset_failed(&units[0]).await?;
            }
            systemd.request(verb, &units).await
        };
        let Err(error) = requested.await else {
            return Ok(verb);
        };
        // Only the reply may be lost.
        let states = systemd.states(&units).await.map_err(Failure::new)?;
        let now = states.get(&units[0]).cloned().unwrap_or_default();
        if is_changing(&now) || !is_same_run(&now, state) {
            return Ok(verb);
        }
        Err(self.failed_start(before, &error.to_string()).await)
    }

    /// Waits until a new run of the instance is healthy; returns its invocation. Each phase has its own
    /// time limit.
    async fn await_healthy(&self, before: &Before<'_>) -> Result<String, Failure> {
        let (mut phase, mut since) = (Phase::Stopping, Time::now());
        loop {
            let unit = &before.instance.unit;
            let states = self
                .context
                .systemd
                .states(std::slice::from_ref(unit))
                .await;
            let state = states
                .map_err(Failure::new)?
                .remove(unit)
                .unwrap_or_default();
            let Some(reason) = self.examine(before, &state).await? else {
                return Ok(state.invocation);
            };
            let reached = phase_of(&state, &before.state);
            if reached != phase {
                (phase, since) = (reached, Time::now());
            }
            let allowed = self.allowed(before, phase);
            if since.elapsed() > allowed {
                let seconds = allowed.as_secs_f64();
                let reason = format!("still {} after {seconds:.0} s: {reason}", phase.word());
                return Err(self.failed_start(before, &reason).await);
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    fn allowed(&self, before: &Before<'_>, phase: Phase) -> Duration {
        let host = self.context.host;
        let ready = host.ready_timeout(&before.instance.app);
        match phase {
            Phase::Stopping if before.state.is_active() => {
                host.stop_timeout(&before.instance.app) + ready
            }
            Phase::Stopping | Phase::Starting => ready,
            Phase::Unhealthy => HEALTH_TIMEOUT.min(ready),
        }
    }

    /// What a new run of the instance lacks; `None` if it is healthy. A run that ended is a failure.
    async fn examine(
        &self,
        before: &Before<'_>,
        state: &UnitState,
    ) -> Result<Option<String>, Failure> {
        let current = format!("{} ({})", state.activity, state.sub_state);
        if is_same_run(state, &before.state) {
            return Ok(Some(format!("still {current}")));
        }
        if state.is_down() || state.restarts > 0 {
            let unit = &before.instance.unit;
            let ending = self.first_ending(before, state).await;
            let reason = format!("exited before it was healthy: {ending}");
            return Err(self.failed(unit, &state.invocation, &reason).await);
        }
        if !state.is_active() {
            return Ok(Some(current));
        }
        Ok(self.check_health(before.instance).await.err())
    }

    async fn check_health(&self, instance: &Instance) -> Result<(), String> {
        let checks = match instance.sharing {
            1 => 1,
            sharing => CHECKS_PER_SHARED * sharing,
        };
        for _ in 0..checks {
            let checked =
                self.context
                    .checker
                    .check(&instance.endpoint, &instance.check, CHECK_TIMEOUT);
            checked.await.map_err(|failure| failure.to_string())?;
        }
        Ok(())
    }

    /// How the run that was started ended. systemd may have started the next one, whose state hides it.
    async fn first_ending(&self, before: &Before<'_>, state: &UnitState) -> String {
        let unit = &before.instance.unit;
        let systemd = self.context.systemd;
        let logged = systemd.exit_message(unit, before.requested_at_us, &before.state.invocation);
        logged.await.unwrap_or_else(|| state.ending())
    }

    async fn observe_first(&self) -> Result<(), Failure> {
        let until = Time::now() + self.observe;
        while Time::now() < until {
            sleep(OBSERVE_INTERVAL.min(self.observe)).await;
            self.check().await?;
        }
        Ok(())
    }

    async fn failed_start(&self, before: &Before<'_>, reason: &str) -> Failure {
        let unit = &before.instance.unit;
        let states = self
            .context
            .systemd
            .states(std::slice::from_ref(unit))
            .await;
        let Ok(mut states) = states else {
            // Whether the instance failed is not known.
            return Failure::new(format!("{unit}: {reason}"));
        };
        let state = states.remove(unit).unwrap_or_default();
        self.failed(unit, &state.invocation, reason).await
    }

    async fn failed(&self, unit: &str, invocation: &str, reason: &str) -> Failure {
        let log = self.context.systemd.log(unit, invocation, LOG_LINES).await;
        let mut message = format!("{unit}: {reason}");
        if !log.is_empty() {
            message.push_str("\n  last log lines:");
            for line in log {
                message.push_str("\n    ");
                message.push_str(&line);
            }
        }
        Failure {
            instance: Some(unit.to_owned()),
            message,
        }
    }

    pub(super) fn require_free(&self, unit: &str, endpoint: &Endpoint) -> Result<(), Failure> {
        match self.in_use(std::slice::from_ref(endpoint))? {
            Some(holders) => Err(Failure::new(format!("{unit}: {holders}"))),
            None => Ok(()),
        }
    }
}

fn phase_of(state: &UnitState, before: &UnitState) -> Phase {
    if is_same_run(state, before) {
        Phase::Stopping
    } else if state.is_ready_by_notification() {
        Phase::Unhealthy
    } else {
        Phase::Starting
    }
}

fn is_changing(state: &UnitState) -> bool {
    matches!(
        state.activity,
        Activity::Activating | Activity::Deactivating
    )
}

/// Whether no new run has begun. A unit that is not loaded has none.
fn is_same_run(state: &UnitState, before: &UnitState) -> bool {
    state.invocation.is_empty() || state.invocation == before.invocation
}
