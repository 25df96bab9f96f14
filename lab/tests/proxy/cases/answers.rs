//! The proxy's own answers, and what every answer has.

use std::time::Duration;

use crate::apps::Program;
use crate::client::{ask, get, request, send};
use crate::failure::{Checked, ensure};
use crate::fixture::Fixture;
use crate::http::Answer;
use crate::table::{Case, Engine, PLAIN, Setup, case, differ};

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
static NOTHING: Setup = Setup {
    proxy: "headers: { X-Site: \"a shop\" }",
    program: Program::Nothing,
    ..PLAIN
};
static SLOW: Setup = Setup {
    proxy: "headers: { X-Site: \"a shop\" }\ntimeouts: { read: 1s }",
    ..PLAIN
};

pub(crate) const CASES: &[Case] = &[
    case("answers: 404 has the headers of every answer", &OWN, |_| {
        complete(&get("/none")?.expect(404)?)
    }),
    case("answers: 413 has the headers of every answer", &OWN, |_| {
        complete(&send("POST", "/app", &[b'x'; 2000])?.expect(413)?)
    }),
    case("answers: 421 has the headers of every answer", &OWN, |_| {
        complete(&ask("GET /app HTTP/1.1\r\nHost: example.com\r\n\r\n")?.expect(421)?)
    }),
    case(
        "answers: 400 for a Host has the headers of every answer",
        &OWN,
        |_| complete(&ask("GET /app HTTP/1.1\r\nHost: evil#.example.org\r\n\r\n")?.expect(400)?),
    ),
    case("answers: 405 has the headers of every answer", &OWN, |_| {
        complete(&ask(request("TRACE", "/app", ""))?.expect(405)?)
    }),
    case(
        "answers: 429 has the headers of every answer",
        &LIMITED,
        |_| {
            let answer = limited("/")?;
            complete(&answer)
        },
    ),
    case("answers: 429 has Retry-After", &LIMITED, |_| {
        let answer = limited("/")?;
        let seconds: u32 = answer
            .header("retry-after")
            .and_then(|value| value.parse().ok())
            .unwrap_or_default();
        ensure!(
            (1..=60).contains(&seconds),
            "Retry-After is {:?}",
            answer.all("retry-after")
        );
        Ok(())
    }),
    case(
        "answers: 429 does not reach the application",
        &LIMITED,
        |fixture| {
            limited("/limited")?;
            let (before, status) = (fixture.requests("/after")?.len(), get("/after")?.status);
            let after = fixture.requests("/after")?.len();
            ensure!(
                status == 429 && before == after,
                "answered {status}, passed {after} times"
            );
            Ok(())
        },
    ),
    differ(
        "nginx names an instance that refuses a bad gateway, HAProxy knows that none is left",
        case(
            "answers: 502 or 503 without an instance has the headers of every answer",
            &NOTHING,
            |_| {
                let answer = get("/")?;
                ensure!(
                    matches!(answer.status, 502 | 503),
                    "the status is {}",
                    answer.status
                );
                complete(&answer)
            },
        ),
    ),
    case(
        "answers: 504 has the headers of every answer",
        &SLOW,
        |_| complete(&get("/?do=slow&ms=4000")?.expect(504)?),
    ),
    case(
        "answers: the application's have them too, once",
        &OWN,
        |_| {
            complete(&get("/app")?.expect(200)?)?;
            complete(&get("/app?do=status&status=500")?.expect(500)?)?;
            complete(&get("/app?do=status&status=404")?.expect(404)?)
        },
    ),
    case(
        "answers: the application and the client see one request ID",
        &OWN,
        |_| {
            let answer = get("/app")?.expect(200)?;
            let (given, seen) = (answer.all("x-request-id"), answer.echoed()?);
            ensure!(
                given.len() == 1 && seen.all("x-request-id") == given,
                "the client sees {given:?}, the application {:?}",
                seen.all("x-request-id")
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
                let seen = chunked("POST", "/app/chunked", 1000)?
                    .expect(200)?
                    .echoed()?;
                ensure!(seen.length == 1000, "{} bytes arrive", seen.length);
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
                .map(|_| get("/login/x").map_or(0, |answer| answer.status))
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
        "limits: a limited client is answered again later",
        &LIMITED_BRIEFLY,
        answered_again,
    ),
];

/// Why engines differ where a body has no length.
pub(crate) const UNCOUNTED: &str = "HAProxy limits bodies with a Content-Length only";

/// The status of a body without a length that is too large.
pub(crate) fn uncounted(fixture: &Fixture) -> u16 {
    match fixture.engine {
        Engine::Nginx => 413,
        Engine::Haproxy => 200,
    }
}

fn chunked(method: &str, url: &str, size: usize) -> Checked<Answer> {
    let head = request(method, url, "Transfer-Encoding: chunked\r\n");
    let body = "x".repeat(size);
    ask(format!("{head}{size:x}\r\n{body}\r\n0\r\n\r\n"))
}

/// One X-Request-ID, and the header of the topology once.
fn complete(answer: &Answer) -> Checked {
    let ids = answer.all("x-request-id");
    ensure!(
        ids.len() == 1 && !ids[0].is_empty(),
        "X-Request-ID of {} is {ids:?}",
        answer.status
    );
    answer.expect_header("x-site", "a shop")
}

/// The first 429 of a few requests.
fn limited(url: &str) -> Checked<Answer> {
    for _ in 0..6 {
        let answer = get(url)?;
        if answer.status == 429 {
            return Ok(answer);
        }
    }
    Err("6 requests at once are answered".into())
}

fn answered_again(_: &Fixture) -> Checked {
    limited("/")?;
    // One request is let in each 2 s.
    let again = || match get("/") {
        Ok(answer) if answer.status == 200 => lab::wait::Seen::Yes(()),
        Ok(answer) => lab::wait::Seen::NotYet(answer.status.to_string()),
        Err(failure) => lab::wait::Seen::NotYet(failure.to_string()),
    };
    lab::wait::until("answered", Duration::from_secs(6), again)?;
    Ok(())
}
