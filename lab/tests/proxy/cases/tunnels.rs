//! Websockets and slow responses: idle timeouts.

use crate::apps::{Program, script};
use crate::case::{Case, PLAIN, Setup, case};
use crate::client::{self, Client};
use crate::failure::{CheckResult, Context as _, ensure};
use crate::fixture::Fixture;
use crate::websocket::Websocket;

use std::time::{Duration, Instant};

static SOCKET_IO: Setup = Setup {
    program: Program::SocketIo,
    ..PLAIN
};
static SOCKET_IO_DEFAULT_TRANSPORT: Setup = Setup {
    program: Program::SocketIo,
    ..PLAIN
};
static SHORT_READ: Setup = Setup {
    proxy: "timeouts: { read: 2s }",
    program: Program::Ws,
    ..PLAIN
};
static SHORT_TUNNEL: Setup = Setup {
    proxy: "timeouts: { read: 30s, tunnel: 2s }",
    program: Program::Ws,
    ..PLAIN
};
static ROUTE_TUNNEL: Setup = Setup {
    proxy: "timeouts: { tunnel: 1m }",
    routes: "- { path: /brief, pool: web, timeouts: { tunnel: 2s } }\n- { path: /, pool: web }",
    program: Program::Ws,
    ..PLAIN
};
static REWRITTEN: Setup = Setup {
    proxy: "timeouts: { read: 1s }\nrate_limit: { rate: 10/s, burst: 5 }",
    routes: "- { path: /live, pool: web, rewrite: /socket, rate_limit: { rate: 10/s, burst: 5 } }\n- { path: /, pool: web }",
    program: Program::Ws,
    ..PLAIN
};
static SLOW: Setup = Setup {
    proxy: "timeouts: { read: 2s }",
    ..PLAIN
};

pub(crate) const CASES: &[Case] = &[
    case(
        "tunnels: socket.io with default settings stays connected with a websocket",
        &SOCKET_IO,
        |_| socket_io(&["websocket"]),
    ),
    case(
        "tunnels: socket.io with default settings and transports stays connected",
        &SOCKET_IO_DEFAULT_TRANSPORT,
        |_| socket_io(&[]),
    ),
    case(
        "tunnels: a websocket may be idle for longer than `read`",
        &SHORT_READ,
        idle_websocket,
    ),
    case(
        "tunnels: `timeouts.tunnel` closes an idle websocket",
        &SHORT_TUNNEL,
        |_| {
            let mut websocket = Websocket::open("/")?;
            websocket.echo("open")?;
            let start = Instant::now();
            websocket.closes_within(8)?;
            let took = start.elapsed();
            ensure!(took > Duration::from_millis(1500), "closed after {took:?}");
            Ok(())
        },
    ),
    case(
        "tunnels: a route has its own `timeouts.tunnel`",
        &ROUTE_TUNNEL,
        |_| {
            let mut long = Websocket::open("/")?;
            Websocket::open("/brief")?.closes_within(8)?;
            long.echo("still open")
        },
    ),
    case(
        "tunnels: a websocket on a rewritten, limited route may be idle",
        &REWRITTEN,
        |_| {
            let mut websocket = Websocket::open("/live/%40chat")?;
            websocket.echo("first")?;
            std::thread::sleep(Duration::from_millis(2200));
            websocket.echo("second")
        },
    ),
    case(
        "tunnels: a slow response is 504 after `read`",
        &SLOW,
        |_| {
            let start = Instant::now();
            client::get("/slow?do=slow&ms=6000")?.expect(504)?;
            let took = start.elapsed();
            let expected = Duration::from_millis(1900)..Duration::from_millis(3900);
            ensure!(expected.contains(&took), "504 came after {took:?}");
            Ok(())
        },
    ),
];

/// Expects one connection for 12 s, longer than a timeout of 10 s.
fn socket_io(transports: &[&str]) -> CheckResult {
    let mut client = script("socketio-client.js");
    client.args(["http://127.0.0.1", "12"]).args(transports);
    let output = lab::command::capture(&mut client)?.success()?;
    let received: serde_json::Value = serde_json::from_str(&output).context(&output)?;
    ensure!(
        received["connects"] == 1 && received["disconnects"] == serde_json::json!([]),
        "the client printed {output}"
    );
    ensure!(
        received["echo"] == "still here" && received["transport"] == "websocket",
        "the client printed {output}"
    );
    Ok(())
}

fn idle_websocket(_: &Fixture) -> CheckResult {
    let mut websocket = Websocket::open("/chat")?;
    websocket.echo("first")?;
    // The idle time under test.
    std::thread::sleep(Duration::from_millis(3500));
    websocket.echo("second")?;
    Client::connect()?
        .fetch(client::request("GET", "/", ""))?
        .expect(200)?;
    Ok(())
}
