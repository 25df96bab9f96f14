//! The supervisor of the workers: starts, replaces, and stops them.

use std::collections::{BTreeMap, VecDeque};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::backoff::Backoff;
use super::process_table::process_table;
use super::worker::{Message, SpawnSpec, Stage, Worker, WorkerEvent};
use super::worker_parameters::WorkerParameters;
use crate::log::Log;
use crate::serve::RunState;

/// Time from the start of a worker until it must be ready.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Time after the drain deadline before a stopping worker is killed.
const KILL_MARGIN: Duration = Duration::from_secs(1);

/// The configuration of a supervisor.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) spec: SpawnSpec,
    pub(super) parameters: WorkerParameters,
    /// Time without a ping after which a worker is killed.
    pub(super) ping_timeout: Duration,
    pub(super) drain: Duration,
    pub(super) respawn: Duration,
}

/// A slot for one worker, and the time of its next start.
#[derive(Debug)]
struct Slot {
    backoff: Backoff,
    due: Instant,
}

/// The workers of a cluster, and the state of a rolling restart.
#[derive(Debug)]
pub(super) struct Supervisor {
    config: Config,
    log: Log,
    events: mpsc::UnboundedSender<Message>,
    workers: BTreeMap<u64, Worker>,
    slots: Vec<Slot>,
    next_id: u64,
    /// Slots whose worker is still to be replaced in a rolling restart.
    pending_restarts: VecDeque<usize>,
    is_stopping: bool,
}

impl Supervisor {
    /// Creates a supervisor without workers.
    pub(super) fn new(config: Config, log: Log, events: mpsc::UnboundedSender<Message>) -> Self {
        let due = Instant::now();
        let slot = |_| Slot {
            backoff: Backoff::default(),
            due,
        };
        Self {
            slots: (0..config.parameters.workers).map(slot).collect(),
            config,
            log,
            events,
            workers: BTreeMap::new(),
            next_id: 0,
            pending_restarts: VecDeque::new(),
            is_stopping: false,
        }
    }

    /// Starts a worker in each empty slot that is due.
    pub(super) fn start_due_workers(&mut self) {
        let now = Instant::now();
        for slot in 0..self.slots.len() {
            if !self.is_stopping && !self.is_occupied(slot) && self.slots[slot].due <= now {
                self.start(slot);
            }
        }
    }

