//! Responses of the proxy itself, headers of every response, and limits.

use std::time::Duration;

use crate::apps::Program;
use crate::case::{Case, Engine, PLAIN, Setup, case, differ};
use crate::client::{fetch, get, request, send};
use crate::failure::{CheckResult, ensure};
use crate::fixture::Fixture;
use crate::http::Response;

static OWN: Setup = Setup {
    proxy: "headers: { X-Site: \"a shop\" }\nmax_body: 1KiB\nserver_name: [example.org]",
    routes: "- { path: /app, pool: web }",
    ..PLAIN
};
static LIMITED: Setup = Setup {
    proxy: "headers: { X-Site: \"a shop\" }\nrate_limit: { rate: 6/m, burst: 1 }",
    ..PLAIN
};
static LIMITED_BRIEFLY: Setup = Setup {
    proxy: "rate_limit: { rate: 30/m, burst: 1 }",
    ..PLAIN
};
static ROUTE_LIMITED: Setup = Setup {
    routes: "- { path: /login, pool: web, rate_limit: { rate: 6/m, burst: 1 }, max_body: 1KiB }\n- { path: /small, pool: web, max_body: 1KiB }\n- { path: /upload, pool: web, max_body: 4MiB }\n- { path: /, pool: web }",
    ..PLAIN
};
static NOT_RUNNING: Setup = Setup {
    proxy: "headers: { X-Site: \"a shop\" }",
    program: Program::NotRunning,
    ..PLAIN
};
static SLOW: Setup = Setup {
    proxy: "headers: { X-Site: \"a shop\" }\ntimeouts: { read: 1s }",
    ..PLAIN
};

pub(crate) const CASES: &[Case] = &[
    case(
        "responses: 404 has the headers of every response",
        &OWN,
        |_| complete(&get("/none")?.expect(404)?),
    ),
    case(
        "responses: 413 has the headers of every response",
        &OWN,
        |_| complete(&send("POST", "/app", &[b'x'; 2000])?.expect(413)?),
    ),
    case(
        "responses: 421 has the headers of every response",
        &OWN,
        |_| complete(&fetch("GET /app HTTP/1.1\r\nHost: example.com\r\n\r\n")?.expect(421)?),
    ),
    case(
        "responses: 400 for a Host has the headers of every response",
        &OWN,
        |_| complete(&fetch("GET /app HTTP/1.1\r\nHost: evil#.example.org\r\n\r\n")?.expect(400)?),
    ),
    case(
        "responses: 405 has the headers of every response",
        &OWN,
        |_| complete(&fetch(request("TRACE", "/app", ""))?.expect(405)?),
    ),
    case(
        "responses: 429 has the headers of every response",
        &LIMITED,
        |_| {
            let response = limited("/")?;
            complete(&response)
        },
    ),
    case("responses: 429 has Retry-After", &LIMITED, |_| {
        let response = limited("/")?;
        let seconds: u32 = response
            .header("retry-after")
            .and_then(|value| value.parse().ok())
            .unwrap_or_default();
        ensure!(
            (1..=60).contains(&seconds),
            "Retry-After is {:?}",
            response.all("retry-after")
        );
        Ok(())
    }),
    case(
        "responses: 429 does not reach the application",
        &LIMITED,
        |fixture| {
            limited("/limited")?;
            let (before, status) = (fixture.requests("/after")?.len(), get("/after")?.status);
            let after = fixture.requests("/after")?.len();
            ensure!(
                status == 429 && before == after,
                "status {status}, passed {after} times"
            );
            Ok(())
        },
    ),
    differ(
        "nginx returns 502 for a refused connection, HAProxy 503 if no instance is available",
        case(
            "responses: 502 or 503 without an instance has the headers of every response",
            &NOT_RUNNING,
            |_| {
                let response = get("/")?;
                ensure!(
                    matches!(response.status, 502 | 503),
                    "the status is {}",
                    response.status
                );
                complete(&response)
            },
        ),
    ),
    case(
        "responses: 504 has the headers of every response",
        &SLOW,
        |_| complete(&get("/?do=slow&ms=4000")?.expect(504)?),
    ),
    case(
        "responses: the application's have these headers, once",
        &OWN,
        |_| {
            complete(&get("/app")?.expect(200)?)?;
            complete(&get("/app?do=status&status=500")?.expect(500)?)?;
            complete(&get("/app?do=status&status=404")?.expect(404)?)
        },
    ),
    case(
        "responses: the application and the client receive the same request ID",
        &OWN,
        |_| {
            let response = get("/app")?.expect(200)?;
            let (ids, received) = (response.all("x-request-id"), response.echoed()?);
            ensure!(
                ids.len() == 1 && received.all("x-request-id") == ids,
                "the client receives {ids:?}, the application {:?}",
                received.all("x-request-id")
            );
            Ok(())
        },
    ),
    case(
        "limits: a body with a length beyond `max_body` is 413",
        &OWN,
        |fixture| {
            send("POST", "/app/large", &[b'x'; 2000])?.expect(413)?;
            let passed = fixture.requests("/app/large")?.len();
            ensure!(passed == 0, "it reached the application");
            send("POST", "/app", &[b'x'; 1000])?.expect(200).map(drop)
        },
    ),
    differ(
        UNCOUNTED,
        case(
            "limits: a chunked body beyond `max_body` is 413",
            &OWN,
            |fixture| {
                let received = chunked("POST", "/app/chunked", 1000)?
                    .expect(200)?
                    .echoed()?;
                ensure!(received.length == 1000, "{} bytes arrive", received.length);
                chunked("POST", "/app/chunked", 4000)?
                    .expect(uncounted(fixture))
                    .map(drop)
            },
        ),
    ),
    case(
        "limits: a route has its own `max_body`",
        &ROUTE_LIMITED,
        |_| {
            send("POST", "/login?", &[b'x'; 2000])?.expect(413)?;
            send("POST", "/other", &[b'x'; 2000])?.expect(200)?;
            send("POST", "/other", &vec![b'x'; 2_000_000])?.expect(413)?;
            send("POST", "/upload", &vec![b'x'; 2_000_000])?
                .expect(200)
                .map(drop)
        },
    ),
    differ(
        UNCOUNTED,
        case(
            "limits: a route has its own `max_body` for every method and framing",
            &ROUTE_LIMITED,
            |fixture| {
                send("PUT", "/small", &[b'x'; 2000])?.expect(413)?;
                chunked("PUT", "/small", 2000)?.expect(uncounted(fixture))?;
                chunked("POST", "/small", 2000)?.expect(uncounted(fixture))?;
                chunked("PUT", "/small", 1000)?.expect(200)?;
                chunked("PUT", "/upload", 2_000_000)?.expect(200)?;
                send("PUT", "/upload", &vec![b'x'; 2_000_000])?.expect(200)?;
                chunked("PUT", "/other", 2_000_000)?
                    .expect(uncounted(fixture))
                    .map(drop)
            },
        ),
    ),
    case(
        "limits: a route has its own `rate_limit`",
        &ROUTE_LIMITED,
        |fixture| {
            let statuses: Vec<u16> = (0..5)
                .map(|_| get("/login/x").map_or(0, |response| response.status))
                .collect();
            let passed = fixture.requests("/login/x")?.len();
            ensure!(
                statuses[..1] == [200] && statuses[4] == 429 && passed < 4,
                "the statuses are {statuses:?}, {passed} passed"
            );
            for _ in 0..10 {
                get("/free")?.expect(200)?;
            }
            Ok(())
        },
    ),
    case(
        "limits: a limited client is accepted again later",
        &LIMITED_BRIEFLY,
        accepted_again,
    ),
];

