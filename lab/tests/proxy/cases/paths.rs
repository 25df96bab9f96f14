//! Percent-encoded paths, and the routes that they match.

use crate::case::{Case, PLAIN, Setup, case};
use crate::client::{fetch, get, request};
use crate::failure::{CheckResult, ensure};

/// `/api` is rewritten, `/rw` is not; both lead to port 3001, and everything else to 3002.
static ROUTES: Setup = Setup {
    routes: "- { path: /api, pool: first, rewrite: /v1 }\n\
             - { path: /bare, pool: first, rewrite: / }\n\
             - { path: /rw, pool: first }\n- { path: /, pool: second }",
    instances: 2,
    ..PLAIN
};
/// Everything is rewritten.
static ALL: Setup = Setup {
    routes: "- { path: /, pool: web, rewrite: /base }",
    ..PLAIN
};

const REWRITTEN: u16 = 3001;
const OTHER: u16 = 3002;

pub(crate) const CASES: &[Case] = &[
    case("paths: a rewritten path is replaced", &ROUTES, |_| {
        arrives("/api/users?id=1", "/v1/users?id=1", REWRITTEN)?;
        arrives("/api", "/v1", REWRITTEN)?;
        arrives("/api/", "/v1/", REWRITTEN)?;
        arrives("/api?x=1", "/v1?x=1", REWRITTEN)?;
        arrives("/bare/users", "/users", REWRITTEN)?;
        arrives("/bare", "/", REWRITTEN)?;
        arrives("/apix/users", "/apix/users", OTHER)
    }),
    case(
        "paths: a rewritten path keeps its encoding",
        &ROUTES,
        |_| {
            arrives("/api/%40scope%2Fpkg", "/v1/%40scope%2Fpkg", REWRITTEN)?;
            arrives("/api/a%20b%3Fc%23d%25e", "/v1/a%20b%3Fc%23d%25e", REWRITTEN)?;
            arrives(
                "/api/caf%C3%A9/%E2%82%AC",
                "/v1/caf%C3%A9/%E2%82%AC",
                REWRITTEN,
            )?;
            arrives("/api/@scope/pkg;v=1", "/v1/@scope/pkg;v=1", REWRITTEN)?;
            arrives("/bare/%40scope%2Fpkg", "/%40scope%2Fpkg", REWRITTEN)
        },
    ),
    case("paths: a rewritten path keeps its query", &ROUTES, |_| {
        arrives(
            "/api/a?b=%2F&c=//d&e=a+b",
            "/v1/a?b=%2F&c=//d&e=a+b",
            REWRITTEN,
        )?;
        arrives("/api/a?/api/b", "/v1/a?/api/b", REWRITTEN)?;
        arrives("/api/a?", "/v1/a?", REWRITTEN)
    }),
    case(
        "paths: a rewritten path keeps repeated slashes",
        &ROUTES,
        |_| {
            arrives("/api/a//b", "/v1/a//b", REWRITTEN)?;
            arrives(
                "/api/https://example.net//x",
                "/v1/https://example.net//x",
                REWRITTEN,
            )?;
            arrives("/api//a", "/v1//a", REWRITTEN)
        },
    ),
    case(
        "paths: a rewritten path with dot segments is 400",
        &ROUTES,
        |_| {
            rejected("/api/a/./b/../c")?;
            rejected("/api/a/%2e%2e/c")?;
            rejected("/api/x/../../api/y")?;
            rejected("/api/a/.%2E?x=1")?;
            rejected("/api/a/..%2fc")?;
            rejected("/api/..\\..\\admin")?;
            rejected("/api/..%5cadmin")?;
            rejected("/api/..;/admin")?;
            rejected("/bare/a/../b")
        },
    ),
    case(
        "paths: a rewritten path keeps dots that are not a segment",
        &ROUTES,
        |_| {
            arrives(
                "/api/.well-known/a..b/...",
                "/v1/.well-known/a..b/...",
                REWRITTEN,
            )?;
            arrives("/api/a?b=/../c", "/v1/a?b=/../c", REWRITTEN)?;
            arrives("/bare/a.b/.c", "/a.b/.c", REWRITTEN)
        },
    ),
    case(
        "paths: a rewrite of every path keeps the encoding",
        &ALL,
        |_| {
            arrives(
                "/%40scope%2Fpkg?x=%2F",
                "/base/%40scope%2Fpkg?x=%2F",
                REWRITTEN,
            )?;
            arrives("/a//b", "/base/a//b", REWRITTEN)?;
            arrives("/", "/base/", REWRITTEN)
        },
    ),
    case(
        "paths: a rewritten route whose prefix is encoded is 400",
        &ROUTES,
        |_| rejected("/%61pi/a"),
    ),
    case(
        "paths: a rewritten route after a repeated slash is 400",
        &ROUTES,
        |_| rejected("//api/a"),
    ),
    case(
        "paths: a rewritten route that dots lead to is 400",
        &ROUTES,
        |_| {
            rejected("/x/../api/a")?;
            rejected("/./api/a")
        },
    ),
    case(
        "paths: a path without a rewrite keeps its encoding",
        &ROUTES,
        |_| {
            arrives("/rw/%40scope%2Fpkg//x", "/rw/%40scope%2Fpkg//x", REWRITTEN)?;
            arrives("/other/%40a//b?c=%2F", "/other/%40a//b?c=%2F", OTHER)
        },
    ),
    case("paths: an encoded prefix takes its route", &ROUTES, |_| {
        arrives("/%72w/a", "/%72w/a", REWRITTEN)?;
        arrives("/r%77", "/r%77", REWRITTEN)
    }),
    case(
        "paths: a repeated slash before a prefix takes its route",
        &ROUTES,
        |_| arrives("//rw/a", "//rw/a", REWRITTEN),
    ),
    case(
        "paths: dots that lead to a prefix take its route",
        &ROUTES,
        |_| {
            arrives("/x/../rw/a", "/x/../rw/a", REWRITTEN)?;
            arrives("/./rw/a", "/./rw/a", REWRITTEN)
        },
    ),
    case(
        "paths: dots that lead out of a prefix do not take its route",
        &ROUTES,
        |_| {
            arrives("/rw/../a", "/rw/../a", OTHER)?;
            arrives("/rw/%2e%2e/a", "/rw/%2e%2e/a", OTHER)
        },
    ),
    case(
        "paths: every method and an event stream keep the encoding",
        &ROUTES,
        |_| {
            for method in ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"] {
                let head = request(method, "/api/%40a//b?c=%2F", "Content-Length: 0\r\n");
                expect_received(&head, "/v1/%40a//b?c=%2F", REWRITTEN)?;
                let head = request(method, "/rw/%40a//b?c=%2F", "Content-Length: 0\r\n");
                expect_received(&head, "/rw/%40a//b?c=%2F", REWRITTEN)?;
            }
            let accept = "Accept: text/event-stream\r\n";
            expect_received(
                &request("GET", "/api/%40a//b?c=%2F", accept),
                "/v1/%40a//b?c=%2F",
                REWRITTEN,
            )?;
            expect_received(
                &request("GET", "/rw/%40a//b?c=%2F", accept),
                "/rw/%40a//b?c=%2F",
                REWRITTEN,
            )
        },
    ),
    case("paths: an absolute URL takes its route", &ROUTES, |_| {
        let head = |url: &str| request("GET", &format!("http://example.org{url}"), "");
        expect_received(&head("/api/%40a//b?c=%2F"), "/v1/%40a//b?c=%2F", REWRITTEN)?;
        expect_received(&head("/rw/%40a"), "/rw/%40a", REWRITTEN)?;
        expect_received(&head("/other"), "/other", OTHER)
    }),
    case(
        "paths: an encoded slash after a prefix takes its route",
        &ROUTES,
        |_| {
            // Decoded, it is below /rw.
            arrives("/rw%2Fa", "/rw%2Fa", REWRITTEN)
        },
    ),
];

fn arrives(path: &str, expected: &str, port: u16) -> CheckResult {
    expect_received(&request("GET", path, ""), expected, port)
}

/// Expects that the application on this port receives the URL `expected`.
fn expect_received(head: &str, expected: &str, port: u16) -> CheckResult {
    let line = head.lines().next().unwrap_or_default();
    let response = fetch(head)?;
    ensure!(response.status == 200, "{line} gets {}", response.status);
    let received = response.echoed()?;
    let url = received.url.trim_start_matches("http://example.org");
    ensure!(
        url == expected && received.port == port,
        "{line} arrives as {} on {}, not as {expected} on {port}",
        received.url,
        received.port
    );
    Ok(())
}

fn rejected(path: &str) -> CheckResult {
    let response = get(path)?;
    ensure!(
        response.status == 400,
        "{path} gets {}: {}",
        response.status,
        response.text().chars().take(120).collect::<String>()
    );
    Ok(())
}
