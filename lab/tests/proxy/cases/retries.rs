//! How often a request is sent to an application.

use std::time::Duration;

use lab::wait::{self, Seen};

use crate::client;
use crate::failure::{Checked, ensure};
use crate::fixture::Fixture;
use crate::http::Answer;
use crate::table::{ACTIVATED, Case, Engine, OWN_PORT, PLAIN, Setup, case, only};

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
    whole: Some(several_hosts),
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
        "retries: a POST that ends its instance runs once",
        &FOUR,
        |fixture| dies(fixture, "POST", 1),
    ),
    case(
        "retries: a PUT that ends its instance runs once",
        &FOUR,
        |fixture| dies(fixture, "PUT", 1),
    ),
    case(
        "retries: a DELETE that ends its instance runs once",
        &FOUR,
        |fixture| dies(fixture, "DELETE", 1),
    ),
    case(
        "retries: a PATCH that ends its instance runs once",
        &FOUR,
        |fixture| dies(fixture, "PATCH", 1),
    ),
    case(
        "retries: a GET that ends its instances runs twice",
        &FOUR,
        |fixture| dies(fixture, "GET", 2),
    ),
    case(
        "retries: a HEAD that ends its instances runs twice",
        &FOUR,
        |fixture| dies(fixture, "HEAD", 2),
    ),
    case(
        "retries: a GET is answered by another instance",
        &FOUR,
        |fixture| dies_once(fixture, "GET"),
    ),
    case(
        "retries: an OPTIONS is answered by another instance",
        &FOUR,
        |fixture| dies_once(fixture, "OPTIONS"),
    ),
    case(
        "retries: a POST on a keepalive connection runs once",
        &FOUR_ACTIVATED,
        |fixture| dies(fixture, "POST", 1),
    ),
    case(
        "retries: a PUT on a keepalive connection runs once",
        &FOUR_ACTIVATED,
        |fixture| dies(fixture, "PUT", 1),
    ),
    case(
        "retries: a GET on a keepalive connection runs twice",
        &FOUR_ACTIVATED,
        |fixture| dies(fixture, "GET", 2),
    ),
    case(
        "retries: `idempotent` sends a PUT again",
        &IDEMPOTENT,
        |fixture| dies_once(fixture, "PUT"),
    ),
    case(
        "retries: `idempotent` sends a PUT again once",
        &IDEMPOTENT,
        |fixture| dies(fixture, "PUT", 2),
    ),
    case(
        "retries: `idempotent` sends a DELETE again",
        &IDEMPOTENT,
        |fixture| dies_once(fixture, "DELETE"),
    ),
    case(
        "retries: `idempotent` sends a POST once",
        &IDEMPOTENT,
        |fixture| dies(fixture, "POST", 1),
    ),
    case(
        "retries: `idempotent` sends a PROPFIND once",
        &IDEMPOTENT,
        |fixture| dies(fixture, "PROPFIND", 1),
    ),
    case(
        "retries: GET, POST and PATCH pass by an instance that is down",
        &FOUR,
        |fixture| passes_by(fixture, &["GET", "POST", "PATCH"]),
    ),
    only(
        Engine::Haproxy,
        "nginx cannot tell a refused connection from one that failed later, and retries neither",
        case(
            "retries: PUT and DELETE pass by an instance that is down",
            &FOUR,
            |fixture| passes_by(fixture, &["PUT", "DELETE"]),
        ),
    ),
    case(
        "retries: `idempotent` lets PUT and DELETE pass by an instance that is down",
        &IDEMPOTENT_FOUR,
        |fixture| passes_by(fixture, &["PUT", "DELETE"]),
    ),
    case(
        "retries: a GET that ends instances of several hosts runs once a port, and once more",
        &SEVERAL_HOSTS,
        |fixture| ends_at_most(fixture, "GET", 5),
    ),
    case(
        "retries: a PUT that ends instances of several hosts runs once",
        &SEVERAL_HOSTS,
        |fixture| dies(fixture, "PUT", 1),
    ),
    case(
        "retries: a GET is answered by an instance of another host",
        &SEVERAL_HOSTS,
        |fixture| dies_once(fixture, "GET"),
    ),
];

