//! Large headers in both directions.

use std::fmt::Write as _;

use crate::case::{Case, PLAIN, Setup, case};
use crate::client::{get, get_with};
use crate::failure::{CheckResult, ensure};
use crate::fixture::Fixture;

static TWO: Setup = Setup {
    instances: 2,
    ..PLAIN
};

pub(crate) const CASES: &[Case] = &[
    case(
        "headers: a response with 31 headers of 1,000 bytes passes",
        &TWO,
        |fixture| arrives(fixture, "/many?do=headers&size=31000&piece=1000", 31),
    ),
    case(
        "headers: a response with one header of 6,000 bytes passes",
        &TWO,
        |fixture| arrives(fixture, "/six?do=headers&size=6000&piece=6000", 1),
    ),
    case(
        "headers: a response with one header of 31,000 bytes passes",
        &TWO,
        |fixture| arrives(fixture, "/one?do=headers&size=31000&piece=31000", 1),
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
            let response = get_with("/", &lines)?.expect(200)?;
            let received = response.echoed()?;
            ensure!(
                received.all("x-large-30").len() == 1,
                "the last of them is missing"
            );
            Ok(())
        },
    ),
    case("headers: a URL of 8,000 bytes passes", &TWO, |_| {
        let url = format!("/long?q={}", "x".repeat(8_000));
        let received = get(&url)?.expect(200)?.echoed()?;
        ensure!(
            received.url == url,
            "the URL arrives with {} bytes",
            received.url.len()
        );
        Ok(())
    }),
    case(
        "headers: a request with 200,000 bytes of headers is rejected with 400, 414 or 431",
        &TWO,
        |_| {
            let response = get_with("/", &format!("Cookie: {}\r\n", "v".repeat(200_000)))?;
            ensure!(
                matches!(response.status, 400 | 414 | 431),
                "the status is {}",
                response.status
            );
            get("/")?.expect(200)?;
            Ok(())
        },
    ),
];

/// Expects a complete response after one request to an application.
fn arrives(fixture: &Fixture, url: &str, count: usize) -> CheckResult {
    let response = get(url)?;
    let (requests, cookies) = (
        fixture.requests(url)?.len(),
        response.all("set-cookie").len(),
    );
    ensure!(
        response.status == 200 && requests == 1 && cookies == count,
        "status {}, {cookies} of {count} headers, received {requests} times",
        response.status
    );
    Ok(())
}

fn one_header(url: &str, size: usize) -> CheckResult {
    let value = "v".repeat(size);
    let response = get_with(url, &format!("Cookie: {value}\r\n"))?.expect(200)?;
    let received = response.echoed()?;
    ensure!(
        received.all("cookie") == [value.as_str()],
        "the header arrives changed"
    );
    Ok(())
}
