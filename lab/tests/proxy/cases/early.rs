//! Answers that come before the request is whole.

use std::io::Write as _;
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{self, Client, request};
use crate::failure::{Checked, ensure};
use crate::fixture::Fixture;
use crate::http::Answer;
use crate::table::{ACTIVATED, Case, DEFAULTS, Engine, PLAIN, Setup, case, differ};

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
        "HAProxy's timeout of a server also runs while the client sends",
        case(
            "early: an upload that pauses for longer than `read` is accepted",
            &SHORT_READ,
            pauses,
        ),
    ),
    case(
        "early: 400 of 400 early answers to POST arrive",
        &DEFAULTS,
        |_| early(),
    ),
    case(
        "early: 400 of 400 early answers arrive with socket activation",
        &SHARED,
        |_| early(),
    ),
    case(
        "early: 20 early answers arrive on one connection",
        &DEFAULTS,
        |_| on_one_connection(),
    ),
    differ(
        "nginx before 1.29 takes 103 for the answer, which ends when the application closes its connection",
        case(
            "early: an answer after 103 Early Hints arrives",
            &DEFAULTS,
            |fixture| {
                let limit = Duration::from_secs(match fixture.engine {
                    Engine::Nginx => 8,
                    Engine::Haproxy => 2,
                });
                let start = Instant::now();
                let answer = client::get("/hints?do=early")?.expect(200)?;
                let took = start.elapsed();
                ensure!(answer.text() == "late", "the body is {:?}", answer.text());
                ensure!(took < limit, "it took {took:?}");
                Ok(())
            },
        ),
    ),
];

/// Bodies between what a socket buffers and what a proxy does.
const BODIES: [usize; 4] = [60_000, 200_000, 500_000, 900_000];

fn login(size: usize) -> Vec<u8> {
    let mut bytes = request("POST", "/login", &format!("Content-Length: {size}\r\n")).into_bytes();
    bytes.resize(bytes.len() + size, b'x');
    bytes
}

/// The application answers 401 before it has read the body; eight clients, fifty requests each.
fn early() -> Checked {
    let clients: Vec<_> = (0..8).map(|at| thread::spawn(move || fifty(at))).collect();
    let mut seen: Vec<String> = Vec::new();
    for client in clients {
        seen.extend(
            client
                .join()
                .unwrap_or_else(|_| vec!["a client panicked".to_owned()]),
        );
    }
    ensure!(
        seen.is_empty(),
        "{} of 400 are not 401: {}",
        seen.len(),
        seen.join(", ")
    );
    Ok(())
}

/// What fifty requests were answered instead.
fn fifty(at: usize) -> Vec<String> {
    let size = BODIES[at % BODIES.len()];
    let ask = || match concurrent(login(size)) {
        Ok(answer) if answer.status == 401 => None,
        Ok(answer) => Some(answer.status.to_string()),
        Err(failure) => Some(failure.to_string()),
    };
    (0..50).filter_map(|_| ask()).collect()
}

/// As clients do: reads while it sends, and sends no more once it is answered.
fn concurrent(request: Vec<u8>) -> Checked<Answer> {
    let mut client = Client::connect()?;
    let mut sender = client.stream.get_ref().try_clone()?;
    let sending = thread::spawn(move || {
        // A write that fails after the response has arrived is not a failure.
        let _ = sender.write_all(&request);
    });
    let answer = client.answer("POST");
    let _ = client.stream.get_ref().shutdown(Shutdown::Both);
    let _ = sending.join();
    answer
}

/// A browser keeps its connection: the rest of a body must not be taken for the next request.
fn on_one_connection() -> Checked {
    let mut client = Client::connect()?;
    for round in 0..20 {
        let answer = client.ask(login(200_000));
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        ensure!(status == 401, "request {round}: {answer:?}");
        let closes = answer?
            .header("connection")
            .is_some_and(|value| value == "close");
        if closes {
            client = Client::connect()?;
        }
    }
    Ok(())
}

fn pauses(fixture: &Fixture) -> Checked {
    let mut client = Client::connect()?;
    client.send(request("POST", "/pause", "Content-Length: 20\r\n"))?;
    client.send("0123456789")?;
    // The pause is what is tested.
    thread::sleep(Duration::from_millis(3500));
    client.send("0123456789")?;
    let answer = client.answer("POST")?;
    if fixture.engine == Engine::Haproxy {
        return answer.expect(504).map(drop);
    }
    let received = answer.expect(200)?.echoed()?.length;
    ensure!(received == 20, "{received} of 20 bytes arrived");
    Ok(())
}
