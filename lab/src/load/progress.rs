//! The clock and the counters of a run, shared by all its connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::LoadConfig;

/// Continues a run beyond its number of requests until it is released.
#[derive(Debug, Clone, Default)]
pub struct Hold(Arc<AtomicBool>);

impl Hold {
    /// A hold that is not yet released.
    #[must_use]
    pub fn held() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// Ends the run as soon as its number of requests is reached.
    pub fn release(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn is_held(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The clock and the counters of a run.
#[derive(Debug)]
pub(super) struct Progress {
    start: Instant,
    hold: Hold,
    sent: AtomicU64,
    succeeded: AtomicU64,
    /// Time of the last success, in µs after the start.
    last_success: AtomicU64,
    /// Longest time without a success, in µs.
    longest_gap: AtomicU64,
}

impl Progress {
    pub(super) fn new(hold: Hold) -> Self {
        Self {
            start: Instant::now(),
            hold,
            sent: AtomicU64::new(0),
            succeeded: AtomicU64::new(0),
            last_success: AtomicU64::new(0),
            longest_gap: AtomicU64::new(0),
        }
    }

    /// The number of the next request, or `None` when the run is over.
    pub(super) fn next(&self, config: &LoadConfig) -> Option<u64> {
        let sent = self.sent.load(Ordering::Relaxed);
        let required = sent < config.requests || self.hold.is_held();
        let allowed = sent < config.limit && self.start.elapsed() < config.duration;
        (required && allowed).then(|| self.sent.fetch_add(1, Ordering::Relaxed))
    }

    /// Counts a success and returns the number of earlier ones.
    pub(super) fn record_success(&self) -> u64 {
        let now = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let before = self.last_success.swap(now, Ordering::Relaxed);
        self.longest_gap
            .fetch_max(now.saturating_sub(before), Ordering::Relaxed);
        self.succeeded.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(super) fn longest_gap(&self) -> Duration {
        Duration::from_micros(self.longest_gap.load(Ordering::Relaxed))
    }
}
