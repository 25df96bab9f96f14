//! What a reload leaves alone.

use std::time::{Duration, Instant};

use crate::apps::Program;
use crate::cases::storage;
use crate::client::{self, Client, request};
use crate::failure::{Checked, ensure};
use crate::fixture::Fixture;
use crate::table::{Case, PLAIN, Setup, case};
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

/// Longer than the 10 s after which workers were once ended.
const LONG: Duration = Duration::from_secs(12);

pub(crate) const CASES: &[Case] = &[
    case(
        "reloads: a silent websocket survives for 12 s",
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
    case("reloads: a download survives for 12 s", &DOWNLOAD, download),
    case(
        "reloads: an answer that takes 12 s arrives",
        &SLOW,
        |fixture| {
            let mut client = Client::connect()?;
            client.send(request("GET", "/?do=slow&ms=12000", ""))?;
            fixture.proxy.reload()?;
            client.answer("GET")?.expect(200)?;
            Ok(())
        },
    ),
    case(
        "reloads: `timeouts.drain` ends replaced workers",
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

/// A client that reads slowly, from before the reload until long after it.
fn download(fixture: &Fixture) -> Checked {
    let mut download = storage::Download::start("/file?do=body&type=zip&size=30000000")?;
    fixture.proxy.reload()?;
    let start = Instant::now();
    while start.elapsed() < LONG {
        download.read(64 * 1024)?;
        std::thread::sleep(Duration::from_millis(100));
    }
    client::get("/")?.expect(200)?;
    download.finish(30_000_000)
}
