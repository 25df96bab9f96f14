//! Socket activation, `sd_notify(3)`, and the watchdog.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::client::get;
use super::process::{Process, RANDOMS, TIMEOUT, activated, command};

/// The receiving end of `NOTIFY_SOCKET`.
struct NotifySocket {
    socket: UnixDatagram,
}

impl NotifySocket {
    fn bind(address: &SocketAddr) -> Self {
        let socket = UnixDatagram::bind_addr(address).expect("a socket");
        socket.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
        Self { socket }
    }

    fn message(&self) -> String {
        let mut buffer = [0; 1024];
        let size = self.socket.recv(&mut buffer).expect("a message");
        String::from_utf8_lossy(&buffer[..size]).into_owned()
    }

    /// Returns the first message that is not a watchdog ping.
    fn state(&self) -> String {
        loop {
            let message = self.message();
            if message != "WATCHDOG=1" {
                return message;
            }
        }
    }
}

fn abstract_name(text: &str) -> (SocketAddr, String) {
    let name = format!("randoms-test-{text}-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("an address");
    (address, format!("@{name}"))
}

#[test]
fn passed_socket_is_served_and_left_open() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut process = Process::spawn(&mut activated(&listener, "--port 1"));
    process.line(&format!("listening on {address}"), 1);
    assert_eq!(get(address, "/health").status, 200);
    process.stop();
    // The next process accepts from the same socket.
    let mut second = Process::spawn(&mut activated(&listener, ""));
    assert_eq!(get(address, "/health").status, 200);
    second.stop();
}

#[test]
fn cluster_passes_the_socket_on() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut supervisor = Process::spawn(&mut activated(&listener, "--mode cluster --workers 2"));
    supervisor.line("processes", 1);
    assert_eq!(get(address, "/info").json()["workers"], 2);
    supervisor.stop();
}

#[test]
fn socket_for_another_process_is_ignored() {
    let mut start = command(&["--listen", "127.0.0.1:0"]);
    start.env("LISTEN_FDS", "1").env("LISTEN_PID", "1");
    let process = Process::spawn(&mut start);
    assert_eq!(get(process.address(), "/health").status, 200);
}

#[test]
fn descriptor_that_is_not_a_listening_socket_is_an_error() {
    let script = format!("exec 3</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec {RANDOMS}");
    let output = Command::new("sh")
        .args(["-c", &script])
        .output()
        .expect("output");
    assert_eq!(output.status.code(), Some(1));
    let script = format!("exec 3<&-; LISTEN_FDS=1 LISTEN_PID=$$ exec {RANDOMS}");
    let output = Command::new("sh")
        .args(["-c", &script])
        .output()
        .expect("output");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn unix_socket_is_served() {
    use std::io::{Read, Write};
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("randoms.sock");
    let address = format!("unix:{}", path.display());
    let check_health = || {
        let mut stream = std::os::unix::net::UnixStream::connect(&path).expect("a connection");
        let request = b"GET /health HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
        stream.write_all(request).expect("a request");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("a response");
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    };
    for _ in 0..2 {
        // The second process replaces the socket file of the first.
        let mut process = Process::spawn(&mut command(&["--listen", &address]));
        process.line("listening on unix:", 1);
        check_health();
        process.stop();
    }
    std::fs::remove_file(&path).expect("no path");
    let listener: OwnedFd = UnixListener::bind(&path).expect("a path").into();
    let script = format!("exec 3<&0; LISTEN_FDS=1 LISTEN_PID=$$ exec {RANDOMS}");
    let mut start = Command::new("sh");
    start.args(["-c", &script]).stdin(Stdio::from(listener));
    let process = Process::spawn(&mut start);
    process.line("listening on unix:", 1);
    check_health();
}

#[test]
fn states_are_reported_in_order() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("notify");
    let by_path = SocketAddr::from_pathname(&path).expect("an address");
    let addresses = [
        (by_path, path.to_str().expect("text").to_owned()),
        abstract_name("fork"),
    ];
    for (address, name) in addresses {
        let receiver = NotifySocket::bind(&address);
        let mut start = command(&["--listen", "127.0.0.1:0"]);
        start
            .env("NOTIFY_SOCKET", &name)
            .env("WATCHDOG_USEC", "600000");
        let mut process = Process::spawn(&mut start);
        let ready = receiver.state();
        assert!(ready.starts_with("READY=1\nSTATUS="), "{ready}");
        assert_eq!(get(process.address(), "/health").status, 200);
        assert_eq!(receiver.message(), "WATCHDOG=1");
        let started = Instant::now();
        assert_eq!(receiver.message(), "WATCHDOG=1");
        assert!(started.elapsed() < Duration::from_secs(10));
        process.signal(Signal::TERM);
        let stopping = receiver.state();
        assert!(stopping.starts_with("STOPPING=1\n"), "{stopping}");
        assert!(process.wait().success());
    }
}

#[test]
fn supervisor_reports_the_state_of_its_workers() {
    let (address, name) = abstract_name("cluster");
    let receiver = NotifySocket::bind(&address);
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--mode",
        "cluster",
        "--workers",
        "2",
    ];
    let mut start = command(&arguments);
    start
        .env("NOTIFY_SOCKET", &name)
        .env("WATCHDOG_USEC", "3000000");
    let mut supervisor = Process::spawn(&mut start);
    let ready = receiver.state();
    assert!(ready.starts_with("READY=1\n"), "{ready}");
    assert_eq!(
        supervisor.children().len(),
        2,
        "READY=1 is sent when all workers are ready"
    );
    assert_eq!(receiver.message(), "WATCHDOG=1");
    supervisor.signal(Signal::HUP);
    assert_eq!(receiver.state(), "STATUS=Replacing workers.");
    assert_eq!(receiver.state(), "STATUS=All workers are ready.");
    supervisor.signal(Signal::TERM);
    assert!(receiver.state().starts_with("STOPPING=1\n"));
    assert!(supervisor.wait().success());
    receiver.socket.set_nonblocking(true).expect("a mode");
    let mut buffer = [0; 64];
    while let Ok(size) = receiver.socket.recv(&mut buffer) {
        assert_eq!(
            &buffer[..size],
            b"WATCHDOG=1",
            "workers send no messages to systemd"
        );
    }
}

#[test]
fn watchdog_of_another_process_is_not_pinged() {
    let (address, name) = abstract_name("other");
    let receiver = NotifySocket::bind(&address);
    let mut start = command(&["--listen", "127.0.0.1:0"]);
    start
        .env("NOTIFY_SOCKET", &name)
        .env("WATCHDOG_USEC", "1000")
        .env("WATCHDOG_PID", "1");
    let mut process = Process::spawn(&mut start);
    assert!(receiver.message().starts_with("READY=1"));
    process.signal(Signal::TERM);
    assert!(receiver.message().starts_with("STOPPING=1"));
    assert!(process.wait().success());
}
