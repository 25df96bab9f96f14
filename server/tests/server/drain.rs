//! A stopping process drops no accepted request.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::client::{Client, get};
use super::load::{Load, Summary};
use super::process::{Process, activated};

/// Number of requests of each load test.
const REQUESTS: u64 = 70_000;

/// Number of clients of each load test.
const CLIENTS: usize = 8;

pub(crate) fn start_on(listener: &TcpListener, arguments: &str) -> Process {
    let process = Process::spawn(&mut activated(listener, arguments));
    process.line("listening on", 1);
    process
}

/// Returns the drain time in milliseconds from the last log line of a process.
pub(crate) fn drained_in(process: &Process) -> u64 {
    let line = process.line("drained in", 1);
    let rest = line.split("drained in ").nth(1);
    let millis = rest.and_then(|rest| rest.split(' ').next()?.parse().ok());
    millis.expect("milliseconds")
}

fn assert_no_failures(summary: &Summary, at_least: u64) {
    eprintln!(
        "{} answered ({} POST), {} failed, {} refused, {} stale, slowest {:?}",
        summary.answered,
        summary.posts,
        summary.failures.len(),
        summary.refused,
        summary.stale,
        summary.slowest
    );
    assert!(summary.failures.is_empty(), "{:?}", summary.failures);
    assert!(summary.answered >= at_least, "{}", summary.answered);
    assert!(summary.posts * 3 > summary.answered);
    assert!(summary.stale < 20, "{} stale", summary.stale);
}

#[test]
fn restart_with_a_passed_socket_drops_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let start = || start_on(&listener, "--drain 20s");
    let mut process = start();
    let load = Load::start(address, CLIENTS);
    let mut times = Vec::new();
    for _ in 0..14 {
        load.wait_for_responses(REQUESTS / 14);
        process.stop();
        times.push(drained_in(&process));
        process = start();
    }
    assert_no_failures(&load.finish(), REQUESTS);
    times.sort_unstable();
    eprintln!("drained under load in {times:?} ms");
    assert!(times[times.len() / 2] < 200, "{times:?}");
}

#[test]
fn rolling_restart_on_sighup_drops_no_request() {
    let supervisor = Process::start(&["--mode", "cluster", "--workers", "2", "--drain", "20s"]);
    let load = Load::start(supervisor.address(), CLIENTS);
    for round in 1..=14 {
        load.wait_for_responses(REQUESTS / 14);
        let before = supervisor.children();
        supervisor.signal(Signal::HUP);
        supervisor.line("processes", round + 1);
        assert!(supervisor.children().is_disjoint(&before));
    }
    assert_no_failures(&load.finish(), REQUESTS);
}

#[test]
fn sigterm_with_a_bound_port_drops_no_request() {
    let mut answered = 0;
    let mut posts = 0;
    for round in 0..14 {
        let mode = ["fork", "cluster"][round % 2];
        let mut process = Process::start(&["--mode", mode, "--workers", "2"]);
        let load = Load::start(process.address(), CLIENTS);
        load.wait_for_responses(REQUESTS / 14);
        process.stop();
        let summary = load.finish();
        assert_no_failures(&summary, REQUESTS / 14);
        answered += summary.answered;
        posts += summary.posts;
    }
    eprintln!("{answered} answered, {posts} of them POST");
    assert!(answered >= REQUESTS / 14 * 14);
}

#[test]
fn request_in_flight_is_answered_and_its_connection_closed() {
    let mut process = Process::start(&[]);
    let mut client = Client::connect(process.address()).expect("a connection");
    client
        .send(b"POST /api/randoms?cant=3 HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\nab")
        .expect("half a request");
    // A later response on another connection shows that the first half has been read.
    get(process.address(), "/health");
    process.signal(Signal::TERM);
    let mut other = Client::connect(process.address());
    while other.is_ok() {
        other = Client::connect(process.address());
    }
    client.send(b"cd").expect("the other half");
    let response = client.read_response("POST").expect("a response");
    assert_eq!((response.status, response.sum()), (200, 3));
    assert!(response.closes());
    assert!(client.is_closed());
    assert!(process.wait().success());
}

