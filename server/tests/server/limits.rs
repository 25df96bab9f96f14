//! Limits on slow, idle, and excessive clients.

use std::io;
use std::time::{Duration, Instant};

use super::client::{Client, get};
use super::process::{Process, descriptors, wait_until};

fn connect(process: &Process) -> Client {
    Client::connect(process.address()).expect("a connection")
}

#[test]
fn incomplete_head_times_out() {
    let process = Process::start(&["--request-timeout", "300ms"]);
    let mut slow = connect(&process);
    slow.send(b"GET / HTTP/1.1\r\nHost: ").expect("half a head");
    let began = Instant::now();
    assert!(slow.is_closed());
    assert!(began.elapsed() >= Duration::from_millis(200));
    let metrics = get(process.address(), "/metrics").body;
    assert!(
        metrics.contains("randoms_connections_timed_out_total 1"),
        "{metrics}"
    );
}

#[test]
fn slow_head_times_out() {
    let process = Process::start(&["--request-timeout", "300ms"]);
    let mut slow = connect(&process);
    slow.send(b"GET / HTTP/1.1\r\n").expect("a line");
    // Each line arrives in time, but the head as a whole does not.
    wait_until("the connection is closed", || {
        std::thread::sleep(Duration::from_millis(20));
        slow.send(b"X-A: b\r\n").is_err()
    });
}

#[test]
fn incomplete_body_times_out() {
    let process = Process::start(&["--request-timeout", "300ms"]);
    let mut slow = connect(&process);
    slow.send(b"POST /api/randoms HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nabc")
        .expect("half a request");
    assert!(slow.is_closed());
}

#[test]
fn idle_connection_is_closed_and_a_used_one_is_not() {
    let process = Process::start(&["--idle-timeout", "600ms", "--request-timeout", "300ms"]);
    let (mut silent, mut used) = (connect(&process), connect(&process));
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(1500) {
        let response = used.get("/health").expect("a response");
        assert_eq!(response.status, 200);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(silent.is_closed());
    assert!(used.is_closed());
}

#[test]
fn head_above_the_limit_is_rejected() {
    let process = Process::start(&["--max-header", "2000"]);
    let mut client = connect(&process);
    let fits = format!("X-Long: {}\r\n", "x".repeat(1500));
    assert_eq!(
        client
            .request("GET", "/health", &fits)
            .expect("a response")
            .status,
        200
    );
    let long = format!("X-Long: {}\r\n", "x".repeat(3000));
    let response = client.request("GET", "/health", &long).expect("a response");
    assert_eq!(response.status, 431);
    assert!(client.is_closed());
}

#[test]
fn client_that_reads_no_response_times_out() {
    let process = Process::start(&["--request-timeout", "500ms"]);
    let mut client = connect(&process);
    let request = b"GET /api/randoms HTTP/1.1\r\nHost: t\r\n\r\n".repeat(50);
    // Sends requests and reads nothing, until the server closes the connection.
    wait_until("the connection is closed", || match client.send(&request) {
        Ok(()) => false,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    });
    assert_eq!(get(process.address(), "/health").status, 200);
}

#[test]
fn connections_above_the_limit_wait() {
    let process = Process::start(&["--max-connections", "2"]);
    let mut open: Vec<_> = (0..2).map(|_| connect(&process)).collect();
    for client in &mut open {
        assert_eq!(client.get("/health").expect("a response").status, 200);
    }
    let mut third = connect(&process);
    third
        .send(b"GET /health HTTP/1.1\r\nHost: t\r\n\r\n")
        .expect("a request");
    // The two accepted connections are served while the third waits.
    for client in &mut open {
        assert_eq!(client.get("/health").expect("a response").status, 200);
    }
    open.pop();
    assert_eq!(third.read_response("GET").expect("a response").status, 200);
}

#[test]
fn idle_connections_use_little_memory_and_are_released() {
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
        client.get("/health").expect("a response");
    }
    // The memory in /info can be up to one second old.
    let began = Instant::now();
    wait_until("a new memory value", || {
        began.elapsed() > Duration::from_millis(1100)
    });
    let each = memory().saturating_sub(before) / CONNECTIONS as u64;
    eprintln!("{each} bytes for each idle connection");
    assert!(each < 24 * 1024, "{each} bytes for each idle connection");
    drop(open);
    wait_until("all descriptors are closed", || {
        descriptors(process.pid()) <= descriptors_before
    });
}

#[test]
fn invalid_requests_are_rejected() {
    let process = Process::start(&[]);
    for invalid in [
        "hello\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\r\n\r\n",
    ] {
        let mut client = connect(&process);
        client.send(invalid.as_bytes()).expect("invalid");
        let response = client.read_response("GET");
        assert!(response.is_err() || response.is_ok_and(|response| response.status == 400));
    }
    assert_eq!(get(process.address(), "/health").status, 200);
}

#[test]
fn client_that_shuts_down_its_writing_side_receives_its_response() {
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpStream};
    let process = Process::start(&[]);
    let mut stream = TcpStream::connect(process.address()).expect("a connection");
    let request = b"GET /health HTTP/1.1\r\nHost: t\r\n\r\n";
    stream.write_all(request).expect("a request");
    stream.shutdown(Shutdown::Write).expect("an end");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    assert!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
    assert!(response.ends_with("ok\n"), "{response}");
}
