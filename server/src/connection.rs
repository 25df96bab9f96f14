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
use tokio::sync::futures::Notified;
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

/// While a new connection has sent nothing for longer than this, a drain accepts
/// other connections.
const STALLED: Duration = Duration::from_millis(50);

#[derive(Debug)]
struct Entry {
    pulse: Arc<Pulse>,
    task: Option<AbortHandle>,
    opened: Instant,
}

/// The start of a drain, which divides connections into earlier and later ones.
#[derive(Clone, Copy, Debug)]
struct Drain {
    began: Instant,
    /// The first id that is assigned after the start.
    first_later: u64,
    /// Earlier connections that are still open.
    earlier: usize,
}

/// Whether a drain has to wait before it may close idle connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wait {
    /// No: connections are idle past their grace, or their request is in flight.
    Over,
    /// For requests that are arriving, or about to arrive on a new connection.
    Short,
    /// For the peer of an idle connection to use or close it.
    Long,
}

#[derive(Debug, Default)]
struct Open {
    entries: HashMap<u64, Entry>,
    drain: Option<Drain>,
}

/// All open connections.
#[derive(Debug)]
pub(crate) struct Connections {
    clock: Arc<Clock>,
    open: Mutex<Open>,
    next: AtomicU64,
    drained: Notify,
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
            drained: Notify::new(),
        }
    }
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, Open> {
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
            opened: Instant::now(),
        };
        self.lock().entries.insert(id, entry);
        let connections = self;
        Registration {
            connections,
            id,
            pulse,
        }
    }

    /// Names the task that serves a connection, so that it can be ended.
    pub(crate) fn served_by(&self, id: u64, task: AbortHandle) {
        if let Some(entry) = self.lock().entries.get_mut(&id) {
            entry.task = Some(task);
        }
    }

    /// Time since the start, as old as the last sweep.
    pub(crate) fn now(&self) -> Duration {
        Duration::from_millis(self.clock.millis.load(Relaxed))
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.lock().entries.len()
    }

    /// Starts a drain. Connections registered from now on are later ones.
    pub(crate) fn begin_drain(&self) {
        let mut open = self.lock();
        open.drain = Some(Drain {
            began: Instant::now(),
            first_later: self.next.load(Relaxed),
            earlier: open.entries.len(),
        });
    }

    /// Whether a drain that leaves idle connections open for `grace` has to wait.
    pub(crate) fn wait_of(&self, grace: Duration) -> Wait {
        let open = self.lock();
        let Some(drain) = open.drain else {
            return Wait::Over;
        };
        let now = Instant::now();
        let waits = open.entries.iter();
        let waits = waits.map(|(id, entry)| drain.wait_for(*id, entry, (now, grace)));
        waits.max().unwrap_or(Wait::Over)
    }

    /// Completes when the last earlier connection closes, or the last of all.
    pub(crate) fn drained(&self) -> Notified<'_> {
        self.drained.notified()
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
        for entry in self.lock().entries.values().filter(|entry| chosen(entry)) {
            if let Some(task) = &entry.task {
                task.abort();
                number += 1;
            }
        }
        number
    }
}

impl Drain {
    /// Each connection is left open for the grace, counted from the start of the drain or from its
    /// opening, whichever is later. A later one closes with its first answer, so a drain waits only
    /// for its first request.
    fn wait_for(&self, id: u64, entry: &Entry, (now, grace): (Instant, Duration)) -> Wait {
        let draining = now.saturating_duration_since(self.began);
        let age = now.saturating_duration_since(entry.opened);
        let is_earlier = id < self.first_later;
        if is_earlier && draining < grace {
            Wait::Long
        } else if entry.pulse.is(Phase::Head) {
            // The request timeout ends a head that is never completed.
            Wait::Short
        } else if is_earlier || !entry.pulse.is(Phase::First) || age >= grace {
            Wait::Over
        } else if age > STALLED && draining < grace {
            Wait::Long
        } else {
            Wait::Short
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
        open.entries.remove(&self.id);
        let is_last = open.entries.is_empty();
        let Some(drain) = &mut open.drain else { return };
        let is_earlier = self.id < drain.first_later;
        drain.earlier -= usize::from(is_earlier);
        if is_last || (is_earlier && drain.earlier == 0) {
            self.connections.drained.notify_waiters();
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
