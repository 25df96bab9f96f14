//! Retries: how often a request is sent to an application.

use std::time::Duration;

use lab::wait::{self, Poll};

use crate::case::{ACTIVATED, Case, Engine, OWN_PORT, PLAIN, Setup, case, only};
use crate::client;
use crate::failure::{CheckResult, ensure};
use crate::fixture::Fixture;
use crate::http::Response;

static FOUR: Setup = Setup {
    app: "artifact: app.tar, main: app.js, runtime: node, health: { path: /health, interval: 500ms }",
    instances: 4,
    ..PLAIN
};
static FOUR_ACTIVATED: Setup = Setup {
    app: ACTIVATED,
    instances: 4,
    ..PLAIN
};
static SEVERAL_HOSTS: Setup = Setup {
    topology: Some(several_hosts),
    env: &[("HOST", "0.0.0.0")],
    instances: 4,
    ..PLAIN
};
static IDEMPOTENT: Setup = Setup {
    routes: "- { path: /put, pool: web, retry: idempotent }\n- { path: /, pool: web }",
    instances: 4,
    ..PLAIN
};
static IDEMPOTENT_FOUR: Setup = Setup {
    app: FOUR.app,
    routes: "- { path: /, pool: web, retry: idempotent }",
    instances: 4,
    ..PLAIN
};
static SLOW: Setup = Setup {
    proxy: "timeouts: { read: 1s }",
    instances: 3,
    ..PLAIN
};

pub(crate) const CASES: &[Case] = &[
    case("retries: a slow GET is started once", &SLOW, |fixture| {
        slow(fixture, "GET")
    }),
    case("retries: a slow PUT is started once", &SLOW, |fixture| {
        slow(fixture, "PUT")
    }),
    case("retries: a slow DELETE is started once", &SLOW, |fixture| {
        slow(fixture, "DELETE")
    }),
    case("retries: a slow POST is started once", &SLOW, |fixture| {
        slow(fixture, "POST")
    }),
    case(
        "retries: a POST that crashes its instance runs once",
        &FOUR,
        |fixture| crashes(fixture, "POST", 1),
    ),
    case(
        "retries: a PUT that crashes its instance runs once",
        &FOUR,
        |fixture| crashes(fixture, "PUT", 1),
    ),
    case(
        "retries: a DELETE that crashes its instance runs once",
        &FOUR,
        |fixture| crashes(fixture, "DELETE", 1),
    ),
    case(
        "retries: a PATCH that crashes its instance runs once",
        &FOUR,
        |fixture| crashes(fixture, "PATCH", 1),
    ),
    case(
        "retries: a GET that crashes its instances runs twice",
        &FOUR,
        |fixture| crashes(fixture, "GET", 2),
    ),
    case(
        "retries: a HEAD that crashes its instances runs twice",
        &FOUR,
        |fixture| crashes(fixture, "HEAD", 2),
    ),
    case(
        "retries: a GET is retried on another instance",
        &FOUR,
        |fixture| crashes_once(fixture, "GET"),
    ),
    case(
        "retries: an OPTIONS is retried on another instance",
        &FOUR,
        |fixture| crashes_once(fixture, "OPTIONS"),
    ),
    case(
        "retries: a POST on a keepalive connection runs once",
        &FOUR_ACTIVATED,
        |fixture| crashes(fixture, "POST", 1),
    ),
    case(
        "retries: a PUT on a keepalive connection runs once",
        &FOUR_ACTIVATED,
        |fixture| crashes(fixture, "PUT", 1),
    ),
    case(
        "retries: a GET on a keepalive connection runs twice",
        &FOUR_ACTIVATED,
        |fixture| crashes(fixture, "GET", 2),
    ),
    case(
        "retries: `idempotent` retries a PUT",
        &IDEMPOTENT,
        |fixture| crashes_once(fixture, "PUT"),
    ),
    case(
        "retries: `idempotent` retries a PUT once",
        &IDEMPOTENT,
        |fixture| crashes(fixture, "PUT", 2),
    ),
    case(
        "retries: `idempotent` retries a DELETE",
        &IDEMPOTENT,
        |fixture| crashes_once(fixture, "DELETE"),
    ),
    case(
        "retries: `idempotent` does not retry a POST",
        &IDEMPOTENT,
        |fixture| crashes(fixture, "POST", 1),
    ),
    case(
        "retries: `idempotent` does not retry a PROPFIND",
        &IDEMPOTENT,
        |fixture| crashes(fixture, "PROPFIND", 1),
    ),
    case(
        "retries: GET, POST, and PATCH skip an instance that is down",
        &FOUR,
        |fixture| skips_closed_port(fixture, &["GET", "POST", "PATCH"]),
    ),
    only(
        Engine::Haproxy,
        "nginx does not distinguish a refused connection from one that failed later, and retries neither",
        case(
            "retries: PUT and DELETE skip an instance that is down",
            &FOUR,
            |fixture| skips_closed_port(fixture, &["PUT", "DELETE"]),
        ),
    ),
    case(
        "retries: with `idempotent`, PUT and DELETE skip an instance that is down",
        &IDEMPOTENT_FOUR,
        |fixture| skips_closed_port(fixture, &["PUT", "DELETE"]),
    ),
    case(
        "retries: a GET that crashes instances of several hosts runs at most once for each port, plus one retry",
        &SEVERAL_HOSTS,
        |fixture| crashes_at_most(fixture, "GET", 5),
    ),
    case(
        "retries: a PUT that crashes instances of several hosts runs once",
        &SEVERAL_HOSTS,
        |fixture| crashes(fixture, "PUT", 1),
    ),
    case(
        "retries: a GET is retried on an instance of another host",
        &SEVERAL_HOSTS,
        |fixture| crashes_once(fixture, "GET"),
    ),
];