#[test]
fn draining_process_is_not_ready() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut process = start_on(&listener, "");
    assert_eq!(get(address, "/ready").status, 200);
    // A second connection with an incomplete request keeps the drain active.
    let mut client = Client::connect(address).expect("a connection");
    client
        .send(b"GET /ready HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\n")
        .expect("a head");
    get(address, "/health");
    process.signal(Signal::TERM);
    process.line("draining", 1);
    client.send(b"x").expect("a body");
    let response = client.read_response("GET").expect("a response");
    assert_eq!(
        (response.status, response.body.as_str()),
        (503, "draining\n")
    );
    assert!(response.closes());
    assert!(process.wait().success());
}

/// When a port moves to another unit, systemd closes its descriptor before the process exits, so
/// that connections in the backlog would be reset.
#[test]
fn backlog_of_a_socket_that_its_owner_closed_is_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let arguments = "--max-connections 1 --grace 300ms";
    let mut process = start_on(&listener, arguments);
    drop(listener);
    let mut idle = Client::connect(address).expect("a connection");
    idle.get("/health").expect("a response");
    // Exceeds the connection limit and waits in the backlog.
    let mut waiting = Client::connect(address).expect("a connection");
    waiting
        .send(b"POST /health HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n")
        .expect("a request");
    process.signal(Signal::TERM);
    let response = waiting.read_response("POST").expect("a response");
    assert!(response.closes());
    assert!(process.wait().success());
}

/// A proxy can be suspended between opening a connection and sending a request. The drain waits
/// for that request, and completes when it is answered.
#[test]
fn drain_waits_for_the_first_request_of_a_new_connection() {
    let mut process = Process::start(&["--grace", "1s"]);
    let address = process.address();
    let mut idle = Client::connect(address).expect("a connection");
    idle.get("/health").expect("a response");
    let mut new = Client::connect(address).expect("a connection");
    // Accepted, because a later connection has been accepted.
    get(address, "/health");
    process.signal(Signal::TERM);
    process.line("draining", 1);
    thread::sleep(Duration::from_millis(400));
    new.send(b"POST /health HTTP/1.1\r\nHost: t\r\n")
        .expect("half a head");
    thread::sleep(Duration::from_millis(200));
    new.send(b"Content-Length: 0\r\n\r\n").expect("the rest");
    let response = new.read_response("POST").expect("a response");
    assert!(response.closes());
    assert!(process.wait().success());
    assert!(idle.is_closed());
}

/// The drain waits for the grace period, not for the drain timeout.
#[test]
fn connection_without_a_request_does_not_prolong_the_drain() {
    let mut process = Process::start(&["--drain", "60s", "--grace", "300ms"]);
    let address = process.address();
    let mut new = Client::connect(address).expect("a connection");
    get(address, "/health");
    process.signal(Signal::TERM);
    assert!(process.wait().success());
    assert!(new.is_closed());
    assert!((300..2000).contains(&drained_in(&process)));
}

#[test]
fn drain_timeout_closes_remaining_connections() {
    let mut process = Process::start(&["--drain", "300ms"]);
    let address = process.address();
    let mut client = Client::connect(address).expect("a connection");
    client
        .send(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\n")
        .expect("a head");
    get(address, "/health");
    let began = Instant::now();
    process.signal(Signal::TERM);
    assert!(process.wait().success());
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert!(
        process
            .line("drain timeout", 1)
            .contains("closed 1 connections")
    );
    assert!(client.is_closed());
}

#[test]
fn idle_process_stops_immediately() {
    let mut process = Process::start(&[]);
    let address = process.address();
    get(address, "/health");
    process.stop();
    let millis = drained_in(&process);
    assert!(
        millis < 1000,
        "the drain completes when no connection is open: {millis}"
    );
}

#[test]
fn connection_in_the_backlog_is_answered_before_the_port_closes() {
    let mut process = Process::start(&["--max-connections", "1", "--grace", "300ms"]);
    let address = process.address();
    let mut first = Client::connect(address).expect("a connection");
    first.get("/health").expect("a response");
    // Exceeds the connection limit and waits in the backlog.
    let mut second = Client::connect(address).expect("a connection");
    second
        .send(b"GET /health HTTP/1.1\r\nHost: t\r\n\r\n")
        .expect("a request");
    process.signal(Signal::TERM);
    let reader = thread::spawn(move || second.read_response("GET"));
    let response = reader.join().expect("a thread").expect("a response");
    assert_eq!(response.status, 200);
    assert!(process.wait().success());
}
