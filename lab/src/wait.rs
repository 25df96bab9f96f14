//! Waiting for a state by polling it until it is reached or a limit has passed.

use std::time::{Duration, Instant};

use crate::{Error, Result};

/// Pause between two polls.
const INTERVAL: Duration = Duration::from_millis(50);

/// Result of one poll.
#[derive(Debug)]
pub enum Poll<T> {
    /// The state is reached.
    Ready(T),
    /// The state is not reached yet; the text describes the observed state.
    Pending(String),
}

/// Polls until the state is reached, and returns its value and the time that took.
pub fn until<T>(
    state: &str,
    limit: Duration,
    mut poll: impl FnMut() -> Poll<T>,
) -> Result<(T, Duration)> {
    let start = Instant::now();
    loop {
        match poll() {
            Poll::Ready(value) => return Ok((value, start.elapsed())),
            Poll::Pending(observed) if start.elapsed() >= limit => {
                return Err(Error::Timeout {
                    state: state.to_owned(),
                    limit,
                    observed,
                });
            }
            Poll::Pending(_) => std::thread::sleep(INTERVAL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_contains_the_observed_state() {
        let error = until::<()>("up", Duration::from_millis(30), || {
            Poll::Pending("down".to_owned())
        })
        .unwrap_err()
        .to_string();
        assert!(
            error.contains("not up") && error.contains("down"),
            "{error}"
        );
    }

    #[test]
    fn a_state_is_returned_when_it_is_reached() {
        let mut polls = 0;
        let (found, _) = until("counted", Duration::from_secs(5), || {
            polls += 1;
            if polls == 3 {
                Poll::Ready(polls)
            } else {
                Poll::Pending(polls.to_string())
            }
        })
        .unwrap();
        assert_eq!(found, 3);
    }
}
