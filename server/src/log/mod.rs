//! The log: one line per event on standard output, written without blocking requests.
//!
//! Requests add records to a bounded queue. A dedicated thread formats and writes
//! them in batches. If the reader of the log is slow and the queue is full,
//! records are dropped and their number is logged.

mod format;

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::settings::LogFormat;
use format::Format;

/// Maximum number of queued records.
const CAPACITY: usize = 8192;

/// Interval between two batches, so that a busy server wakes the writer 50 times
/// per second and not once per request.
const BATCH_INTERVAL: Duration = Duration::from_millis(20);

/// An event to log.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A list was generated.
    Generated {
        /// Number of draws.
        cant: u64,
        /// Time to generate the list.
        duration: Duration,
    },
    /// A message about the process.
    Info(String),
    /// A message that requires attention.
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
    /// Ignores poisoning: a panic of the writer must not stop the server.
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

/// A handle to the log.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    shared: Arc<Shared>,
}

impl Log {
    /// Starts a writer to standard output.
    pub(crate) fn start(format: LogFormat) -> Self {
        Self::start_on(Format::select(format), std::io::stdout())
    }

    fn start_on(format: Format, sink: impl Write + Send + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        let writer = Arc::clone(&shared);
        // If the thread cannot start, the server runs without a log.
        let _ = thread::Builder::new()
            .name("log".to_owned())
            .stack_size(128 * 1024)
            .spawn(move || write_all(&writer, format, sink));
        Self { shared }
    }

    /// Adds an event to the queue, or drops it if the queue is full.
    pub(crate) fn push(&self, event: Event) {
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

    /// Logs a message about the process.
    pub(crate) fn info(&self, text: impl Into<String>) {
        self.push(Event::Info(text.into()));
    }

    /// Logs a warning.
    pub(crate) fn warn(&self, text: impl Into<String>) {
        self.push(Event::Warning(text.into()));
    }

    /// Writes the queued records, and waits at most `timeout` for a slow reader.
    pub(crate) fn close(&self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        let mut queue = self.shared.lock();
        queue.closed = true;
        self.shared.changed.notify_all();
        while !queue.finished {
            let remaining = deadline.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return;
            }
            queue = self.shared.wait(queue, remaining);
        }
    }
}

fn write_all(shared: &Shared, format: Format, mut sink: impl Write) {
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
            // Collect a batch. When the log is closing, write immediately.
            queue = shared.wait(queue, BATCH_INTERVAL);
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
            format.write(&mut text, record.at, &record.event);
        }
        if dropped > 0 {
            let event = Event::Warning(format!("dropped {dropped} log lines"));
            format.write(&mut text, SystemTime::now(), &event);
        }
        // Fails if the reader has closed the pipe; the server continues without a log.
        let _ = sink.write_all(&text).and_then(|()| sink.flush());
        text.clear();
    }
}

#[cfg(test)]
mod tests;
