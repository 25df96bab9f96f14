//! `/api/randoms?cant=N`: the tally of N draws.

use std::cell::RefCell;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::{SysRng, Xoshiro256PlusPlus};
use warp::reply::Response;

use super::problem::Problem;
use super::{JSON, respond};
use crate::app::App;
use crate::draws::{DEFAULT_DRAWS, MAX_DRAWS, Tally};
use crate::log::Event;

/// The query parameter for the number of draws.
const CANT: &str = "cant";

thread_local! {
    /// A generator for statistics, not for secrets; seeded once by the kernel.
    static GENERATOR: RefCell<Xoshiro256PlusPlus> = RefCell::new(seeded());
}

fn seeded() -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::try_from_rng(&mut SysRng)
        .unwrap_or_else(|_| Xoshiro256PlusPlus::seed_from_u64(std::process::id().into()))
}

/// Handles a request for a tally.
pub(super) fn handle(app: &App, query: &str) -> Response {
    let cant = match requested_draws(query) {
        Ok(cant) => cant,
        Err(problem) => return problem.response(),
    };
    let started = Instant::now();
    let tally = GENERATOR.with_borrow_mut(|shared| {
        // A local copy can stay in registers during the draws.
        let mut generator = shared.clone();
        let tally = Tally::draw(cant, &mut generator);
        *shared = generator;
        tally
    });
    let response = respond(JSON, tally.json());
    let duration = started.elapsed();
    app.metrics.draws.fetch_add(cant, Relaxed);
    app.log.push(Event::Generated { cant, duration });
    response
}

/// Returns the number of draws that a query requests. Other parameters are ignored.
fn requested_draws(query: &str) -> Result<u64, Problem> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == CANT);
    let Some((_, text)) = values.next() else {
        return Ok(DEFAULT_DRAWS);
    };
    if values.next().is_some() {
        return Err(Problem::parameter(
            CANT,
            "expected `cant` once, found it several times",
        ));
    }
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(cant) if is_number && cant <= MAX_DRAWS => Ok(cant),
        _ => {
            let detail = format!(
                "expected `cant` to be a whole number from 0 to {MAX_DRAWS}, found `{text}`"
            );
            Err(Problem::parameter(CANT, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cant_is_a_whole_number_in_range() {
        let cases = [
            ("", DEFAULT_DRAWS),
            ("other=1", DEFAULT_DRAWS),
            ("cant=0", 0),
            ("cant=007", 7),
            ("cant=%31%30", 10),
            ("x=2&cant=3&y=cant", 3),
            ("cant=9007199254740991", MAX_DRAWS),
        ];
        for (query, draws) in cases {
            assert_eq!(requested_draws(query), Ok(draws), "{query}");
        }
    }

    #[test]
    fn invalid_cant_is_a_bad_request() {
        let cases = [
            "cant=",
            "cant",
            "cant=-1",
            "cant=+1",
            "cant=%2B1",
            "cant=1.5",
            "cant=1e3",
            "cant=one",
            "cant=0x10",
            "cant= 1",
            "cant=9007199254740992",
            "cant=99999999999999999999999",
            "cant=1&cant=2",
            "cant=1&cant=1",
        ];
        for query in cases {
            let problem = requested_draws(query).expect_err(query);
            assert_eq!(problem.response().status(), 400);
        }
    }
}
