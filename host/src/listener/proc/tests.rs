use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;
use crate::listener::tests::listener;
use crate::listener::{Listener, at, listeners};

const TCP_HEADER: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   \
    uid  timeout inode\n";
const UNIX: &str = "\
Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 200 /run/randoms/spread-8082.sock
0000000000000000: 00000002 00000000 00010000 0005 01    21 /run/with a space/ and two.sock
0000000000000000: 00000002 00000000 00010000 0001 01 202 @abstract /name
0000000000000000: 00000002 00000000 00010000 0001 01 203 @abstract
0000000000000000: 00000002 00000000 00010000 0001 01 204
0000000000000000: 00000002 00000000 00000000 0002 01 205 /run/datagram.sock
0000000000000000: 00000003 00000000 00000000 0001 03 206 /run/randoms/spread-8082.sock
";

/// A line of /proc/net/tcp or tcp6.
fn tcp_line(endpoint: &str, state: &str, inode: u64) -> String {
    let Endpoint::Tcp(address) = endpoint.parse().unwrap() else {
        panic!("expected an IP address, found {endpoint}");
    };
    let bytes = match address.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let mut ip = String::new();
    for word in bytes.chunks(4) {
        let word = u32::from_ne_bytes(word.try_into().unwrap());
        write!(ip, "{word:08X}").unwrap();
    }
    format!(
        "   0: {ip}:{:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 \
         {inode} 1 0000000000000000 100 0 0 10 0\n",
        address.port()
    )
}

/// A directory like /proc.
struct Proc {
    directory: TempDir,
}

impl Proc {
    /// systemd (1) with the unix sockets 200 and 21; randoms (7) with 200; nginx (8 and 9) with 100.
    fn new() -> Self {
        let proc = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        let tcp = [
            tcp_line("0.0.0.0:80", "0A", 100),
            tcp_line("127.0.0.1:8083", "01", 101),
        ];
        let tcp6 = [
            tcp_line("[fe80::1]:22", "0A", 102),
            tcp_line("[::ffff:192.168.56.11]:8084", "0A", 103),
        ];
        proc.write("net/tcp", &format!("{TCP_HEADER}{}", tcp.concat()));
        proc.write("net/tcp6", &format!("{TCP_HEADER}{}", tcp6.concat()));
        proc.write("net/unix", UNIX);
        proc.write("meminfo", "");
        proc.add_process("1", "systemd", &["socket:[200]", "socket:[21]"]);
        proc.add_process(
            "7",
            "randoms",
            &["/dev/null", "socket:[999]", "socket:[200]"],
        );
        proc.add_process("8", "nginx", &["socket:[100]", "socket:[100]"]);
        proc.add_process("9", "nginx", &["pipe:[100]", "socket:[100]"]);
        proc
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn add_process(&self, pid: &str, program: &str, descriptors: &[&str]) {
        self.write(&format!("{pid}/comm"), &format!("{program}\n"));
        let directory = self.path().join(pid).join("fd");
        fs::create_dir(&directory).unwrap();
        for (number, target) in descriptors.iter().enumerate() {
            symlink(target, directory.join(number.to_string())).unwrap();
        }
    }

    fn listeners(&self) -> Vec<Listener> {
        listeners(self.path()).unwrap()
    }

    fn error(&self) -> io::Error {
        listeners(self.path()).unwrap_err()
    }
}

#[test]
fn listeners_are_listening_sockets_with_each_of_their_processes_once() {
    let expected = [
        listener("0.0.0.0:80", &[(8, "nginx"), (9, "nginx")]),
        listener("[fe80::1]:22", &[]),
        listener("192.168.56.11:8084", &[]),
        listener(
            "/run/randoms/spread-8082.sock",
            &[(1, "systemd"), (7, "randoms")],
        ),
        listener("/run/with a space/ and two.sock", &[(1, "systemd")]),
    ];
    assert_eq!(Proc::new().listeners(), expected);
}

#[test]
fn a_process_that_ends_in_the_meantime_is_left_out() {
    let proc = Proc::new();
    fs::remove_file(proc.path().join("8/comm")).unwrap();
    fs::remove_dir_all(proc.path().join("7/fd")).unwrap();
    let listeners = proc.listeners();
    assert_eq!(listeners[0], listener("0.0.0.0:80", &[(9, "nginx")]));
    assert_eq!(listeners[3].holders, [listeners[4].holders[0].clone()]);
}

#[test]
fn a_kernel_without_ipv6_has_the_other_listeners() {
    let proc = Proc::new();
    fs::remove_file(proc.path().join("net/tcp6")).unwrap();
    assert_eq!(proc.listeners().len(), 3);
}

#[test]
fn a_missing_file_is_an_error_with_its_path() {
    for file in ["net/tcp", "net/unix"] {
        let proc = Proc::new();
        let path = proc.path().join(file);
        fs::remove_file(&path).unwrap();
        let error = proc.error();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        let expected = format!("{}: ", path.display());
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}

#[test]
fn an_invalid_line_is_an_error_with_the_path_and_the_line() {
    let valid = tcp_line("127.0.0.1:80", "0A", 1);
    for (found, replacement) in [
        (":0050", ":xx50"),
        (":0050", "00:0050"),
        (":0050", ""),
        (" 1 1 ", " inode 1 "),
    ] {
        let line = valid.replacen(found, replacement, 1);
        assert_ne!(line, valid);
        let proc = Proc::new();
        proc.write("net/tcp", &format!("{TCP_HEADER}{line}"));
        let error = proc.error();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        let expected = format!("net/tcp: expected a socket, found {:?}", line.trim_end());
        assert!(error.to_string().ends_with(&expected), "{error}");
    }
}

/// A process that is being started has the sockets of this one open until it executes its program.
fn assert_is_closed(endpoint: &Endpoint) {
    let deadline = Instant::now() + Duration::from_secs(10);
    let is_open = || {
        let listeners = listeners(Path::new("/proc")).unwrap();
        !at(&listeners, std::slice::from_ref(endpoint)).is_empty()
    };
    while is_open() {
        assert!(Instant::now() < deadline, "{endpoint} is open");
    }
}

fn assert_is_open_here(endpoint: &Endpoint) {
    let listeners = listeners(Path::new("/proc")).unwrap();
    let [listener] = at(&listeners, std::slice::from_ref(endpoint))[..] else {
        panic!("expected one listener at {endpoint}, found {listeners:?}");
    };
    assert_eq!(&listener.endpoint, endpoint);
    let program = fs::read_to_string("/proc/self/comm").unwrap();
    let this_process = Holder {
        pid: std::process::id(),
        program: program.trim_end().to_owned(),
    };
    assert!(listener.holders.contains(&this_process), "{listener:?}");
}

#[test]
fn tcp_listeners_of_this_process_are_found_until_they_are_closed() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let socket = TcpListener::bind(address).unwrap();
        let endpoint = Endpoint::Tcp(socket.local_addr().unwrap());
        assert_is_open_here(&endpoint);
        drop(socket);
        assert_is_closed(&endpoint);
    }
}

#[test]
fn a_unix_listener_of_this_process_is_found_until_it_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a socket.sock");
    let socket = UnixListener::bind(&path).unwrap();
    let endpoint = Endpoint::Unix(path.clone());
    // A connection is a socket with the same path.
    let _client = UnixStream::connect(&path).unwrap();
    let _server = socket.accept().unwrap();
    assert_is_open_here(&endpoint);
    drop(socket);
    assert_is_closed(&endpoint);
}
