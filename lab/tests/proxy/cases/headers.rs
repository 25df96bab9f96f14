//! Large headers in both directions.

use std::fmt::Write as _;

use crate::client::{get, get_with};
use crate::failure::{Checked, ensure};
use crate::fixture::Fixture;
use crate::table::{Case, PLAIN, Setup, case};

static TWO: Setup = Setup {
    instances: 2,
    ..PLAIN
};

pub(crate) const CASES: &[Case] = &[
    case(
        "headers: an answer with 31 headers of 1,000 bytes passes",
        &TWO,
        |fixture| answers(fixture, "/many?do=headers&size=31000&piece=1000", 31),
    ),
    case(
        "headers: an answer with one header of 6,000 bytes passes",
        &TWO,
        |fixture| answers(fixture, "/six?do=headers&size=6000&piece=6000", 1),
    ),
    case(
        "headers: an answer with one header of 31,000 bytes passes",
        &TWO,
        |fixture| answers(fixture, "/one?do=headers&size=31000&piece=31000", 1),
    ),
    case(
        "headers: a request with one header of 12,000 bytes passes",
        &TWO,
        |_| one_header("/", 12_000),
    ),
    case(
        "headers: a request with one header of 31,000 bytes passes",
        &TWO,
        |_| one_header("/", 31_000),
    ),
    case(
        "headers: a request with 31 headers of 1,000 bytes passes",
        &TWO,
        |_| {
            let mut lines = String::new();
            for at in 0..31 {
                let _ = write!(lines, "X-Large-{at}: {}\r\n", "v".repeat(1_000 - 14));
            }
            let answer = get_with("/", &lines)?.expect(200)?;
            let seen = answer.echoed()?;
            ensure!(
                seen.all("x-large-30").len() == 1,
                "the last of them is missing"
            );
            Ok(())
        },
    ),
    case("headers: a URL of 8,000 bytes passes", &TWO, |_| {
        let url = format!("/long?q={}", "x".repeat(8_000));
        let seen = get(&url)?.expect(200)?.echoed()?;
        ensure!(
            seen.url == url,
            "the URL arrives with {} bytes",
            seen.url.len()
        );
        Ok(())
    }),
    case(
        "headers: a request with 200,000 bytes of headers is refused as such",
        &TWO,
        |_| {
            let answer = get_with("/", &format!("Cookie: {}\r\n", "v".repeat(200_000)))?;
            ensure!(
                matches!(answer.status, 400 | 414 | 431),
                "the status is {}",
                answer.status
            );
            get("/")?.expect(200)?;
            Ok(())
        },
    ),
];

/// The answer arrives whole, from one run.
fn answers(fixture: &Fixture, url: &str, count: usize) -> Checked {
    let answer = get(url)?;
    let (runs, cookies) = (fixture.requests(url)?.len(), answer.all("set-cookie").len());
    ensure!(
        answer.status == 200 && runs == 1 && cookies == count,
        "status {}, {cookies} of {count} headers, started {runs} times",
        answer.status
    );
    Ok(())
}

fn one_header(url: &str, size: usize) -> Checked {
    let value = "v".repeat(size);
    let answer = get_with(url, &format!("Cookie: {value}\r\n"))?.expect(200)?;
    let seen = answer.echoed()?;
    ensure!(
        seen.all("cookie") == [value.as_str()],
        "the header arrives changed"
    );
    Ok(())
}
