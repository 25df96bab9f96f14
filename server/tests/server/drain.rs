//! Nothing that was accepted is lost when a process ends.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::client::{Client, get};
use super::load::{Account, Load};
use super::process::{Process, activated};

/// Requests of each scenario under load; the three make more than 200,000.
const REQUESTS: u64 = 70_000;

/// Clients of each scenario.
const CLIENTS: usize = 8;

pub(crate) fn start_on(listener: &TcpListener, arguments: &str) -> Process {
    let process = Process::spawn(&mut activated(listener, arguments));
    process.line("listening on", 1);
    process
}

/// The milliseconds that a process reports at its end.
pub(crate) fn drained_in(process: &Process) -> u64 {
    let line = process.line("drained in", 1);
    let rest = line.split("drained in ").nth(1);
    let millis = rest.and_then(|rest| rest.split(' ').next()?.parse().ok());
    millis.expect("milliseconds")
}

fn assert_nothing_lost(account: &Account, at_least: u64) {
    eprintln!(
        "{} answered ({} POST), {} failed, {} refused, {} stale, slowest {:?}",
        account.answered,
        account.posts,
        account.failures.len(),
        account.refused,
        account.stale,
        account.slowest
    );
    assert!(account.failures.is_empty(), "{:?}", account.failures);
    assert!(account.answered >= at_least, "{}", account.answered);
    assert!(account.posts * 3 > account.answered);
    assert!(account.stale < 20, "{} stale", account.stale);
}

#[test]
fn restart_behind_a_kept_socket_loses_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let start = || start_on(&listener, "--drain 20s");
    let mut process = start();
    let load = Load::start(address, CLIENTS);
    let mut times = Vec::new();
    for _ in 0..14 {
        load.go_on(REQUESTS / 14);
        process.stop();
        times.push(drained_in(&process));
        process = start();
    }
    assert_nothing_lost(&load.finish(), REQUESTS);
    times.sort_unstable();
    eprintln!("drained under load in {times:?} ms");
    assert!(times[times.len() / 2] < 200, "{times:?}");
}

#[test]
fn replacing_workers_on_sighup_loses_nothing() {
    let master = Process::start(&["--mode", "cluster", "--workers", "2", "--drain", "20s"]);
    let load = Load::start(master.address(), CLIENTS);
    for round in 1..=14 {
        load.go_on(REQUESTS / 14);
        let before = master.children();
        master.signal(Signal::HUP);
        master.line("processes", round + 1);
        assert!(master.children().is_disjoint(&before));
    }
    assert_nothing_lost(&load.finish(), REQUESTS);
}

#[test]
fn sigterm_loses_nothing_even_with_the_port_itself_gone() {
    let mut answered = 0;
    let mut posts = 0;
    for round in 0..14 {
        let mode = ["fork", "cluster"][round % 2];
        let mut process = Process::start(&["--mode", mode, "--workers", "2"]);
        let load = Load::start(process.address(), CLIENTS);
        load.go_on(REQUESTS / 14);
        process.stop();
        let account = load.finish();
        assert_nothing_lost(&account, REQUESTS / 14);
        answered += account.answered;
        posts += account.posts;
    }
    eprintln!("{answered} answered, {posts} of them POST");
    assert!(answered >= REQUESTS / 14 * 14);
}

#[test]
fn request_under_way_is_answered_and_its_connection_closed() {
    let mut process = Process::start(&[]);
    let mut client = Client::connect(process.address()).expect("a connection");
    client
        .send(b"POST /api/randoms?cant=3 HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\nab")
        .expect("half a request");
    // An answer to somebody later shows that the first half has been read.
    get(process.address(), "/health");
    process.signal(Signal::TERM);
    let mut other = Client::connect(process.address());
    while other.is_ok() {
        other = Client::connect(process.address());
    }
    client.send(b"cd").expect("the other half");
    let answer = client.answer("POST").expect("an answer");
    assert_eq!((answer.status, answer.sum()), (200, 3));
    assert!(answer.closes());
    assert!(client.is_ended());
    assert!(process.wait().success());
}

