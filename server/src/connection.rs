//! The open connections of a process and their timeouts.
//!
//! Each connection has an [`Activity`]: its phase and the start of the phase.
//! Reads, writes, and requests update it with one atomic store. One periodic
//! sweep compares all connections with the limits, so that no connection needs a
//! timer.

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

/// The phase of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Waits for the next request.
    Idle = 0,
    /// Waits for the rest of a request head.
    Head = 1,
    /// Waits for the rest of a request body.
    Body = 2,
    /// Waits until the client reads the response.
    Response = 3,
    /// Waits for the first byte of the first request.
    New = 4,
}

/// Milliseconds since the start of the process. The sweep updates it, so that
/// reading it needs no system call.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    millis: AtomicU64,
}

/// The number of bits that hold the phase.
const PHASE_BITS: u32 = 3;

/// The phase of a connection and its start time, in one atomic integer.
#[derive(Debug)]
pub(crate) struct Activity {
    clock: Arc<Clock>,
    value: AtomicU64,
}

impl Activity {
    /// Starts a phase.
    pub(crate) fn start_phase(&self, phase: Phase) {
        let now = self.clock.millis.load(Relaxed);
        self.value.store(now << PHASE_BITS | phase as u64, Relaxed);
    }

    fn is(&self, phase: Phase) -> bool {
        self.value.load(Relaxed) & ((1 << PHASE_BITS) - 1) == phase as u64
    }

    /// Whether no byte of a request has been received in this phase.
    fn is_idle(&self) -> bool {
        self.is(Phase::Idle) || self.is(Phase::New)
    }

    fn is_overdue(&self, limits: &Limits) -> bool {
        let since = Duration::from_millis(self.value.load(Relaxed) >> PHASE_BITS);
        let now = Duration::from_millis(self.clock.millis.load(Relaxed));
        let limit = if self.is_idle() {
            limits.idle
        } else {
            limits.request
        };
        now.saturating_sub(since) > limit
    }
}

/// Time without data on a new connection after which a drain accepts other
/// connections.
const STALL_TIMEOUT: Duration = Duration::from_millis(50);

#[derive(Debug)]
struct Entry {
    activity: Arc<Activity>,
    task: Option<AbortHandle>,
    opened: Instant,
}

/// The start of a drain. Connections opened before it are earlier ones, others are later ones.
#[derive(Clone, Copy, Debug)]
struct Drain {
    started: Instant,
    /// The first ID that is assigned after the start.
    first_later: u64,
    /// Number of earlier connections that are still open.
    earlier: usize,
}

/// The reason for which a drain must not close idle connections yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DrainWait {
    /// None: each connection is idle past its grace period, or has a request in flight.
    None,
    /// A request head is incomplete, or a new connection has sent nothing yet.
    Short,
    /// An idle connection is within its grace period.
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
        let value = AtomicU64::new(0);
        let clock = Arc::clone(&self.clock);
        let activity = Arc::new(Activity { clock, value });
        activity.start_phase(Phase::New);
        let entry = Entry {
            activity: Arc::clone(&activity),
            task: None,
            opened: Instant::now(),
        };
        self.lock().entries.insert(id, entry);
        let connections = self;
        Registration {
            connections,
            id,
            activity,
        }
    }

    /// Sets the task that serves a connection, so that it can be aborted.
    pub(crate) fn set_task(&self, id: u64, task: AbortHandle) {
        if let Some(entry) = self.lock().entries.get_mut(&id) {
            entry.task = Some(task);
        }
    }

    /// Returns the time since the start of the process, as of the last sweep.
    pub(crate) fn now(&self) -> Duration {
        Duration::from_millis(self.clock.millis.load(Relaxed))
    }

    /// Returns the number of open connections.
    pub(crate) fn count(&self) -> usize {
        self.lock().entries.len()
    }

    /// Starts a drain. Connections that are registered afterward are later ones.
    pub(crate) fn begin_drain(&self) {
        let mut open = self.lock();
        open.drain = Some(Drain {
            started: Instant::now(),
            first_later: self.next.load(Relaxed),
            earlier: open.entries.len(),
        });
    }

    /// Returns why a drain must not close idle connections yet; `grace` is their grace period.
    pub(crate) fn drain_wait(&self, grace: Duration) -> DrainWait {
        let open = self.lock();
        let Some(drain) = open.drain else {
            return DrainWait::None;
        };
        let now = Instant::now();
        let waits = open.entries.iter();
        let waits = waits.map(|(id, entry)| drain.wait_for(*id, entry, (now, grace)));
        waits.max().unwrap_or(DrainWait::None)
    }

    /// Completes when the last earlier connection closes, or when no connection is open.
    pub(crate) fn drained(&self) -> Notified<'_> {
        self.drained.notified()
    }

    /// Aborts the connections that exceeded a limit, and returns their number.
    pub(crate) fn sweep(&self, limits: &Limits) -> u64 {
        let now = self.clock.started.elapsed().as_millis();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        self.clock.millis.store(now, Relaxed);
        self.abort(|entry| entry.activity.is_overdue(limits))
    }

    /// Aborts all connections, and returns their number.
    pub(crate) fn abort_all(&self) -> u64 {
        self.abort(|_| true)
    }

    fn abort(&self, is_selected: impl Fn(&Entry) -> bool) -> u64 {
        let mut number = 0;
        for entry in self
            .lock()
            .entries
            .values()
            .filter(|entry| is_selected(entry))
        {
            if let Some(task) = &entry.task {
                task.abort();
                number += 1;
            }
        }
        number
    }
}

impl Drain {
    /// Each connection stays open for the grace period, from the start of the drain or from its
    /// opening, whichever is later. A later connection closes after its first response, so the drain
    /// waits only for its first request.
    fn wait_for(&self, id: u64, entry: &Entry, (now, grace): (Instant, Duration)) -> DrainWait {
        let draining = now.saturating_duration_since(self.started);
        let age = now.saturating_duration_since(entry.opened);
        let is_earlier = id < self.first_later;
        if is_earlier && draining < grace {
            DrainWait::Long
        } else if entry.activity.is(Phase::Head) {
            // The request timeout closes a connection whose head stays incomplete.
            DrainWait::Short
        } else if is_earlier || !entry.activity.is(Phase::New) || age >= grace {
            DrainWait::None
        } else if age > STALL_TIMEOUT && draining < grace {
            DrainWait::Long
        } else {
            DrainWait::Short
        }
    }
}

/// The registration of an open connection; dropping it removes the connection.
#[derive(Debug)]
pub(crate) struct Registration {
    connections: &'static Connections,
    pub(crate) id: u64,
    pub(crate) activity: Arc<Activity>,
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

/// A stream whose reads and writes update the activity of its connection.
#[derive(Debug)]
pub(crate) struct TimedStream<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> TimedStream<S> {
    /// Creates a stream that updates `activity`.
    pub(crate) const fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }

    fn on_write(&self, result: io::Result<usize>) -> io::Result<usize> {
        // A client that reads part of the response is slow, but not stalled.
        if result.is_ok() && self.activity.is(Phase::Response) {
            self.activity.start_phase(Phase::Response);
        }
        result
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before && self.activity.is_idle() {
            self.activity.start_phase(Phase::Head);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, buffer));
        Poll::Ready(self.on_write(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        let written = ready!(stream.poll_write_vectored(context, buffers));
        Poll::Ready(self.on_write(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        if self.activity.is(Phase::Response) {
            self.activity.start_phase(Phase::Idle);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
