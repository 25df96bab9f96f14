//! The workers of a master: who is to be started, replaced, dismissed.

use std::collections::{BTreeMap, VecDeque};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::backoff::Backoff;
use super::inheritance::Inheritance;
use super::roster::roster;
use super::worker::{Message, News, Recipe, Stage, Worker};
use crate::log::Log;
use crate::serve::Order;

/// How long a worker may take to answer for the first time.
const START: Duration = Duration::from_secs(20);

/// How much longer than its drain deadline a leaving worker may live.
const LAST_RESORT: Duration = Duration::from_secs(1);

/// What a crew is told once.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) recipe: Recipe,
    pub(super) inheritance: Inheritance,
    /// Silence after which a worker counts as hung.
    pub(super) silence: Duration,
    pub(super) drain: Duration,
    pub(super) respawn: Duration,
}

/// A place that always has a worker, or will have one at a given time.
#[derive(Debug)]
struct Slot {
    backoff: Backoff,
    due: Instant,
}

/// The workers of a master.
#[derive(Debug)]
pub(super) struct Crew {
    terms: Terms,
    log: Log,
    news: mpsc::UnboundedSender<Message>,
    workers: BTreeMap<u64, Worker>,
    slots: Vec<Slot>,
    next: u64,
    /// Slots whose worker is still to be replaced by a new one.
    roll: VecDeque<usize>,
    is_stopping: bool,
}

impl Crew {
    /// A crew nobody of which has started.
    pub(super) fn new(terms: Terms, log: Log, news: mpsc::UnboundedSender<Message>) -> Self {
        let due = Instant::now();
        let slot = |_| Slot {
            backoff: Backoff::default(),
            due,
        };
        Self {
            slots: (0..terms.inheritance.of).map(slot).collect(),
            terms,
            log,
            news,
            workers: BTreeMap::new(),
            next: 0,
            roll: VecDeque::new(),
            is_stopping: false,
        }
    }

    /// Starts a worker on each place that has none and is due.
    pub(super) fn fill(&mut self) {
        let now = Instant::now();
        for slot in 0..self.slots.len() {
            if !self.is_stopping && !self.is_held(slot) && self.slots[slot].due <= now {
                self.start(slot);
            }
        }
    }

