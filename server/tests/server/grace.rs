//! The grace period: idle connections stay open for their peer to close, and new ones are answered.

use std::iter;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::client::{Client, get};
use super::drain::{drained_in, start_on};
use super::paced::{Pace, Paced};
use super::process::{Process, wait_until};

/// Time for which a stalled peer sends nothing.
const STALL: Duration = Duration::from_millis(600);

/// One restart while one client is connected directly and idle.
struct SlowRestart {
    /// Drain time that the process logs, in milliseconds.
    drained_in: u64,
    /// Statuses of the requests sent during the restart, each on a new connection.
    statuses: Vec<u16>,
    slowest: Duration,
}

fn restart_with_an_idle_client(arguments: &str) -> SlowRestart {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut process = start_on(&listener, arguments);
    let mut idle = Client::connect(address).expect("a connection");
    idle.get("/health").expect("a response");
    let stop = AtomicBool::new(false);
    let (statuses, slowest) = thread::scope(|scope| {
        let requests = scope.spawn(|| {
            let mut slowest = Duration::ZERO;
            let statuses = iter::repeat_with(|| {
                let sent = Instant::now();
                let response = get(address, "/ready");
                slowest = slowest.max(sent.elapsed());
                thread::sleep(Duration::from_millis(1));
                response.status
            });
            let statuses = statuses.take_while(|_| !stop.load(Relaxed)).take(10_000);
            let statuses = statuses.collect();
            (statuses, slowest)
        });
        process.stop();
        let next = start_on(&listener, arguments);
        get(address, "/ready");
        stop.store(true, Relaxed);
        let requests = requests.join().expect("requests");
        drop(next);
        requests
    });
    assert!(idle.is_closed());
    let drained_in = drained_in(&process);
    SlowRestart {
        drained_in,
        statuses,
        slowest,
    }
}

/// A busy machine can slow a request down, so one of three restarts without a slow request is
/// enough. A process that stops accepting while it waits would slow requests down in each restart.
#[test]
fn idle_client_delays_the_restart_by_the_grace_and_no_new_request() {
    let restarts = iter::repeat_with(|| {
        let restart = restart_with_an_idle_client("");
        let of_draining = restart.statuses.iter().filter(|s| **s == 503).count();
        eprintln!(
            "drained in {} ms with an idle client; {} new requests, {of_draining} answered by the \
             draining process, slowest {:?}",
            restart.drained_in,
            restart.statuses.len(),
            restart.slowest
        );
        assert!((1950..3000).contains(&restart.drained_in));
        assert!(restart.statuses.iter().all(|s| [200, 503].contains(s)));
        assert!(of_draining > 100, "{of_draining}");
        restart
    });
    let mut restarts = restarts.take(3);
    assert!(restarts.any(|restart| restart.slowest <= Duration::from_millis(50)));
}

/// The drain also waits for a connection that was opened after the signal and sends nothing, such as
/// one that a browser preconnects. Requests on other connections are answered.
#[test]
fn silent_connection_opened_in_the_drain_delays_no_new_request() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut process = start_on(&listener, "--grace 1s");
    let mut idle = Client::connect(address).expect("a connection");
    idle.get("/health").expect("a response");
    process.signal(Signal::TERM);
    process.line("draining", 1);
    let mut silent = Client::connect(address).expect("a connection");
    // Accepted, because a later connection has been accepted.
    assert_eq!(get(address, "/ready").status, 503);
    // The last connection from before the signal.
    drop(idle);
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(500) {
        assert_eq!(get(address, "/ready").status, 503);
    }
    assert!(silent.get("/health").expect("a response").closes());
    assert!(process.wait().success());
    assert!(drained_in(&process) < 950);
}

/// Sends requests, each on a new connection, and completes each when the next has begun.
fn keep_one_in_flight(address: SocketAddr, stop: &AtomicBool, answered: &AtomicU64) {
    let begin = || {
        let mut client = Client::connect(address).expect("a connection");
        let head = b"POST /api/randoms?cant=3 HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\n";
        client.send(head).expect("a head");
        client
    };
    let mut before = begin();
    while !stop.load(Relaxed) {
        let next = begin();
        thread::sleep(Duration::from_millis(1));
        before.send(b"x").expect("a body");
        before.read_response("POST").expect("a response");
        answered.fetch_add(1, Relaxed);
        before = next;
    }
}

