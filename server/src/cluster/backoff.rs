//! How soon a dead worker is replaced: at once, unless it keeps dying.

use std::time::Duration;

/// A worker that lived this long was well; its death is a new story.
const WELL: Duration = Duration::from_secs(5);

/// The longest pause is the first doubled this many times.
const DOUBLINGS: u32 = 6;

/// The deaths of one worker's place in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backoff {
    early_deaths: u32,
}

impl Backoff {
    /// The pause before the next one, after a worker died at the age `lived`.
    /// The first early death is replaced at once.
    pub(super) fn pause(&mut self, lived: Duration, first: Duration) -> Duration {
        if lived >= WELL {
            *self = Self::default();
            return Duration::ZERO;
        }
        let deaths_before = self.early_deaths;
        self.early_deaths = self.early_deaths.saturating_add(1);
        match deaths_before.checked_sub(1) {
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
    fn pause_doubles_up_to_a_limit() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..9)
            .map(|_| backoff.pause(Duration::ZERO, FIRST).as_millis())
            .collect();
        assert_eq!(pauses, [0, 100, 200, 400, 800, 1600, 3200, 6400, 6400]);
    }

    #[test]
    fn a_long_life_is_forgiven() {
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            backoff.pause(Duration::ZERO, FIRST);
        }
        assert_eq!(backoff.pause(WELL, FIRST), Duration::ZERO);
        assert_eq!(backoff.pause(Duration::ZERO, FIRST), Duration::ZERO);
        assert_eq!(backoff.pause(Duration::ZERO, FIRST), FIRST);
    }
}
