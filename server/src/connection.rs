//! The open connections of a process, and how long each has been waiting.
//!
//! A connection carries a [`Pulse`]: what it waits for and since when. Reads,
//! writes and requests set it at the price of one store; one sweep for all
//! connections compares it with the limits. No connection has a timer.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::settings::Limits;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The next request.
    Idle = 0,
    /// The rest of a head.
    Head = 1,
    /// The rest of a body.
    Body = 2,
    /// The client to take the answer.
    Answer = 3,
    /// The first byte of its first request.
    First = 4,
}

/// Milliseconds since the start, moved on by the sweep: coarse and free.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    millis: AtomicU64,
}

/// Bits of a word that hold the phase.
const PHASE_BITS: u32 = 3;

/// Phase and the time it began, in one word.
#[derive(Debug)]
pub(crate) struct Pulse {
    clock: Arc<Clock>,
    word: AtomicU64,
}

impl Pulse {
    /// The connection waits for something else from now on.
    pub(crate) fn enter(&self, phase: Phase) {
        let now = self.clock.millis.load(Relaxed);
        self.word.store(now << PHASE_BITS | phase as u64, Relaxed);
    }

    fn is(&self, phase: Phase) -> bool {
        self.word.load(Relaxed) & ((1 << PHASE_BITS) - 1) == phase as u64
    }

    /// No request, and no part of one, has come.
    fn is_quiet(&self) -> bool {
        self.is(Phase::Idle) || self.is(Phase::First)
    }

    fn is_overdue(&self, limits: &Limits) -> bool {
        let since = Duration::from_millis(self.word.load(Relaxed) >> PHASE_BITS);
        let now = Duration::from_millis(self.clock.millis.load(Relaxed));
        let limit = if self.is_quiet() {
            limits.idle
        } else {
            limits.request
        };
        now.saturating_sub(since) > limit
    }
}

#[derive(Debug)]
struct Entry {
    pulse: Arc<Pulse>,
    task: Option<AbortHandle>,
}

/// All open connections.
#[derive(Debug)]
pub(crate) struct Connections {
    clock: Arc<Clock>,
    open: Mutex<HashMap<u64, Entry>>,
    next: AtomicU64,
    none_left: Notify,
}

impl Default for Connections {
    fn default() -> Self {
        let clock = Clock {
            started: Instant::now(),
            millis: AtomicU64::new(0),
        };
        Self {
            clock: Arc::new(clock),
            open: Mutex::default(),
            next: AtomicU64::new(0),
            none_left: Notify::new(),
        }
    }
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Entry>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a connection until the result is dropped.
    pub(crate) fn register(&'static self) -> Registration {
        let id = self.next.fetch_add(1, Relaxed);
        let word = AtomicU64::new(0);
        let clock = Arc::clone(&self.clock);
        let pulse = Arc::new(Pulse { clock, word });
        pulse.enter(Phase::First);
        let entry = Entry {
            pulse: Arc::clone(&pulse),
            task: None,
        };
        self.lock().insert(id, entry);
        let connections = self;
        Registration {
            connections,
            id,
            pulse,
        }
    }

    /// Names the task that serves a connection, so that it can be ended.
    pub(crate) fn served_by(&self, id: u64, task: AbortHandle) {
        if let Some(entry) = self.lock().get_mut(&id) {
            entry.task = Some(task);
        }
    }

    /// Time since the start, as old as the last sweep.
    pub(crate) fn now(&self) -> Duration {
        Duration::from_millis(self.clock.millis.load(Relaxed))
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Whether a request is about to come: a head has begun, or nothing yet has come of a
    /// connection that somebody opened for a request.
    pub(crate) fn are_expecting(&self) -> bool {
        let expects = |entry: &Entry| entry.pulse.is(Phase::First) || entry.pulse.is(Phase::Head);
        self.lock().values().any(expects)
    }

    /// Ends those that waited too long and says how many these were.
    pub(crate) fn sweep(&self, limits: &Limits) -> u64 {
        let now = self.clock.started.elapsed().as_millis();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        self.clock.millis.store(now, Relaxed);
        self.abort(|entry| entry.pulse.is_overdue(limits))
    }

    /// Ends all of them and says how many these were.
    pub(crate) fn abort_all(&self) -> u64 {
        self.abort(|_| true)
    }

    fn abort(&self, chosen: impl Fn(&Entry) -> bool) -> u64 {
        let mut number = 0;
        for entry in self.lock().values().filter(|entry| chosen(entry)) {
            if let Some(task) = &entry.task {
                task.abort();
                number += 1;
            }
        }
        number
    }

    /// Waits until none is open.
    pub(crate) async fn none_left(&self) {
        loop {
            let notified = self.none_left.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if self.lock().is_empty() {
                return;
            }
            notified.await;
        }
    }
}

/// A connection's place among the open ones.
#[derive(Debug)]
pub(crate) struct Registration {
    connections: &'static Connections,
    pub(crate) id: u64,
    pub(crate) pulse: Arc<Pulse>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        open.remove(&self.id);
        if open.is_empty() {
            self.connections.none_left.notify_waiters();
        }
    }
}

/// A stream whose reads and writes are seen by its pulse.
#[derive(Debug)]
pub(crate) struct Felt<S> {
    stream: S,
    pulse: Arc<Pulse>,
}

impl<S> Felt<S> {
    /// Joins a stream and a pulse.
    pub(crate) const fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse }
    }

    fn wrote(&self, result: io::Result<usize>) -> io::Result<usize> {
        // A client that takes some of the answer is slow, not gone.
        if result.is_ok() && self.pulse.is(Phase::Answer) {
            self.pulse.enter(Phase::Answer);
        }
        result
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Felt<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before && self.pulse.is_quiet() {
            self.pulse.enter(Phase::Head);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Felt<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, buffer));
        Poll::Ready(self.wrote(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        let written = ready!(stream.poll_write_vectored(context, buffers));
        Poll::Ready(self.wrote(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        if self.pulse.is(Phase::Answer) {
            self.pulse.enter(Phase::Idle);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