/// Connections that were opened after the signal do not prolong a drain, however many there are.
#[test]
fn new_connections_do_not_prolong_the_drain() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut process = start_on(&listener, "--grace 20s");
    let mut idle = Client::connect(address).expect("a connection");
    idle.get("/health").expect("a response");
    let stop = AtomicBool::new(false);
    let answered = AtomicU64::new(0);
    let (response, next) = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| keep_one_in_flight(address, &stop, &answered));
        }
        process.signal(Signal::TERM);
        process.line("draining", 1);
        let goal = answered.load(Relaxed) + 50;
        wait_until("more responses", || answered.load(Relaxed) >= goal);
        let response = idle.get("/health");
        process.wait();
        // The next process answers the waiting clients.
        let next = start_on(&listener, "");
        stop.store(true, Relaxed);
        (response, next)
    });
    drop(next);
    assert!(response.expect("a response").closes());
    assert!(drained_in(&process) < 2000);
}

/// Returns the number of POST requests that fail in restarts behind a peer that closes connections
/// 300 ms after their last use. In each restart for which `stalled` is true, the peer sends and
/// closes nothing for 600 ms.
fn failures_of_paced_posts(arguments: &str, stalled: impl IntoIterator<Item = bool>) -> usize {
    const PACE: Pace = Pace {
        clients: 48,
        max_pause: 330,
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut process = start_on(&listener, arguments);
    let load = Paced::start(address, "/api/randoms?cant=3", PACE);
    for is_stalled in stalled {
        load.wait_for_responses(3 * PACE.clients);
        if is_stalled {
            load.stall(STALL, || process.signal(Signal::TERM));
        } else {
            process.signal(Signal::TERM);
        }
        assert!(process.wait().success());
        process = start_on(&listener, arguments);
        if load.failed() > 0 {
            break;
        }
    }
    load.wait_for_responses(PACE.clients);
    let (answered, failures) = load.finish();
    eprintln!("{arguments} {answered} POST answered, failed: {failures:?}");
    failures.len()
}

#[test]
fn post_on_a_keepalive_connection_of_a_stalled_peer_is_answered() {
    let stalled = [true, false, true, true];
    assert_eq!(failures_of_paced_posts("", stalled), 0);
}

/// The negative control of the test above.
#[test]
fn grace_shorter_than_a_stall_drops_posts() {
    assert!(failures_of_paced_posts("--grace 150ms", [true; 5]) > 0);
}

/// The head of a request on a keepalive connection is complete only after the grace period.
#[test]
fn request_that_has_begun_is_answered_after_the_grace() {
    let mut process = Process::start(&["--grace", "300ms"]);
    let mut client = Client::connect(process.address()).expect("a connection");
    client.get("/health").expect("a response");
    process.signal(Signal::TERM);
    process.line("draining", 1);
    let head = b"POST /api/randoms?cant=3 HTTP/1.1\r\nHost: t\r\n";
    client.send(head).expect("half a head");
    thread::sleep(STALL);
    client.send(b"Content-Length: 0\r\n\r\n").expect("the rest");
    let response = client.read_response("POST").expect("a response");
    assert_eq!(response.sum(), 3);
    assert!(response.closes());
    assert!(process.wait().success());
}

#[test]
fn idle_connection_of_a_replaced_worker_has_the_grace() {
    let supervisor = Process::start(&["--mode", "cluster", "--workers", "1"]);
    let address = supervisor.address();
    let mut idle = Client::connect(address).expect("a connection");
    let response = idle.get("/health").expect("a response");
    let before = response.header("x-served-by").expect("a name").to_owned();
    supervisor.signal(Signal::HUP);
    supervisor.line("draining", 1);
    thread::sleep(STALL);
    let response = idle.post("/api/randoms?cant=3", b"x").expect("a response");
    assert_eq!(response.header("x-served-by"), Some(&*before));
    assert!(response.closes());
    supervisor.line(") stopped", 1);
    assert!((600..1900).contains(&drained_in(&supervisor)));
}

/// A process that bound its port refuses new connections and leaves idle ones open.
#[test]
fn idle_connection_has_the_grace_when_the_port_closes() {
    let mut process = Process::start(&[]);
    let address = process.address();
    let [mut late, mut idle] = [(); 2].map(|()| Client::connect(address).expect("a connection"));
    for client in [&mut late, &mut idle] {
        client.get("/health").expect("a response");
    }
    process.signal(Signal::TERM);
    wait_until("the port is closed", || Client::connect(address).is_err());
    thread::sleep(STALL);
    assert!(late.get("/health").expect("a response").closes());
    // The drain completes when the peer closes the last connection.
    drop(idle);
    assert!(process.wait().success());
    assert!((600..1900).contains(&drained_in(&process)));
}