/// Each instance has the addresses of both hosts.
fn several_hosts(engine: Engine) -> String {
    format!(
        "version: 1\nproject: suite\nhosts:\n  web1: {{ address: 192.0.2.10 }}\n  \
         web2: {{ address: 192.0.2.11 }}\napps:\n  app: {{ {OWN_PORT} }}\npools:\n  \
         web: {{ app: app, ports: [3001-3004] }}\nproxies:\n  edge:\n    engine: {}\n    \
         hosts: [web1]\n    routes: [{{ path: /, pool: web }}]\n",
        engine.name()
    )
}

fn url(behavior: &str, method: &str) -> String {
    format!("/put/{behavior}-{method}?do={behavior}")
}

fn fetch(method: &str, url: &str) -> CheckResult<Response> {
    match method {
        "POST" | "PUT" | "PATCH" => client::send(method, url, b"a body"),
        _ => client::fetch(client::request(method, url, "")),
    }
}

/// Expects 504, and one request to the applications, until one second after the response.
fn slow(fixture: &Fixture, method: &str) -> CheckResult {
    let url = format!("/slow-{method}?do=slow&ms=4000");
    let response = fetch(method, &url)?;
    std::thread::sleep(Duration::from_secs(1));
    let started = fixture.requests(&url)?.len();
    ensure!(
        response.status == 504 && started == 1,
        "status {}, started {started} times",
        response.status
    );
    Ok(())
}

/// Sends a request at which each instance exits; expects it at `times` instances.
fn crashes(fixture: &Fixture, method: &str, times: usize) -> CheckResult {
    let url = url("crash", method);
    let response = fetch(method, &url)?;
    let started = fixture.requests(&url)?.len();
    ensure!(
        matches!(response.status, 502 | 503) && started == times,
        "status {}, started {started} times, not {times}",
        response.status
    );
    Ok(())
}

/// Sends a request at which each instance exits; expects it at 2 to `most` instances: with several
/// hosts, there is one attempt per instance of a host and one more.
fn crashes_at_most(fixture: &Fixture, method: &str, most: usize) -> CheckResult {
    let url = url("crash", method);
    let response = fetch(method, &url)?;
    let started = fixture.requests(&url)?.len();
    ensure!(
        matches!(response.status, 502 | 503) && (2..=most).contains(&started),
        "status {}, started {started} times, not 2 to {most}",
        response.status
    );
    Ok(())
}

/// Sends a request at which the first instance exits; expects the response of another one.
fn crashes_once(fixture: &Fixture, method: &str) -> CheckResult {
    let url = url("crashonce", method);
    let response = fetch(method, &url)?;
    let started = fixture.requests(&url)?.len();
    ensure!(
        response.status == 200 && started == 2,
        "status {}, started {started} times",
        response.status
    );
    Ok(())
}

/// Kills an instance; expects that requests are sent once, to another instance.
fn skips_closed_port(fixture: &Fixture, methods: &[&str]) -> CheckResult {
    fixture.kill(3002)?;
    wait::until(
        "closed",
        Duration::from_secs(5),
        || match std::net::TcpStream::connect("127.0.0.1:3002") {
            Ok(_) => Poll::Pending("port 3002 still accepts".to_owned()),
            Err(_) => Poll::Ready(()),
        },
    )?;
    for method in methods {
        for round in 0..8 {
            let url = format!("/passes-{method}/{round}");
            let response = fetch(method, &url)?;
            ensure!(
                response.status == 200,
                "{method} {round} gets {}",
                response.status
            );
            let arrived = fixture.requests(&url)?.len();
            ensure!(arrived == 1, "{method} {round} arrived {arrived} times");
        }
    }
    Ok(())
}