/// Each instance has the addresses of both hosts.
fn several_hosts(engine: Engine) -> String {
    format!(
        "version: 1\nproject: suite\nhosts:\n  web1: {{ address: 192.0.2.10 }}\n  \
         web2: {{ address: 192.0.2.11 }}\napps:\n  app: {{ {OWN_PORT} }}\npools:\n  \
         web: {{ app: app, ports: [3001-3004] }}\nproxies:\n  edge:\n    engine: {}\n    \
         hosts: [web1]\n    routes: [{{ path: /, pool: web }}]\n",
        engine.word()
    )
}

fn url(behavior: &str, method: &str) -> String {
    format!("/put/{behavior}-{method}?do={behavior}")
}

fn ask(method: &str, url: &str) -> Checked<Answer> {
    match method {
        "POST" | "PUT" | "PATCH" => client::send(method, url, b"a body"),
        _ => client::ask(client::request(method, url, "")),
    }
}

/// No second instance starts it, neither before the answer nor within the next second.
fn slow(fixture: &Fixture, method: &str) -> Checked {
    let url = format!("/slow-{method}?do=slow&ms=4000");
    let answer = ask(method, &url)?;
    std::thread::sleep(Duration::from_secs(1));
    let started = fixture.requests(&url)?.len();
    ensure!(
        answer.status == 504 && started == 1,
        "answered {}, started {started} times",
        answer.status
    );
    Ok(())
}

/// Each instance that receives it exits.
fn dies(fixture: &Fixture, method: &str, times: usize) -> Checked {
    let url = url("die", method);
    let answer = ask(method, &url)?;
    let started = fixture.requests(&url)?.len();
    ensure!(
        matches!(answer.status, 502 | 503) && started == times,
        "answered {}, started {started} times, not {times}",
        answer.status
    );
    Ok(())
}

/// Each instance that receives it exits: with several hosts, one of which may be lost, an attempt
/// for each instance of a host and one more.
fn ends_at_most(fixture: &Fixture, method: &str, most: usize) -> Checked {
    let url = url("die", method);
    let answer = ask(method, &url)?;
    let started = fixture.requests(&url)?.len();
    ensure!(
        matches!(answer.status, 502 | 503) && (2..=most).contains(&started),
        "answered {}, started {started} times, not 2 to {most}",
        answer.status
    );
    Ok(())
}

/// The first instance that receives it exits, the others answer.
fn dies_once(fixture: &Fixture, method: &str) -> Checked {
    let url = url("dieonce", method);
    let answer = ask(method, &url)?;
    let started = fixture.requests(&url)?.len();
    ensure!(
        answer.status == 200 && started == 2,
        "answered {}, started {started} times",
        answer.status
    );
    Ok(())
}

/// What was not sent may go to any other instance.
fn passes_by(fixture: &Fixture, methods: &[&str]) -> Checked {
    fixture.kill(3002)?;
    wait::until(
        "closed",
        Duration::from_secs(5),
        || match std::net::TcpStream::connect("127.0.0.1:3002") {
            Ok(_) => Seen::NotYet("port 3002 still accepts".to_owned()),
            Err(_) => Seen::Yes(()),
        },
    )?;
    for method in methods {
        for round in 0..8 {
            let url = format!("/passes-{method}/{round}");
            let answer = ask(method, &url)?;
            ensure!(
                answer.status == 200,
                "{method} {round} is answered {}",
                answer.status
            );
            let arrived = fixture.requests(&url)?.len();
            ensure!(arrived == 1, "{method} {round} arrived {arrived} times");
        }
    }
    Ok(())
}
