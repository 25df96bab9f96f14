//! Executes the steps of a plan.
//!
//! Decides nothing: the first step that fails ends the execution, or is reported and followed by the
//! next one ([`OnFailure::Continue`]).

mod instance;
mod proxy;
mod unit;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use crate::health_check::Checker;
use crate::host::Host;
use crate::observation::{Machine, Observation};
use crate::plan::{Move, Step};
use crate::records::{Record, Records};
use crate::systemd::Systemd;
use crate::unfinished::Unfinished;

/// A step that failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Failure {
    /// The instance that failed, if one did.
    pub(crate) instance: Option<String>,
    /// What failed, and why.
    pub(crate) message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Failure {
    /// A failure that no instance caused.
    #[expect(clippy::needless_pass_by_value, reason = "for map_err")]
    pub(crate) fn new(message: impl ToString) -> Self {
        Self {
            instance: None,
            message: message.to_string(),
        }
    }
}

/// What follows a step that fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum OnFailure {
    /// The execution ends.
    Stop,
    /// The failure is reported, and the next step follows.
    Continue,
}

/// What a release that passes becomes in the history of its app.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum History {
    /// The newest.
    #[default]
    Record,
    /// What it was: after a rollback, the next one selects an older release.
    Keep,
}

/// The parts of the host that steps change.
#[derive(Debug)]
pub(crate) struct Context<'c, S, C> {
    /// The desired state.
    pub(crate) host: &'c Host,
    /// Files and processes.
    pub(crate) machine: &'c Machine,
    /// The service manager.
    pub(crate) systemd: &'c S,
    /// Sends health checks.
    pub(crate) checker: &'c C,
}

impl<S, C> Clone for Context<'_, S, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, C> Copy for Context<'_, S, C> {}

/// An instance that was started and was healthy.
#[derive(Clone, Debug)]
struct Touched {
    unit: String,
    invocation: String,
    /// When it was requested to start, in microseconds on `CLOCK_MONOTONIC`.
    requested_at_us: u64,
    /// The invocation that ran before.
    before: String,
}

/// Executes steps and remembers what they have done.
#[derive(Debug)]
pub(crate) struct Executor<'c, S, C> {
    context: Context<'c, S, C>,
    records: Records,
    /// Instances that were started, in this order.
    touched: Vec<Touched>,
    /// Sockets that could not be opened; one that is still open is so at another address.
    not_opened: BTreeSet<String>,
    /// Time for which the first instance runs before the next one restarts.
    observe: Duration,
    /// Whether a record that cannot be written fails its step.
    on_record_error: OnFailure,
    /// Where the changes of releases are recorded before they are complete.
    unfinished: Option<Unfinished>,
    /// What releases that pass become in the history.
    history: History,
    /// The changes of releases so far; the last one is not complete before it is proven.
    pub(crate) moves: Vec<Move>,
    /// What was done, one line for each step that changes something.
    pub(crate) log: Vec<String>,
    /// What an operator should know, although nothing failed.
    pub(crate) warnings: Vec<String>,
}

impl<'c, S: Systemd, C: Checker> Executor<'c, S, C> {
    /// An executor that has done nothing.
    pub(crate) fn new(context: Context<'c, S, C>) -> Result<Self, Failure> {
        let records = context.machine.records(context.host);
        Ok(Self {
            context,
            records: records.map_err(Failure::new)?,
            touched: Vec::new(),
            not_opened: BTreeSet::new(),
            on_record_error: OnFailure::Stop,
            observe: Duration::ZERO,
            unfinished: None,
            history: History::default(),
            moves: Vec::new(),
            log: Vec::new(),
            warnings: Vec::new(),
        })
    }

    /// The first instance runs alone for this time.
    pub(crate) fn observing(mut self, observe: Duration) -> Self {
        self.observe = observe;
        self
    }

    /// Releases that pass become this in the history.
    pub(crate) fn with_history(mut self, history: History) -> Self {
        self.history = history;
        self
    }

    /// A record that cannot be written is a warning: on a full disk, a rollback must be possible.
    pub(crate) fn without_required_records(mut self) -> Self {
        self.on_record_error = OnFailure::Continue;
        self
    }

    fn set_record(&mut self, unit: &str, record: Record) -> Result<(), Failure> {
        let Err(error) = self.records.set(unit, record) else {
            return Ok(());
        };
        if self.on_record_error == OnFailure::Stop {
            return Err(Failure::new(error));
        }
        self.warnings.push(format!(
            "{unit}: what it runs with is not recorded: {error}"
        ));
        Ok(())
    }

    /// Changes of releases are recorded in this file.
    pub(crate) fn recording(mut self, unfinished: Unfinished) -> Self {
        self.unfinished = Some(unfinished);
        self
    }

