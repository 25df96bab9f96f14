//! Idle connections are left open for their peer to close and new ones are answered.

use std::iter;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::client::{Client, get};
use super::drain::{drained_in, start_on};
use super::paced::{Pace, Paced};
use super::process::{Process, until};

/// How long a stalled peer sends nothing.
const HOLD: Duration = Duration::from_millis(600);

/// One restart while one client is connected directly and idle.
struct SlowRestart {
    /// What the process reports, in milliseconds.
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
    idle.get("/health").expect("an answer");
    let over = AtomicBool::new(false);
    let (statuses, slowest) = thread::scope(|scope| {
        let requests = scope.spawn(|| {
            let mut slowest = Duration::ZERO;
            let statuses = iter::repeat_with(|| {
                let asked = Instant::now();
                let answer = get(address, "/ready");
                slowest = slowest.max(asked.elapsed());
                thread::sleep(Duration::from_millis(1));
                answer.status
            });
            let statuses = statuses.take_while(|_| !over.load(Relaxed)).take(10_000);
            let statuses = statuses.collect();
            (statuses, slowest)
        });
        process.stop();
        let next = start_on(&listener, arguments);
        get(address, "/ready");
        over.store(true, Relaxed);
        let requests = requests.join().expect("requests");
        drop(next);
        requests
    });
    assert!(idle.is_ended());
    let drained_in = drained_in(&process);
    SlowRestart {
        drained_in,
        statuses,
        slowest,
    }
}

/// A stalled machine can only make a request slower. So one of three restarts without a slow request
/// is enough: a process that stops accepting while it waits makes them slow in each.
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

/// A connection that was opened after the signal and sends nothing, such as one that a browser opens
/// in advance, is waited for, too. Requests on other connections are answered.
#[test]
fn silent_connection_opened_in_the_drain_delays_no_new_request() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut process = start_on(&listener, "--grace 1s");
    let mut kept = Client::connect(address).expect("a connection");
    kept.get("/health").expect("an answer");
    process.signal(Signal::TERM);
    process.line("draining", 1);
    let mut silent = Client::connect(address).expect("a connection");
    // Accepted once a later one has been.
    assert_eq!(get(address, "/ready").status, 503);
    // The last connection from before the signal.
    drop(kept);
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(500) {
        assert_eq!(get(address, "/ready").status, 503);
    }
    assert!(silent.get("/health").expect("an answer").closes());
    assert!(process.wait().success());
    assert!(drained_in(&process) < 950);
}

/// Sends requests, each on a new connection, and completes one only when the next has begun.
fn keep_one_in_flight(address: SocketAddr, over: &AtomicBool, answered: &AtomicU64) {
    let begin = || {
        let mut client = Client::connect(address).expect("a connection");
        let head = b"POST /api/randoms?cant=3 HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\n";
        client.send(head).expect("a head");
        client
    };
    let mut before = begin();
    while !over.load(Relaxed) {
        let next = begin();
        thread::sleep(Duration::from_millis(1));
        before.send(b"x").expect("a body");
        before.answer("POST").expect("an answer");
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
    let mut kept = Client::connect(address).expect("a connection");
    kept.get("/health").expect("an answer");
    let over = AtomicBool::new(false);
    let answered = AtomicU64::new(0);
    let (answer, next) = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| keep_one_in_flight(address, &over, &answered));
        }
        process.signal(Signal::TERM);
        process.line("draining", 1);
        let goal = answered.load(Relaxed) + 50;
        until("the load goes on", || answered.load(Relaxed) >= goal);
        let answer = kept.get("/health");
        process.wait();
        // The clients that wait now are answered by the next process.
        let next = start_on(&listener, "");
        over.store(true, Relaxed);
        (answer, next)
    });
    drop(next);
    assert!(answer.expect("an answer").closes());
    assert!(drained_in(&process) < 2000);
}

/// How many POSTs fail in restarts behind a peer that closes connections 300 ms after their last
/// use. In each restart that is `held`, the peer sends and closes nothing for 600 ms.
fn failures_of_paced_posts(arguments: &str, held: impl IntoIterator<Item = bool>) -> usize {
    const PACE: Pace = Pace {
        clients: 48,
        longest_pause: 330,
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut process = start_on(&listener, arguments);
    let load = Paced::start(address, "/api/randoms?cant=3", PACE);
    for is_held in held {
        load.go_on(3 * PACE.clients);
        if is_held {
            load.hold(HOLD, || process.signal(Signal::TERM));
        } else {
            process.signal(Signal::TERM);
        }
        assert!(process.wait().success());
        process = start_on(&listener, arguments);
        if load.failed() > 0 {
            break;
        }
    }
    load.go_on(PACE.clients);
    let (answered, failures) = load.finish();
    eprintln!("{arguments} {answered} POST answered, failed: {failures:?}");
    failures.len()
}

#[test]
fn post_on_a_kept_connection_of_a_stalled_peer_is_answered() {
    let held = [true, false, true, true];
    assert_eq!(failures_of_paced_posts("", held), 0);
}

/// The control of the test above.
#[test]
fn grace_shorter_than_a_stall_loses_posts() {
    assert!(failures_of_paced_posts("--grace 150ms", [true; 5]) > 0);
}

/// On a keepalive connection, whose head is complete only after the grace.
#[test]
fn request_that_has_begun_is_answered_after_the_grace() {
    let mut process = Process::start(&["--grace", "300ms"]);
    let mut client = Client::connect(process.address()).expect("a connection");
    client.get("/health").expect("an answer");
    process.signal(Signal::TERM);
    process.line("draining", 1);
    let head = b"POST /api/randoms?cant=3 HTTP/1.1\r\nHost: t\r\n";
    client.send(head).expect("half a head");
    thread::sleep(HOLD);
    client.send(b"Content-Length: 0\r\n\r\n").expect("the rest");
    let answer = client.answer("POST").expect("an answer");
    assert_eq!(answer.sum(), 3);
    assert!(answer.closes());
    assert!(process.wait().success());
}

#[test]
fn idle_connection_of_a_replaced_worker_has_the_grace() {
    let master = Process::start(&["--mode", "cluster", "--workers", "1"]);
    let address = master.address();
    let mut kept = Client::connect(address).expect("a connection");
    let answer = kept.get("/health").expect("an answer");
    let before = answer.header("x-served-by").expect("a name").to_owned();
    master.signal(Signal::HUP);
    master.line("draining", 1);
    thread::sleep(HOLD);
    let answer = kept.post("/api/randoms?cant=3", b"x").expect("an answer");
    assert_eq!(answer.header("x-served-by"), Some(&*before));
    assert!(answer.closes());
    master.line("has left", 1);
    assert!((600..1900).contains(&drained_in(&master)));
}

/// A process that owns its port lets no new connection in, and leaves idle ones open.
#[test]
fn idle_connection_has_the_grace_also_where_the_port_goes() {
    let mut process = Process::start(&[]);
    let address = process.address();
    let [mut late, mut idle] = [(); 2].map(|()| Client::connect(address).expect("a connection"));
    for client in [&mut late, &mut idle] {
        client.get("/health").expect("an answer");
    }
    process.signal(Signal::TERM);
    until("the port is closed", || Client::connect(address).is_err());
    thread::sleep(HOLD);
    assert!(late.get("/health").expect("an answer").closes());
    // Its peer closes the last one, which ends the grace.
    drop(idle);
    assert!(process.wait().success());
    assert!((600..1900).contains(&drained_in(&process)));
}
