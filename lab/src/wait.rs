//! Waiting on a state: asked again and again until it holds or a limit ends it.

use std::time::{Duration, Instant};

use crate::{Error, Result};

/// Pause between two questions: short against every state the lab waits for.
const PAUSE: Duration = Duration::from_millis(50);

/// What one look at the state found.
#[derive(Debug)]
pub enum Seen<T> {
    /// The state holds.
    Yes(T),
    /// It does not yet; the words say what is there instead.
    NotYet(String),
}

/// Looks until the state holds, and tells how long that took.
pub fn until<T>(
    state: &str,
    limit: Duration,
    mut look: impl FnMut() -> Seen<T>,
) -> Result<(T, Duration)> {
    let start = Instant::now();
    loop {
        match look() {
            Seen::Yes(found) => return Ok((found, start.elapsed())),
            Seen::NotYet(seen) if start.elapsed() >= limit => {
                return Err(Error::Late {
                    state: state.to_owned(),
                    limit,
                    seen,
                });
            }
            Seen::NotYet(_) => std::thread::sleep(PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_never_comes_is_an_error_with_what_was_seen() {
        let error = until::<()>("up", Duration::from_millis(30), || {
            Seen::NotYet("down".to_owned())
        })
        .unwrap_err()
        .to_string();
        assert!(
            error.contains("not up") && error.contains("down"),
            "{error}"
        );
    }

    #[test]
    fn a_state_is_found_when_it_comes() {
        let mut looks = 0;
        let (found, _) = until("counted", Duration::from_secs(5), || {
            looks += 1;
            if looks == 3 {
                Seen::Yes(looks)
            } else {
                Seen::NotYet(looks.to_string())
            }
        })
        .unwrap();
        assert_eq!(found, 3);
    }
}