#[test]
fn draining_process_says_that_it_is_not_ready() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut process = start_on(&listener, "");
    assert_eq!(get(address, "/ready").status, 200);
    // A second connection in the middle of a request keeps the grace open.
    let mut client = Client::connect(address).expect("a connection");
    client
        .send(b"GET /ready HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\n")
        .expect("a head");
    get(address, "/health");
    process.signal(Signal::TERM);
    process.line("draining", 1);
    client.send(b"x").expect("a body");
    let answer = client.answer("GET").expect("an answer");
    assert_eq!((answer.status, answer.body.as_str()), (503, "draining\n"));
    assert!(answer.closes());
    assert!(process.wait().success());
}

/// Where a socket passes to another unit, systemd has let go of it before the process that was handed
/// it ends: what waits there would be reset.
#[test]
fn what_waits_on_a_socket_that_its_keeper_closed_is_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let arguments = "--max-connections 1 --grace 300ms";
    let mut process = start_on(&listener, arguments);
    drop(listener);
    let mut kept = Client::connect(address).expect("a connection");
    kept.get("/health").expect("an answer");
    // Beyond the cap: it waits in the kernel.
    let mut waiting = Client::connect(address).expect("a connection");
    waiting
        .send(b"POST /health HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n")
        .expect("a request");
    process.signal(Signal::TERM);
    let answer = waiting.answer("POST").expect("an answer");
    assert!(answer.closes());
    assert!(process.wait().success());
}

/// A proxy that opens a connection for a request it cannot repeat may get no turn for a while
/// between the two. The drain is over when that request is answered, and not only at its end.
#[test]
fn first_request_of_a_new_connection_is_waited_for() {
    let mut process = Process::start(&["--grace", "1s"]);
    let address = process.address();
    let mut kept = Client::connect(address).expect("a connection");
    kept.get("/health").expect("an answer");
    let mut fresh = Client::connect(address).expect("a connection");
    // Accepted once a later one has been.
    get(address, "/health");
    process.signal(Signal::TERM);
    process.line("draining", 1);
    thread::sleep(Duration::from_millis(400));
    fresh
        .send(b"POST /health HTTP/1.1\r\nHost: t\r\n")
        .expect("half a head");
    thread::sleep(Duration::from_millis(200));
    fresh.send(b"Content-Length: 0\r\n\r\n").expect("the rest");
    let answer = fresh.answer("POST").expect("an answer");
    assert!(answer.closes());
    assert!(process.wait().success());
    assert!(kept.is_ended());
}

/// Nothing comes of it: the drain does not wait for its deadline.
#[test]
fn connection_without_a_request_does_not_hold_the_drain() {
    let mut process = Process::start(&["--drain", "60s", "--grace", "300ms"]);
    let address = process.address();
    let mut fresh = Client::connect(address).expect("a connection");
    get(address, "/health");
    process.signal(Signal::TERM);
    assert!(process.wait().success());
    assert!(fresh.is_ended());
    assert!((300..2000).contains(&drained_in(&process)));
}

#[test]
fn deadline_ends_what_does_not_end_itself() {
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
            .line("drain deadline", 1)
            .contains("cut 1 connections")
    );
    assert!(client.is_ended());
}

#[test]
fn idle_process_ends_at_once() {
    let mut process = Process::start(&[]);
    let address = process.address();
    get(address, "/health");
    process.stop();
    let millis = drained_in(&process);
    assert!(
        millis < 1000,
        "the grace ends when no connection is open: {millis}"
    );
}

#[test]
fn connection_waiting_in_the_kernel_is_served_before_the_port_goes() {
    let mut process = Process::start(&["--max-connections", "1", "--grace", "300ms"]);
    let address = process.address();
    let mut first = Client::connect(address).expect("a connection");
    first.get("/health").expect("an answer");
    // The only place is taken: this one waits in the kernel.
    let mut second = Client::connect(address).expect("a connection");
    second
        .send(b"GET /health HTTP/1.1\r\nHost: t\r\n\r\n")
        .expect("a request");
    process.signal(Signal::TERM);
    let reader = thread::spawn(move || second.answer("GET"));
    let answer = reader.join().expect("a thread").expect("an answer");
    assert_eq!(answer.status, 200);
    assert!(process.wait().success());
}
