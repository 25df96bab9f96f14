//! Responses that arrive before the request is complete.

use std::io::Write as _;
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

use crate::case::{ACTIVATED, Case, DEFAULTS, Engine, PLAIN, Setup, case, differ};
use crate::client::{self, Client, request};
use crate::failure::{CheckResult, ensure};
use crate::fixture::Fixture;
use crate::http::Response;

static SHARED: Setup = Setup {
    app: ACTIVATED,
    ..PLAIN
};
static SHORT_READ: Setup = Setup {
    proxy: "timeouts: { read: 2s, send: 30s }",
    ..PLAIN
};

pub(crate) const CASES: &[Case] = &[
    differ(
        "HAProxy's server timeout also applies while the client sends",
        case(
            "early: an upload that pauses for longer than `read` is accepted",
            &SHORT_READ,
            pauses,
        ),
    ),
    case(
        "early: 400 of 400 early responses to POST arrive",
        &DEFAULTS,
        |_| early(),
    ),
    case(
        "early: 400 of 400 early responses arrive with socket activation",
        &SHARED,
        |_| early(),
    ),
    case(
        "early: 20 early responses arrive on one connection",
        &DEFAULTS,
        |_| on_one_connection(),
    ),
    differ(
        "nginx before 1.29 treats 103 as the final response, which ends when the application closes the connection",
        case(
            "early: a response after 103 Early Hints arrives",
            &DEFAULTS,
            |fixture| {
                let limit = Duration::from_secs(match fixture.engine {
                    Engine::Nginx => 8,
                    Engine::Haproxy => 2,
                });
                let start = Instant::now();
                let response = client::get("/hints?do=early")?.expect(200)?;
                let took = start.elapsed();
                ensure!(
                    response.text() == "late",
                    "the body is {:?}",
                    response.text()
                );
                ensure!(took < limit, "it took {took:?}");
                Ok(())
            },
        ),
    ),
];

/// Body sizes between the socket buffers and the proxy's buffers, in bytes.
const BODIES: [usize; 4] = [60_000, 200_000, 500_000, 900_000];

fn login(size: usize) -> Vec<u8> {
    let mut bytes = request("POST", "/login", &format!("Content-Length: {size}\r\n")).into_bytes();
    bytes.resize(bytes.len() + size, b'x');
    bytes
}

/// Eight clients send fifty requests each; the application responds with 401 before it has read
/// the body.
fn early() -> CheckResult {
    let clients: Vec<_> = (0..8).map(|at| thread::spawn(move || fifty(at))).collect();
    let mut received: Vec<String> = Vec::new();
    for client in clients {
        received.extend(
            client
                .join()
                .unwrap_or_else(|_| vec!["a client panicked".to_owned()]),
        );
    }
    ensure!(
        received.is_empty(),
        "{} of 400 are not 401: {}",
        received.len(),
        received.join(", ")
    );
    Ok(())
}

/// Sends fifty requests and returns the unexpected results.
fn fifty(at: usize) -> Vec<String> {
    let size = BODIES[at % BODIES.len()];
    let fetch = || match concurrent(login(size)) {
        Ok(response) if response.status == 401 => None,
        Ok(response) => Some(response.status.to_string()),
        Err(failure) => Some(failure.to_string()),
    };
    (0..50).filter_map(|_| fetch()).collect()
}

/// Sends and reads at the same time, and stops sending once the response has arrived.
fn concurrent(request: Vec<u8>) -> CheckResult<Response> {
    let mut client = Client::connect()?;
    let mut sender = client.stream.get_ref().try_clone()?;
    let sending = thread::spawn(move || {
        // A write that fails after the response has arrived is not a failure.
        let _ = sender.write_all(&request);
    });
    let response = client.response("POST");
    let _ = client.stream.get_ref().shutdown(Shutdown::Both);
    let _ = sending.join();
    response
}

/// Sends twenty requests on one connection: the rest of a body must not be parsed as a request.
fn on_one_connection() -> CheckResult {
    let mut client = Client::connect()?;
    for round in 0..20 {
        let response = client.fetch(login(200_000));
        let status = response.as_ref().map_or(0, |response| response.status);
        ensure!(status == 401, "request {round}: {response:?}");
        let closes = response?
            .header("connection")
            .is_some_and(|value| value == "close");
        if closes {
            client = Client::connect()?;
        }
    }
    Ok(())
}

fn pauses(fixture: &Fixture) -> CheckResult {
    let mut client = Client::connect()?;
    client.send(request("POST", "/pause", "Content-Length: 20\r\n"))?;
    client.send("0123456789")?;
    // The pause under test.
    thread::sleep(Duration::from_millis(3500));
    client.send("0123456789")?;
    let response = client.response("POST")?;
    if fixture.engine == Engine::Haproxy {
        return response.expect(504).map(drop);
    }
    let received = response.expect(200)?.echoed()?.length;
    ensure!(received == 20, "{received} of 20 bytes arrived");
    Ok(())
}
