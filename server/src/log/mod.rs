//! The log: one line an event on standard output, never waited for.
//!
//! Requests put small records into a bounded queue; a thread of its own
//! formats and writes them in batches. When the reader of the log is slow the
//! queue fills, records are dropped, and the number of the dropped is told.

mod form;

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::settings::LogForm;
use form::Form;

/// Records that may wait for the writer.
const CAPACITY: usize = 8192;

/// Pause between two batches: long enough that a busy server wakes the
/// writer 50 times a second and not once a request.
const BATCH: Duration = Duration::from_millis(20);

/// Something worth a line.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A list was generated.
    Generated {
        /// How many draws it tallies.
        cant: u64,
        /// How long that took.
        took: Duration,
    },
    /// Something happened to the process.
    Note(String),
    /// Something happened that a person should look at.
    Warning(String),
}

#[derive(Debug)]
struct Record {
    at: SystemTime,
    event: Event,
}

#[derive(Debug, Default)]
struct Queue {
    records: Vec<Record>,
    dropped: u64,
    closed: bool,
    finished: bool,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Shared {
    /// A writer that panicked must not take the server with it.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, queue: MutexGuard<'a, Queue>, time: Duration) -> MutexGuard<'a, Queue> {
        self.changed
            .wait_timeout(queue, time)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }
}

/// Where events are put.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    shared: Arc<Shared>,
}

impl Log {
    /// Starts the writer on standard output.
    pub(crate) fn start(form: LogForm) -> Self {
        Self::start_on(Form::choose(form), std::io::stdout())
    }

    fn start_on(form: Form, sink: impl Write + Send + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        let writer = Arc::clone(&shared);
        // Without the thread the queue fills and the server still serves.
        let _ = thread::Builder::new()
            .name("log".to_owned())
            .stack_size(128 * 1024)
            .spawn(move || write_all(&writer, form, sink));
        Self { shared }
    }

    /// Puts an event into the queue, or drops it when the queue is full.
    pub(crate) fn put(&self, event: Event) {
        let at = SystemTime::now();
        let mut queue = self.shared.lock();
        if queue.records.len() >= CAPACITY {
            queue.dropped += 1;
            return;
        }
        queue.records.push(Record { at, event });
        if queue.records.len() == 1 {
            self.shared.changed.notify_all();
        }
    }

    /// A line about the process.
    pub(crate) fn note(&self, text: impl Into<String>) {
        self.put(Event::Note(text.into()));
    }

    /// A line a person should look at.
    pub(crate) fn warn(&self, text: impl Into<String>) {
        self.put(Event::Warning(text.into()));
    }

    /// Writes what is queued, waiting at most `patience` for a slow reader.
    pub(crate) fn close(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut queue = self.shared.lock();
        queue.closed = true;
        self.shared.changed.notify_all();
        while !queue.finished {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            queue = self.shared.wait(queue, left);
        }
    }
}

fn write_all(shared: &Shared, form: Form, mut sink: impl Write) {
    let mut text = Vec::new();
    let mut batch = Vec::new();
    loop {
        let mut queue = shared.lock();
        while queue.records.is_empty() && !queue.closed {
            queue = shared
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if !queue.closed {
            // Let a batch gather; a closing log does not wait.
            queue = shared.wait(queue, BATCH);
        }
        std::mem::swap(&mut queue.records, &mut batch);
        let dropped = std::mem::take(&mut queue.dropped);
        let last = queue.closed && batch.is_empty() && dropped == 0;
        queue.finished = last;
        drop(queue);
        if last {
            shared.changed.notify_all();
            return;
        }
        for record in batch.drain(..) {
            form.write(&mut text, record.at, &record.event);
        }
        if dropped > 0 {
            let event = Event::Warning(format!("dropped {dropped} log lines"));
            form.write(&mut text, SystemTime::now(), &event);
        }
        // Nobody may be reading any more; that is no reason to stop.
        let _ = sink.write_all(&text).and_then(|()| sink.flush());
        text.clear();
    }
}

#[cfg(test)]
mod tests;
