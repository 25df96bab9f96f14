//! Nothing that was accepted is lost when a process ends.

use std::iter;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::client::{Client, get};
use super::load::{Account, Load};
use super::paced::{Pace, Paced};
use super::process::{Process, activated, until};

/// Requests of each scenario under load; the three make more than 200,000.
const REQUESTS: u64 = 70_000;

/// Clients of each scenario.
const CLIENTS: usize = 8;

/// How long a stalled peer sends nothing.
const HOLD: Duration = Duration::from_millis(600);

fn start_on(listener: &TcpListener, arguments: &str) -> Process {
    let process = Process::spawn(&mut activated(listener, arguments));
    process.line("listening on", 1);
    process
}

/// The milliseconds that a process reports at its end.
fn drained_in(process: &Process) -> u64 {
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

/// One restart while one client is connected directly and idle.
struct SlowRestart {
    /// What the process reports, in milliseconds.
    drained_in: u64,
    /// Statuses of the requests sent meanwhile, each on a connection of its own.
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
/// in advance, is waited for, too. Requests on others are answered meanwhile.
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

/// Sends requests, each on a connection of its own, and completes one only when the next has begun.
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

/// On a kept connection, whose head is complete only after the grace.
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
