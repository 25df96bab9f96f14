//! What a healthy application answers, and what it is asked.

use crate::apps::Program;
use crate::client::{ask, get};
use crate::failure::{Checked, ensure};
use crate::fixture::Fixture;
use crate::table::{Case, Engine, PLAIN, Setup, case, differ, only};

const NO_CHECKS: &str = "nginx has no active health checks";

static NO_CONTENT: Setup = Setup {
    app: "artifact: app.tar, main: app.js, runtime: node, health: { path: /health, interval: 500ms }",
    env: &[("HEALTH", "204")],
    ..PLAIN
};
static REDIRECT: Setup = Setup {
    env: &[("HEALTH", "302")],
    ..NO_CONTENT
};
static REDIRECT_ALLOWED: Setup = Setup {
    app: "artifact: app.tar, main: app.js, runtime: node, health: { path: /health, interval: 500ms, status: [200-299, 302] }",
    env: &[("HEALTH", "302")],
    ..PLAIN
};
static ONE_STATUS: Setup = Setup {
    app: "artifact: app.tar, main: app.js, runtime: node, health: { path: /health, interval: 500ms, status: 418 }",
    env: &[("HEALTH", "418")],
    ..PLAIN
};
static NAMED: Setup = Setup {
    proxy: "server_name: [example.org, example.net]",
    env: &[],
    ..NO_CONTENT
};
static OWN_HOST: Setup = Setup {
    app: "artifact: app.tar, main: app.js, runtime: node, health: { path: /health, interval: 500ms, host: own.example.org }",
    proxy: "server_name: [example.org]",
    ..PLAIN
};
static UNNAMED: Setup = Setup {
    env: &[],
    ..NO_CONTENT
};
static DJANGO: Setup = Setup {
    app: "artifact: shop.tar, main: shop.py, health: { path: /health, interval: 500ms }, socket_activation: false, sd_notify: false",
    proxy: "server_name: [shop.example.org]",
    program: Program::Django,
    ..PLAIN
};

pub(crate) const CASES: &[Case] = &[
    case(
        "health: an application that answers 204 is healthy",
        &NO_CONTENT,
        healthy,
    ),
    differ(
        NO_CHECKS,
        case(
            "health: an application that answers 302 is not healthy",
            &REDIRECT,
            |fixture| match fixture.engine {
                Engine::Nginx => get("/")?.expect(200).map(drop),
                Engine::Haproxy => {
                    fixture.wait_servers("DOWN")?;
                    get("/")?.expect(503).map(drop)
                }
            },
        ),
    ),
    case(
        "health: `status` lists what is healthy",
        &REDIRECT_ALLOWED,
        healthy,
    ),
    case("health: `status` names one status", &ONE_STATUS, healthy),
    case(
        "health: Django with ALLOWED_HOSTS is healthy",
        &DJANGO,
        |fixture| {
            fixture.wait_checked("L7OK")?;
            ask("GET / HTTP/1.1\r\nHost: shop.example.org\r\n\r\n")?
                .expect(200)
                .map(drop)
        },
    ),
    only(
        Engine::Haproxy,
        NO_CHECKS,
        case(
            "health: checks name the first server name",
            &NAMED,
            |fixture| host(fixture, "example.org"),
        ),
    ),
    only(
        Engine::Haproxy,
        NO_CHECKS,
        case("health: checks name `health.host`", &OWN_HOST, |fixture| {
            host(fixture, "own.example.org")
        }),
    ),
    only(
        Engine::Haproxy,
        NO_CHECKS,
        case(
            "health: checks name localhost where no server name is set",
            &UNNAMED,
            |fixture| host(fixture, "localhost"),
        ),
    ),
];

/// After a check, requests are answered.
fn healthy(fixture: &Fixture) -> Checked {
    fixture.wait_checked("L7OK")?;
    get("/")?.expect(200).map(drop)
}

fn host(fixture: &Fixture, name: &str) -> Checked {
    fixture.wait_checked("L7OK")?;
    for request in fixture.requests("/health")? {
        let host = request.all("host");
        ensure!(host == [name], "a check has Host {host:?}, not {name}");
    }
    Ok(())
}
