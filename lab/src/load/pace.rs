//! When the next request goes out, and when no more do. Shared by all
//! connections of a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Plan;

/// Keeps a run going beyond its count until it is released.
#[derive(Debug, Clone, Default)]
pub struct Hold(Arc<AtomicBool>);

impl Hold {
    /// A hold that is still to be released.
    #[must_use]
    pub fn held() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// Lets the run end as soon as its count is reached.
    pub fn release(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn holds(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The run's clock and counters.
#[derive(Debug)]
pub(super) struct Pace {
    start: Instant,
    hold: Hold,
    sent: AtomicU64,
    right: AtomicU64,
    /// µs after the start at which the last right answer came.
    last_right: AtomicU64,
    /// Longest time without any right answer, in µs.
    silence: AtomicU64,
}

impl Pace {
    pub(super) fn new(hold: Hold) -> Self {
        Self {
            start: Instant::now(),
            hold,
            sent: AtomicU64::new(0),
            right: AtomicU64::new(0),
            last_right: AtomicU64::new(0),
            silence: AtomicU64::new(0),
        }
    }

    /// The number of the next request, or `None` when the run is over.
    pub(super) fn next(&self, plan: &Plan) -> Option<u64> {
        let sent = self.sent.load(Ordering::Relaxed);
        let wanted = sent < plan.requests || self.hold.holds();
        let allowed = sent < plan.limit && self.start.elapsed() < plan.duration;
        (wanted && allowed).then(|| self.sent.fetch_add(1, Ordering::Relaxed))
    }

    /// Notes a right answer; tells how many there were before it.
    pub(super) fn note_right(&self) -> u64 {
        let now = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let before = self.last_right.swap(now, Ordering::Relaxed);
        self.silence
            .fetch_max(now.saturating_sub(before), Ordering::Relaxed);
        self.right.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(super) fn silence(&self) -> Duration {
        Duration::from_micros(self.silence.load(Ordering::Relaxed))
    }
}