    /// When the next place is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let empty = |&slot: &usize| !self.is_stopping && !self.is_held(slot);
        let slots = (0..self.slots.len()).filter(empty);
        slots.map(|slot| self.slots[slot].due).min()
    }

    fn is_held(&self, slot: usize) -> bool {
        self.workers
            .values()
            .any(|worker| worker.slot == slot && worker.stage != Stage::Leaving)
    }

    fn start(&mut self, slot: usize) {
        let mut inheritance = self.terms.inheritance;
        inheritance.index = slot + 1;
        let id = self.next;
        self.next += 1;
        match Worker::start(&self.terms.recipe, &inheritance, id, &self.news) {
            Ok(worker) => drop(self.workers.insert(id, worker)),
            Err(error) => {
                self.log
                    .warn(format!("cannot start worker {}: {error}", slot + 1));
                self.roll.clear();
                self.postpone(slot, Duration::ZERO);
            }
        }
    }

    fn postpone(&mut self, slot: usize, lived: Duration) -> Duration {
        let pause = self.slots[slot].backoff.pause(lived, self.terms.respawn);
        self.slots[slot].due = Instant::now() + pause;
        pause
    }

    /// Takes note of what a worker said or that it is gone.
    pub(super) fn hear(&mut self, (id, news): Message) {
        let Some(worker) = self.workers.get_mut(&id) else {
            return;
        };
        match news {
            News::Alive => worker.heard = Instant::now(),
            News::Ready => {
                if worker.stage == Stage::Starting {
                    worker.enter(Stage::Ready);
                    let slot = worker.slot;
                    self.dismiss_predecessors(id, slot);
                }
            }
            News::Exited(status) => {
                if let Some(worker) = self.workers.remove(&id) {
                    self.mourn(&worker, status.ok());
                }
            }
        }
        self.advance_roll();
    }

    fn dismiss_predecessors(&mut self, id: u64, slot: usize) {
        for (&other, worker) in &mut self.workers {
            if other < id && worker.slot == slot && worker.stage != Stage::Leaving {
                worker.dismiss(Order::Drain);
            }
        }
    }

    fn mourn(&mut self, worker: &Worker, status: Option<ExitStatus>) {
        let name = format!("worker {} (pid {})", worker.slot + 1, worker.pid);
        if worker.stage == Stage::Leaving {
            self.log.note(format!("{name} has left"));
            return;
        }
        let how = status.map_or_else(|| "in an unknown way".to_owned(), |how| how.to_string());
        if self.is_held(worker.slot) {
            // A replacement that died; whom it was to replace goes on.
            self.roll.clear();
            self.log.warn(format!(
                "{name} ended before it answered: {how}; replacing is given up"
            ));
            return;
        }
        let pause = self
            .postpone(worker.slot, worker.born.elapsed())
            .as_millis();
        self.log
            .warn(format!("{name} ended: {how}; replaced in {pause} ms"));
    }

    /// Begins to replace all workers, one after the other.
    pub(super) fn replace_all(&mut self) {
        self.roll = (0..self.slots.len()).collect();
        self.log.note("replacing workers one by one");
        self.advance_roll();
    }

    /// Replaces the next one when everybody answers and nobody is leaving.
    fn advance_roll(&mut self) {
        if self.is_stopping || self.roll.is_empty() || !self.is_complete() {
            return;
        }
        if self.workers.len() == self.slots.len()
            && let Some(slot) = self.roll.pop_front()
        {
            self.start(slot);
        }
    }

    /// Whether each place has a worker that answers.
    pub(super) fn is_complete(&self) -> bool {
        let answers = |slot| {
            self.workers
                .values()
                .any(|worker| worker.slot == slot && worker.stage == Stage::Ready)
        };
        (0..self.slots.len()).all(answers)
    }

    /// Whether workers come and go at the moment.
    pub(super) fn is_settled(&self) -> bool {
        self.roll.is_empty() && self.is_complete() && self.workers.len() == self.slots.len()
    }

    /// Whether some worker has answered itself lately.
    pub(super) fn has_pulse(&self) -> bool {
        self.workers.values().any(|worker| {
            worker.stage == Stage::Ready && worker.heard.elapsed() < self.terms.silence
        })
    }

    /// Tells everybody to end.
    pub(super) fn dismiss_all(&mut self, order: Order) {
        self.is_stopping = true;
        for worker in self.workers.values_mut() {
            worker.dismiss(order);
        }
    }

    /// Whether nobody is left.
    pub(super) fn is_empty(&self) -> bool {
        self.workers.is_empty()
    }

    /// Kills those whose time is over.
    pub(super) fn enforce(&self) {
        for worker in self.workers.values() {
            let (is_over, why) = match worker.stage {
                Stage::Starting => (worker.stage_age() > START, "does not start"),
                Stage::Ready => (worker.heard.elapsed() > self.terms.silence, "hangs"),
                Stage::Leaving => {
                    let limit = self.terms.drain + LAST_RESORT;
                    (worker.stage_age() > limit, "does not leave")
                }
            };
            if is_over {
                let name = format!("worker {} (pid {})", worker.slot + 1, worker.pid);
                self.log.warn(format!("{name} {why}; killed"));
                worker.kill();
            }
        }
    }

    /// The list a person wants to read.
    pub(super) fn roster(&self) -> String {
        let workers = self.workers.values();
        let mut rows: Vec<_> = workers
            .map(|worker| (worker.slot + 1, worker.pid, worker.born))
            .collect();
        rows.sort_by_key(|row| row.0);
        roster(&rows)
    }
}
