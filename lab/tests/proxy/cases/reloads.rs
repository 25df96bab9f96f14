//! Connections and requests during a reload.

use std::time::{Duration, Instant};

use crate::apps::Program;
use crate::case::{Case, PLAIN, Setup, case};
use crate::cases::large_bodies;
use crate::client::{self, Client, request};
use crate::failure::{CheckResult, ensure};
use crate::fixture::Fixture;
use crate::websocket::Websocket;

static WEBSOCKET: Setup = Setup {
    program: Program::Ws,
    ..PLAIN
};
static DOWNLOAD: Setup = PLAIN;
static SLOW: Setup = PLAIN;
static SHORT_DRAIN: Setup = Setup {
    proxy: "timeouts: { drain: 3s }",
    program: Program::Ws,
    ..PLAIN
};

/// Longer than 10 s, to detect workers with a shorter limit.
const LONG: Duration = Duration::from_secs(12);

pub(crate) const CASES: &[Case] = &[
    case(
        "reloads: an idle websocket stays open for 12 s",
        &WEBSOCKET,
        |fixture| {
            let mut websocket = Websocket::open("/")?;
            websocket.echo("before")?;
            fixture.proxy.reload()?;
            std::thread::sleep(LONG);
            websocket.echo("after")?;
            Websocket::open("/")?.echo("new")
        },
    ),
    case(
        "reloads: a download continues for 12 s",
        &DOWNLOAD,
        download,
    ),
    case(
        "reloads: a response that takes 12 s arrives",
        &SLOW,
        |fixture| {
            let mut client = Client::connect()?;
            client.send(request("GET", "/?do=slow&ms=12000", ""))?;
            fixture.proxy.reload()?;
            client.response("GET")?.expect(200)?;
            Ok(())
        },
    ),
    case(
        "reloads: `timeouts.drain` limits replaced workers",
        &SHORT_DRAIN,
        |fixture| {
            let mut websocket = Websocket::open("/")?;
            websocket.echo("before")?;
            fixture.proxy.reload()?;
            let start = Instant::now();
            websocket.echo("drains")?;
            websocket.closes_within(9)?;
            let took = start.elapsed();
            ensure!(took > Duration::from_secs(1), "closed after {took:?}");
            Websocket::open("/")?.echo("new")
        },
    ),
];

/// A client that starts to read before the reload and reads slowly.
fn download(fixture: &Fixture) -> CheckResult {
    let mut download = large_bodies::Download::start("/file?do=body&type=zip&size=30000000")?;
    fixture.proxy.reload()?;
    let start = Instant::now();
    while start.elapsed() < LONG {
        download.read(64 * 1024)?;
        std::thread::sleep(Duration::from_millis(100));
    }
    client::get("/")?.expect(200)?;
    download.finish(30_000_000)
}
