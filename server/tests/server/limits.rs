//! Clients that are slow, silent, greedy or gone.

use std::io;
use std::time::{Duration, Instant};

use super::client::{Client, get};
use super::process::{Process, descriptors, until};

fn connect(process: &Process) -> Client {
    Client::connect(process.address()).expect("a connection")
}

#[test]
fn half_a_head_is_not_waited_for_for_ever() {
    let process = Process::start(&["--request-timeout", "300ms"]);
    let mut slow = connect(&process);
    slow.send(b"GET / HTTP/1.1\r\nHost: ").expect("half a head");
    let began = Instant::now();
    assert!(slow.is_ended());
    assert!(began.elapsed() >= Duration::from_millis(200));
    let metrics = get(process.address(), "/metrics").body;
    assert!(
        metrics.contains("randoms_connections_timed_out_total 1"),
        "{metrics}"
    );
}

#[test]
fn dripping_head_is_cut() {
    let process = Process::start(&["--request-timeout", "300ms"]);
    let mut slow = connect(&process);
    slow.send(b"GET / HTTP/1.1\r\n").expect("a line");
    // Each drop comes in time; all of them together do not.
    until("the connection is cut", || {
        std::thread::sleep(Duration::from_millis(20));
        slow.send(b"X-A: b\r\n").is_err()
    });
}

#[test]
fn half_a_body_is_not_waited_for_for_ever() {
    let process = Process::start(&["--request-timeout", "300ms"]);
    let mut slow = connect(&process);
    slow.send(b"POST /api/randoms HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nabc")
        .expect("half a request");
    assert!(slow.is_ended());
}

#[test]
fn idle_connection_is_closed_and_a_used_one_is_not() {
    let process = Process::start(&["--idle-timeout", "600ms", "--request-timeout", "300ms"]);
    let (mut silent, mut used) = (connect(&process), connect(&process));
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(1500) {
        let answer = used.get("/health").expect("an answer");
        assert_eq!(answer.status, 200);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(silent.is_ended());
    assert!(used.is_ended());
}

#[test]
fn head_beyond_the_limit_is_refused() {
    let process = Process::start(&["--max-header", "2000"]);
    let mut client = connect(&process);
    let fits = format!("X-Long: {}\r\n", "x".repeat(1500));
    assert_eq!(
        client
            .ask("GET", "/health", &fits)
            .expect("an answer")
            .status,
        200
    );
    let long = format!("X-Long: {}\r\n", "x".repeat(3000));
    let answer = client.ask("GET", "/health", &long).expect("an answer");
    assert_eq!(answer.status, 431);
    assert!(client.is_ended());
}

#[test]
fn client_that_takes_no_answer_is_cut() {
    let process = Process::start(&["--request-timeout", "500ms"]);
    let mut greedy = connect(&process);
    let request = b"GET /api/randoms HTTP/1.1\r\nHost: t\r\n\r\n".repeat(50);
    // Asks on and on and reads nothing, until the server no longer listens.
    until("the connection is cut", || match greedy.send(&request) {
        Ok(()) => false,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    });
    assert_eq!(get(process.address(), "/health").status, 200);
}

#[test]
fn connections_beyond_the_cap_wait_their_turn() {
    let process = Process::start(&["--max-connections", "2"]);
    let mut open: Vec<_> = (0..2).map(|_| connect(&process)).collect();
    for client in &mut open {
        assert_eq!(client.get("/health").expect("an answer").status, 200);
    }
    let mut third = connect(&process);
    third
        .send(b"GET /health HTTP/1.1\r\nHost: t\r\n\r\n")
        .expect("a request");
    // The two that were let in are served while the third waits.
    for client in &mut open {
        assert_eq!(client.get("/health").expect("an answer").status, 200);
    }
    open.pop();
    assert_eq!(third.answer("GET").expect("an answer").status, 200);
}

#[test]
fn many_idle_connections_cost_little_and_are_given_back() {
    const CONNECTIONS: usize = 1_000;
    let process = Process::start(&[]);
    let address = process.address();
    let memory = || {
        let info = get(address, "/info").json();
        info["memory_bytes"].as_u64().expect("bytes")
    };
    get(address, "/api/randoms");
    let descriptors_before = descriptors(process.pid());
    let before = memory();
    let mut open: Vec<_> = (0..CONNECTIONS).map(|_| connect(&process)).collect();
    for client in &mut open {
        client.get("/health").expect("an answer");
    }
    // The figure in /info may be a second old.
    let began = Instant::now();
    until("the figure is new", || {
        began.elapsed() > Duration::from_millis(1100)
    });
    let each = memory().saturating_sub(before) / CONNECTIONS as u64;
    eprintln!("{each} bytes for each idle connection");
    assert!(each < 24 * 1024, "{each} bytes for each idle connection");
    drop(open);
    until("all descriptors are given back", || {
        descriptors(process.pid()) <= descriptors_before
    });
}

#[test]
fn nonsense_is_refused() {
    let process = Process::start(&[]);
    for nonsense in [
        "hello\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\r\n\r\n",
    ] {
        let mut client = connect(&process);
        client.send(nonsense.as_bytes()).expect("nonsense");
        let answer = client.answer("GET");
        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status == 400));
    }
    assert_eq!(get(process.address(), "/health").status, 200);
}

#[test]
fn client_that_has_said_all_still_gets_its_answer() {
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpStream};
    let process = Process::start(&[]);
    let mut stream = TcpStream::connect(process.address()).expect("a connection");
    let request = b"GET /health HTTP/1.1\r\nHost: t\r\n\r\n";
    stream.write_all(request).expect("a request");
    stream.shutdown(Shutdown::Write).expect("an end");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.ends_with("ok\n"), "{answer}");
}
