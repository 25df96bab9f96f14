//! The history of one instance, and what it means for a restart.

use std::time::Duration;

use model::InstanceStatus;

/// Failed checks in a row that are tolerated: one can be a load peak, two are a hang.
const TOLERATED: u32 = 1;

/// Longest time between two restarts of an instance.
const MAX_DELAY: Duration = Duration::from_secs(30);

/// An instance that was healthy for this long restarts without delay.
const RESET_AFTER: Duration = Duration::from_mins(1);

/// What is known of one instance.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracker {
    status: InstanceStatus,
    /// Start of the process that failed, in microseconds on `CLOCK_MONOTONIC`.
    failed_start_us: u64,
    /// First successful check since the last failed one.
    healthy_since_us: Option<u64>,
    /// Restarts in a row, and the time of the last one.
    restarts: u32,
    restarted_at_us: u64,
}

/// A failed check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// The instance has not passed a check since its start, and has time until its start timeout.
    Starting,
    /// It has failed so often in a row.
    Failing {
        /// Failed checks in a row.
        failures: u32,
        /// Whether it may be restarted now.
        is_due: bool,
    },
}

/// The process of an instance, when it was checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    /// Its start, in microseconds on `CLOCK_MONOTONIC`.
    pub(super) started_at_us: u64,
    /// Time that it has until its first successful check.
    pub(super) ready_timeout: Duration,
}

impl Tracker {
    /// Latest checks.
    pub(super) fn status(&self) -> &InstanceStatus {
        &self.status
    }

    /// Records a successful check.
    pub(super) fn pass(&mut self, now_us: u64) {
        let since = *self.healthy_since_us.get_or_insert(now_us);
        if elapsed(since, now_us) >= RESET_AFTER {
            self.restarts = 0;
        }
        self.status = InstanceStatus {
            passed_at_us: Some(now_us),
            failures: 0,
        };
    }

    /// Records a failed check.
    pub(super) fn fail(&mut self, now_us: u64, process: Process) -> Standing {
        self.healthy_since_us = None;
        if self.failed_start_us != process.started_at_us {
            // Failures of a process that has ended do not count.
            self.failed_start_us = process.started_at_us;
            self.status.failures = 0;
        }
        let has_passed = |at: u64| at >= process.started_at_us;
        let is_new = !self.status.passed_at_us.is_some_and(has_passed);
        let age = elapsed(process.started_at_us, now_us);
        if is_new && self.status.failures == 0 && age < process.ready_timeout {
            return Standing::Starting;
        }
        self.status.failures += 1;
        Standing::Failing {
            failures: self.status.failures,
            is_due: self.status.failures > TOLERATED
                && elapsed(self.restarted_at_us, now_us) >= self.delay(),
        }
    }

    /// Whether the last restart is at most this long ago.
    pub(super) fn was_restarted_within(&self, limit: Duration, now_us: u64) -> bool {
        self.restarts > 0 && elapsed(self.restarted_at_us, now_us) <= limit
    }

    /// Records a restart.
    pub(super) fn restarted(&mut self, now_us: u64) {
        self.restarts += 1;
        self.restarted_at_us = now_us;
        self.status.failures = 0;
    }

    /// Time between the last restart and the next: 0 s, then 1 s, 2 s, 4 s, up to 30 s.
    fn delay(&self) -> Duration {
        match self.restarts {
            0 => Duration::ZERO,
            restarts => MAX_DELAY.min(Duration::from_secs(1 << (restarts - 1).min(5))),
        }
    }
}

fn elapsed(since_us: u64, now_us: u64) -> Duration {
    Duration::from_micros(now_us.saturating_sub(since_us))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    fn process(started_at_us: u64) -> Process {
        Process {
            started_at_us,
            ready_timeout: Duration::from_secs(30),
        }
    }

    /// Whether the second failed check in a row of a process that has passed makes a restart due.
    fn hang(tracker: &mut Tracker, at_us: u64) -> bool {
        let process = process(at_us - 2 * SECOND);
        tracker.pass(at_us - SECOND);
        tracker.fail(at_us, process);
        let standing = tracker.fail(at_us, process);
        matches!(standing, Standing::Failing { is_due: true, .. })
    }

    #[test]
    fn delays_between_restarts_grow_to_30_s() {
        let mut tracker = Tracker::default();
        let mut delays = Vec::new();
        let mut now = 1_000 * SECOND;
        for _ in 0..9 {
            let restarted_at = now;
            tracker.restarted(now);
            while !hang(&mut tracker, now) {
                now += SECOND;
            }
            delays.push((now - restarted_at) / SECOND);
        }
        assert_eq!(delays, [1, 2, 4, 8, 16, 30, 30, 30, 30]);
    }

    #[test]
    fn a_minute_of_health_resets_the_delay() {
        let mut tracker = Tracker::default();
        for _ in 0..6 {
            tracker.restarted(1_000 * SECOND);
        }
        for second in 1_001..=1_061 {
            tracker.pass(second * SECOND);
        }
        tracker.restarted(1_062 * SECOND);
        assert!(hang(&mut tracker, 1_063 * SECOND));
    }

    #[test]
    fn the_first_restart_is_immediate() {
        assert!(hang(&mut Tracker::default(), 10 * SECOND));
    }
}
