//! Server-sent events, and slow responses.

use std::time::{Duration, Instant};

use crate::case::{Case, DEFAULTS, PLAIN, Setup, case};
use crate::client::{self, Client, request};
use crate::failure::{CheckResult, ensure};

static QUIET: Setup = PLAIN;
static LONG_POLL: Setup = PLAIN;
static CLOSE_DELIMITED_QUIET: Setup = PLAIN;
static SHORT_READ: Setup = Setup {
    proxy: "timeouts: { read: 2s }",
    ..PLAIN
};
static SHORT_TUNNEL: Setup = Setup {
    proxy: "timeouts: { read: 30s, tunnel: 2s }",
    ..PLAIN
};
static ROUTE_READ: Setup = Setup {
    proxy: "timeouts: { read: 1s }",
    routes: "- { path: /reports, pool: web, timeouts: { read: 5s } }\n- { path: /, pool: web }",
    ..PLAIN
};
static ROUTE_SHORT: Setup = Setup {
    proxy: "timeouts: { read: 10s }",
    routes: "- { path: /brief, pool: web, timeouts: { read: 1s } }\n- { path: /, pool: web }",
    ..PLAIN
};

const EVENT_SOURCE: &str = "Accept: text/event-stream\r\nCache-Control: no-cache\r\n";

pub(crate) const CASES: &[Case] = &[
    case("events: a stream may be idle for 12 s", &QUIET, |_| {
        stream("/events?do=events&quiet=12000")
    }),
    case(
        "events: a stream without a length may be idle for 12 s",
        &CLOSE_DELIMITED_QUIET,
        |_| stream("/events?do=events&quiet=12000&framing=close"),
    ),
    case("events: a response may take 12 s", &LONG_POLL, |_| {
        client::get("/poll?do=slow&ms=12000")?.expect(200)?;
        Ok(())
    }),
    case(
        "events: a stream may be idle for longer than `read`",
        &SHORT_READ,
        |_| stream("/events?do=events&quiet=3500"),
    ),
    case(
        "events: Accept names the media type in any case",
        &SHORT_READ,
        |_| {
            stream_for(
                "Accept: Text/Event-Stream\r\n",
                "/events?do=events&quiet=3500",
            )
        },
    ),
    case(
        "events: `timeouts.tunnel` closes an idle stream",
        &SHORT_TUNNEL,
        |_| {
            let start = Instant::now();
            let outcome = stream("/events?do=events&quiet=7000");
            ensure!(outcome.is_err(), "the second event arrived");
            let took = start.elapsed();
            ensure!(
                (Duration::from_millis(1500)..Duration::from_secs(5)).contains(&took),
                "closed after {took:?}"
            );
            Ok(())
        },
    ),
    case(
        "events: a route has its own `timeouts.read`",
        &ROUTE_READ,
        |_| {
            client::get("/reports/all?do=slow&ms=2500")?.expect(200)?;
            client::get("/other?do=slow&ms=2500")?.expect(504)?;
            Ok(())
        },
    ),
    case(
        "events: a route has a shorter `timeouts.read`",
        &ROUTE_SHORT,
        |_| {
            client::get("/other?do=slow&ms=2500")?.expect(200)?;
            client::get("/brief?do=slow&ms=2500")?.expect(504)?;
            Ok(())
        },
    ),
    case("events: the first event arrives at once", &DEFAULTS, |_| {
        at_once("/events?do=events&quiet=3000")
    }),
    case(
        "events: the first event of a stream without a length arrives at once",
        &DEFAULTS,
        |_| at_once("/events?do=events&quiet=3000&framing=close"),
    ),
    case(
        "events: the first event arrives at once without Accept",
        &DEFAULTS,
        |_| {
            let mut client = Client::connect()?;
            client.send(request(
                "POST",
                "/chat?do=events&quiet=3000",
                "Content-Length: 0\r\n",
            ))?;
            first_event(client)
        },
    ),
    case("events: a stream is not compressed", &DEFAULTS, |_| {
        let response = client::get_with(
            "/events?do=events&size=4000",
            &format!("{EVENT_SOURCE}Accept-Encoding: gzip\r\n"),
        )?;
        ensure!(
            response.header("content-encoding").is_none(),
            "Content-Encoding: {:?}",
            response.all("content-encoding")
        );
        Ok(())
    }),
];

/// Expects the complete stream, with the headers of an `EventSource`.
fn stream(url: &str) -> CheckResult {
    stream_for(EVENT_SOURCE, url)
}

/// Expects the complete stream, with these request headers.
fn stream_for(headers: &str, url: &str) -> CheckResult {
    let response = client::get_with(url, headers)?.expect(200)?;
    ensure!(
        response.text().ends_with("data: second\n\n"),
        "the stream is {:?}",
        response.text()
    );
    Ok(())
}

fn at_once(url: &str) -> CheckResult {
    let mut client = Client::connect()?;
    client.send(request("GET", url, EVENT_SOURCE))?;
    first_event(client)
}

fn first_event(mut client: Client) -> CheckResult {
    let start = Instant::now();
    let mut response = client.head()?;
    if response.is_chunked() {
        response.read_chunk(&mut client.stream)?;
    } else {
        let mut bytes = [0; 64];
        let length = std::io::Read::read(&mut client.stream, &mut bytes)?;
        response.body.extend_from_slice(&bytes[..length]);
    }
    let took = start.elapsed();
    ensure!(
        response.text().starts_with("data: first"),
        "it is {:?}",
        response.text()
    );
    ensure!(took < Duration::from_millis(1500), "it took {took:?}");
    Ok(())
}