    /// Executes steps until one fails.
    pub(crate) async fn run(&mut self, steps: &[Step]) -> Result<(), Failure> {
        let failures = self.run_all(steps, OnFailure::Stop).await;
        failures.into_iter().next().map_or(Ok(()), Err)
    }

    /// Executes steps; returns those that failed.
    pub(crate) async fn run_all(&mut self, steps: &[Step], on_failure: OnFailure) -> Vec<Failure> {
        let mut failures = Vec::new();
        for step in steps {
            if on_failure == OnFailure::Continue {
                // An instance that exits is no reason for the step of another one to fail.
                self.touched.clear();
            }
            let Err(failure) = self.step(step).await else {
                continue;
            };
            if let Step::OpenSocket { socket, .. } = step {
                self.not_opened.insert(socket.clone());
            }
            failures.push(failure);
            if on_failure == OnFailure::Stop {
                break;
            }
        }
        failures
    }

    async fn step(&mut self, step: &Step) -> Result<(), Failure> {
        match step {
            Step::ReloadManager => self.reload_manager().await,
            Step::Units { verb, units, wait } => self.units(*verb, units, *wait).await,
            Step::Enable(units) => self.enable(units).await,
            Step::Disable(units) => self.disable(units).await,
            Step::AwaitClosed(endpoints) => self.await_closed(endpoints).await,
            Step::OpenSocket { socket, endpoint } => self.open_socket(socket, endpoint).await,
            Step::RequireFree { unit, endpoint } => self.require_free(unit, endpoint),
            Step::Forward { socket, from, to } => {
                self.forward(socket, from, to).await;
                Ok(())
            }
            Step::Instance { unit, verb } => self.touch(unit, *verb).await,
            Step::Select(change) => self.select(change).await,
            Step::Prove(change) => self.prove(change),
            Step::RequireOwnStatus(unit) => self.require_own_status(unit).await,
            Step::Proxy { unit, verb } => self.proxy(unit, *verb).await,
            Step::KernelSettings { unit, file } => {
                self.apply_kernel_settings(unit, file);
                Ok(())
            }
            Step::Adopt(units) => self.adopt(units).await,
            Step::Remove(path) => self.remove(path),
        }
    }

    async fn select(&mut self, change: &Move) -> Result<(), Failure> {
        let app = self.context.host.app(&change.app);
        let app = app.ok_or_else(|| Failure::new(format!("no app is named {}", change.app)))?;
        self.moves.push(change.clone());
        self.record_moves()?;
        let store = self.context.machine.store(&app.directory);
        let current = store.current().map_err(Failure::new)?;
        if current.as_ref() != Some(&change.release) {
            let Context { host, machine, .. } = self.context;
            let observation = machine.observe(host, self.context.systemd).await;
            self.record_releases(&change.app, &observation.map_err(Failure::new)?)?;
        }
        store.select(&change.release).map_err(Failure::new)
    }

    /// Records which instances of an app systemd has restarted, before another release becomes the current one.
    /// Afterwards, nothing distinguishes them from instances that it restarts with that one.
    pub(crate) fn record_releases(
        &mut self,
        app: &str,
        observation: &Observation,
    ) -> Result<(), Failure> {
        for instance in self.context.host.instances_of(app) {
            let unit = &instance.unit;
            let state = observation.unit(unit);
            let Some(record) = observation.started.get(unit) else {
                continue;
            };
            if !state.is_active() || record.invocation == state.invocation {
                continue;
            }
            let record = Record {
                release: observation.assumed_release(unit).map(str::to_owned),
                restarted: Some(state.invocation),
                ..record.clone()
            };
            self.set_record(unit, record)?;
        }
        Ok(())
    }

    fn prove(&mut self, change: &Move) -> Result<(), Failure> {
        let app = self.context.host.app(&change.app);
        let app = app.ok_or_else(|| Failure::new(format!("no app is named {}", change.app)))?;
        // Before it is visible: an undo of this run has to know what to undo.
        self.record_moves()?;
        let store = self.context.machine.store(&app.directory);
        store.prove(&change.release).map_err(Failure::new)?;
        let is_touched = self
            .moves
            .iter()
            .any(|m| m.app == change.app && !m.touched.is_empty());
        if self.history == History::Record && (is_touched || change.is_change()) {
            let previous = change.previous.as_deref();
            store
                .record(&change.release, previous)
                .map_err(Failure::new)?;
        }
        Ok(())
    }

    fn record_moves(&self) -> Result<(), Failure> {
        let Some(unfinished) = &self.unfinished else {
            return Ok(());
        };
        unfinished.write(&self.moves).map_err(Failure::new)
    }

    fn remove(&mut self, path: &std::path::Path) -> Result<(), Failure> {
        self.log.push(format!("remove {}", path.display()));
        crate::files::remove(&self.context.machine.root, path).map_err(Failure::new)
    }
}
