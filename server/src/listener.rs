//! The listening socket: passed by systemd or by the supervisor, or bound by
//! this process.

use std::fmt::Display;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::io::{FdFlags, fcntl_setfd};
use socket2::{Domain, Protocol, SockAddr, SockFilter, Socket, Type};
use tokio::net::{TcpListener, UnixListener};

use crate::settings::Address;

/// The first descriptor that systemd passes (`sd_listen_fds(3)`).
const LISTEN_FDS_START: RawFd = 3;

/// The length of the accept queue, limited by `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// A listening socket and its owner.
#[derive(Debug)]
pub(crate) struct ListeningSocket {
    /// The socket, closed on exec.
    pub(crate) socket: Socket,
    /// The process that keeps the socket open.
    pub(crate) owner: SocketOwner,
}

/// The process that keeps a listening socket open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketOwner {
    /// systemd or the supervisor: the backlog survives the exit of this process.
    Parent,
    /// This process: the backlog must be accepted before it exits.
    ThisProcess,
}

impl ListeningSocket {
    /// Takes the socket that systemd passed, or binds `address`.
    pub(crate) fn open(address: &Address) -> io::Result<Self> {
        if passed_sockets() > 0 {
            return Self::inherit(LISTEN_FDS_START);
        }
        let socket = match address {
            Address::Unix(path) => bind_unix(path)?,
            _ => bind_tcp(address)?,
        };
        socket.set_nonblocking(true)?;
        let owner = SocketOwner::ThisProcess;
        Ok(Self { socket, owner })
    }

    /// Takes a descriptor that this process inherited.
    pub(crate) fn inherit(number: RawFd) -> io::Result<Self> {
        let socket = Socket::from(take_descriptor(number)?);
        if !socket.is_listener()? {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("descriptor {number}: expected a listening stream socket"),
            ));
        }
        socket.set_nonblocking(true)?;
        let owner = SocketOwner::Parent;
        Ok(Self { socket, owner })
    }

    /// Formats the address for the log.
    pub(crate) fn address_text(&self) -> String {
        let Ok(address) = self.socket.local_addr() else {
            return "an unnamed socket".to_owned();
        };
        match (address.as_socket(), address.as_pathname()) {
            (Some(address), _) => address.to_string(),
            (_, Some(path)) => format!("unix:{}", path.display()),
            _ => "an unnamed socket".to_owned(),
        }
    }

    /// Drops the packets of new handshakes, so that none completes between the
    /// last accept and the close. Without socket filters in the kernel, a window
    /// of some microseconds remains.
    pub(crate) fn drop_handshakes(&self) {
        const RETURN: u16 = 0x06;
        const NOTHING: u32 = 0;
        let _ = self
            .socket
            .attach_filter(&[SockFilter::new(RETURN, 0, 0, NOTHING)]);
    }

    /// Registers the socket with the runtime of the calling thread.
    pub(crate) fn listen(&self) -> io::Result<Listener> {
        let socket = self.socket.try_clone()?;
        if socket.domain()? == Domain::UNIX {
            UnixListener::from_std(socket.into()).map(Listener::Unix)
        } else {
            TcpListener::from_std(socket.into()).map(Listener::Tcp)
        }
    }
}

/// A listening socket that is registered with a runtime.
#[derive(Debug)]
pub(crate) enum Listener {
    /// A TCP socket.
    Tcp(TcpListener),
    /// A Unix stream socket.
    Unix(UnixListener),
}

/// Returns the number of sockets that systemd passed to this process.
fn passed_sockets() -> u32 {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    match number("LISTEN_PID") {
        Some(pid) if pid == std::process::id() => number("LISTEN_FDS").unwrap_or(0),
        _ => 0,
    }
}

fn take_descriptor(number: RawFd) -> io::Result<OwnedFd> {
    // Fails if the descriptor is not open.
    std::fs::read_link(format!("/proc/self/fd/{number}"))?;
    // SAFETY: the descriptor is open (checked above) and has no other owner in
    // this process. It was passed at exec for this purpose, as LISTEN_FDS or the
    // supervisor's variable states. Both callers run once, before this process
    // can open a descriptor of that number. The OwnedFd becomes the only owner.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl_setfd(&descriptor, FdFlags::CLOEXEC)?;
    Ok(descriptor)
}

fn bind_tcp(address: &Address) -> io::Result<Socket> {
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for candidate in address.candidates() {
        let bind = || {
            let kind = Type::STREAM.cloexec();
            let domain = Domain::for_address(candidate);
            let socket = Socket::new(domain, kind, Some(Protocol::TCP))?;
            if matches!(address, Address::Any(_)) && candidate.is_ipv6() {
                socket.set_only_v6(false)?;
            }
            socket.set_reuse_address(true)?;
            socket.bind(&candidate.into())?;
            socket.listen(BACKLOG)?;
            Ok(socket)
        };
        match bind() {
            Ok(socket) => return Ok(socket),
            // Without IPv6 on the host, try the next address.
            Err(error) => failure = cannot_listen(&candidate, &error),
        }
    }
    Err(failure)
}

fn cannot_listen(address: &dyn Display, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
}

fn bind_unix(path: &Path) -> io::Result<Socket> {
    let left_over = std::fs::symlink_metadata(path)
        .is_ok_and(|meta| meta.file_type().is_socket() && UnixStream::connect(path).is_err());
    if left_over {
        std::fs::remove_file(path)?;
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM.cloexec(), None)?;
    socket
        .bind(&SockAddr::unix(path)?)
        .map_err(|error| cannot_listen(&path.display(), &error))?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}