    /// Returns the time of the next start.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let empty = |&slot: &usize| !self.is_stopping && !self.is_occupied(slot);
        let slots = (0..self.slots.len()).filter(empty);
        slots.map(|slot| self.slots[slot].due).min()
    }

    fn is_occupied(&self, slot: usize) -> bool {
        self.workers
            .values()
            .any(|worker| worker.slot == slot && worker.stage != Stage::Stopping)
    }

    fn start(&mut self, slot: usize) {
        let mut parameters = self.config.parameters;
        parameters.number = slot + 1;
        let id = self.next_id;
        self.next_id += 1;
        match Worker::start(&self.config.spec, &parameters, id, &self.events) {
            Ok(worker) => drop(self.workers.insert(id, worker)),
            Err(error) => {
                self.log
                    .warn(format!("cannot start worker {}: {error}", slot + 1));
                self.pending_restarts.clear();
                self.schedule_start(slot, Duration::ZERO);
            }
        }
    }

    fn schedule_start(&mut self, slot: usize, uptime: Duration) -> Duration {
        let delay = self.slots[slot].backoff.delay(uptime, self.config.respawn);
        self.slots[slot].due = Instant::now() + delay;
        delay
    }

    /// Handles an event of a worker.
    pub(super) fn on_event(&mut self, (id, event): Message) {
        let Some(worker) = self.workers.get_mut(&id) else {
            return;
        };
        match event {
            WorkerEvent::Ping => worker.last_ping = Instant::now(),
            WorkerEvent::Ready => {
                if worker.stage == Stage::Starting {
                    worker.set_stage(Stage::Ready);
                    let slot = worker.slot;
                    self.stop_predecessors(id, slot);
                }
            }
            WorkerEvent::Exited(status) => {
                if let Some(worker) = self.workers.remove(&id) {
                    self.on_exit(&worker, status.ok());
                }
            }
        }
        self.continue_rolling_restart();
    }

    fn stop_predecessors(&mut self, id: u64, slot: usize) {
        for (&other, worker) in &mut self.workers {
            if other < id && worker.slot == slot && worker.stage != Stage::Stopping {
                worker.stop(RunState::Drain);
            }
        }
    }

    fn on_exit(&mut self, worker: &Worker, status: Option<ExitStatus>) {
        let name = format!("worker {} (pid {})", worker.slot + 1, worker.pid);
        if worker.stage == Stage::Stopping {
            self.log.info(format!("{name} stopped"));
            return;
        }
        let status = status.map_or_else(
            || "unknown exit status".to_owned(),
            |status| status.to_string(),
        );
        if self.is_occupied(worker.slot) {
            // A replacement failed to start. The worker it was to replace keeps running.
            self.pending_restarts.clear();
            self.log.warn(format!(
                "{name} exited before it was ready: {status}; rolling restart canceled"
            ));
            return;
        }
        let delay = self
            .schedule_start(worker.slot, worker.started.elapsed())
            .as_millis();
        self.log
            .warn(format!("{name} exited: {status}; restarting in {delay} ms"));
    }

    /// Starts a rolling restart of all workers.
    pub(super) fn replace_all(&mut self) {
        self.pending_restarts = (0..self.slots.len()).collect();
        self.log.info("replacing workers one at a time");
        self.continue_rolling_restart();
    }

    /// Replaces the next worker if all workers are ready and none is stopping.
    fn continue_rolling_restart(&mut self) {
        if self.is_stopping || self.pending_restarts.is_empty() || !self.all_ready() {
            return;
        }
        if self.workers.len() == self.slots.len()
            && let Some(slot) = self.pending_restarts.pop_front()
        {
            self.start(slot);
        }
    }

    /// Whether each slot has a ready worker.
    pub(super) fn all_ready(&self) -> bool {
        let is_ready = |slot| {
            self.workers
                .values()
                .any(|worker| worker.slot == slot && worker.stage == Stage::Ready)
        };
        (0..self.slots.len()).all(is_ready)
    }

    /// Whether all workers are ready and none is starting, stopping, or to be replaced.
    pub(super) fn is_steady(&self) -> bool {
        self.pending_restarts.is_empty()
            && self.all_ready()
            && self.workers.len() == self.slots.len()
    }

    /// Whether at least one worker has sent a ping within the timeout.
    pub(super) fn has_responsive_worker(&self) -> bool {
        self.workers.values().any(|worker| {
            worker.stage == Stage::Ready && worker.last_ping.elapsed() < self.config.ping_timeout
        })
    }

    /// Stops all workers.
    pub(super) fn stop_all(&mut self, run_state: RunState) {
        self.is_stopping = true;
        for worker in self.workers.values_mut() {
            worker.stop(run_state);
        }
    }

    /// Whether no worker process is left.
    pub(super) fn is_empty(&self) -> bool {
        self.workers.is_empty()
    }

    /// Kills the workers that exceeded the timeout of their stage.
    pub(super) fn kill_overdue(&self) {
        for worker in self.workers.values() {
            let (is_overdue, reason) = match worker.stage {
                Stage::Starting => (worker.stage_age() > START_TIMEOUT, "start timeout"),
                Stage::Ready => (
                    worker.last_ping.elapsed() > self.config.ping_timeout,
                    "ping timeout",
                ),
                Stage::Stopping => {
                    let limit = self.config.drain + KILL_MARGIN;
                    (worker.stage_age() > limit, "stop timeout")
                }
            };
            if is_overdue {
                let name = format!("worker {} (pid {})", worker.slot + 1, worker.pid);
                self.log.warn(format!("{name} killed: {reason}"));
                worker.kill();
            }
        }
    }

    /// Formats the table of processes.
    pub(super) fn process_table(&self) -> String {
        let workers = self.workers.values();
        let mut rows: Vec<_> = workers
            .map(|worker| (worker.slot + 1, worker.pid, worker.started))
            .collect();
        rows.sort_by_key(|row| row.0);
        process_table(&rows)
    }
}
