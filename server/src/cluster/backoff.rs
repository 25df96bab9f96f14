//! Restart delay of a worker: immediate after the first early exit, then exponential.

use std::time::Duration;

/// Uptime after which an exit does not count as early.
const STABLE_UPTIME: Duration = Duration::from_secs(5);

/// Number of times the first delay doubles before it reaches its maximum.
const DOUBLINGS: u32 = 6;

/// Counts the consecutive early exits of one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backoff {
    early_exits: u32,
}

impl Backoff {
    /// Returns the delay before the next start, after a worker exited with `uptime`.
    /// The delay after the first early exit is zero.
    pub(super) fn delay(&mut self, uptime: Duration, first: Duration) -> Duration {
        if uptime >= STABLE_UPTIME {
            *self = Self::default();
            return Duration::ZERO;
        }
        let exits_before = self.early_exits;
        self.early_exits = self.early_exits.saturating_add(1);
        match exits_before.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => first * 2_u32.pow(doublings.min(DOUBLINGS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);

    #[test]
    fn delay_doubles_up_to_a_limit() {
        let mut backoff = Backoff::default();
        let delays: Vec<_> = (0..9)
            .map(|_| backoff.delay(Duration::ZERO, FIRST).as_millis())
            .collect();
        assert_eq!(delays, [0, 100, 200, 400, 800, 1600, 3200, 6400, 6400]);
    }

    #[test]
    fn long_uptime_resets_the_delay() {
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            backoff.delay(Duration::ZERO, FIRST);
        }
        assert_eq!(backoff.delay(STABLE_UPTIME, FIRST), Duration::ZERO);
        assert_eq!(backoff.delay(Duration::ZERO, FIRST), Duration::ZERO);
        assert_eq!(backoff.delay(Duration::ZERO, FIRST), FIRST);
    }
}