/// Why the engines differ for a body without Content-Length.
pub(crate) const UNCOUNTED: &str = "HAProxy limits bodies with a Content-Length only";

/// The expected status for a body above `max_body` without Content-Length.
pub(crate) fn uncounted(fixture: &Fixture) -> u16 {
    match fixture.engine {
        Engine::Nginx => 413,
        Engine::Haproxy => 200,
    }
}

fn chunked(method: &str, url: &str, size: usize) -> CheckResult<Response> {
    let head = request(method, url, "Transfer-Encoding: chunked\r\n");
    let body = "x".repeat(size);
    fetch(format!("{head}{size:x}\r\n{body}\r\n0\r\n\r\n"))
}

/// Expects one X-Request-ID, and the header of the topology once.
fn complete(response: &Response) -> CheckResult {
    let ids = response.all("x-request-id");
    ensure!(
        ids.len() == 1 && !ids[0].is_empty(),
        "X-Request-ID of {} is {ids:?}",
        response.status
    );
    response.expect_header("x-site", "a shop")
}

/// Sends up to 6 requests and returns the first response with 429.
fn limited(url: &str) -> CheckResult<Response> {
    for _ in 0..6 {
        let response = get(url)?;
        if response.status == 429 {
            return Ok(response);
        }
    }
    Err("6 requests at once are not limited".into())
}

fn accepted_again(_: &Fixture) -> CheckResult {
    limited("/")?;
    // One request is accepted every 2 s.
    let again = || match get("/") {
        Ok(response) if response.status == 200 => lab::wait::Poll::Ready(()),
        Ok(response) => lab::wait::Poll::Pending(response.status.to_string()),
        Err(failure) => lab::wait::Poll::Pending(failure.to_string()),
    };
    lab::wait::until("accepted", Duration::from_secs(6), again)?;
    Ok(())
}
