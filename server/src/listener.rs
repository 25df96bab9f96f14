//! The socket the server answers on: handed over by systemd or by our own
//! master, or bound here.

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

/// The first descriptor systemd hands over (`sd_listen_fds(3)`).
const LISTEN_FDS_START: RawFd = 3;

/// As many connections may wait in the kernel as `net.core.somaxconn` allows.
const BACKLOG: i32 = 4096;

/// A listening socket and how it came here.
#[derive(Debug)]
pub(crate) struct Bound {
    /// The listening socket, closed on exec.
    pub(crate) socket: Socket,
    /// Whether somebody else keeps the port open when this process ends.
    pub(crate) keeper: Keeper,
}

/// Who keeps the port open when this process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeper {
    /// systemd or the master: what waits in the kernel is not lost.
    Other,
    /// Nobody: what waits in the kernel must be accepted before the end.
    Nobody,
}

impl Bound {
    /// Takes the socket systemd passed, or binds `address`.
    pub(crate) fn obtain(address: &Address) -> io::Result<Self> {
        if passed_sockets() > 0 {
            return Self::adopt(LISTEN_FDS_START);
        }
        let socket = match address {
            Address::Unix(path) => bind_unix(path)?,
            _ => bind_tcp(address)?,
        };
        socket.set_nonblocking(true)?;
        let keeper = Keeper::Nobody;
        Ok(Self { socket, keeper })
    }

    /// Takes over a descriptor that the process was started with.
    pub(crate) fn adopt(number: RawFd) -> io::Result<Self> {
        let socket = Socket::from(adopt(number)?);
        if !socket.is_listener()? {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("descriptor {number} is not a listening stream socket"),
            ));
        }
        socket.set_nonblocking(true)?;
        let keeper = Keeper::Other;
        Ok(Self { socket, keeper })
    }

    /// The address in words, for the log.
    pub(crate) fn describe(&self) -> String {
        let Ok(address) = self.socket.local_addr() else {
            return "an unnamed socket".to_owned();
        };
        match (address.as_socket(), address.as_pathname()) {
            (Some(address), _) => address.to_string(),
            (_, Some(path)) => format!("unix:{}", path.display()),
            _ => "an unnamed socket".to_owned(),
        }
    }

    /// From now on handshakes are left unanswered instead of completed, so
    /// that none is completed between the last accept and the close. Where the
    /// kernel has no socket filters that window stays, some microseconds wide.
    pub(crate) fn refuse_handshakes(&self) {
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

/// A listening socket in a runtime.
#[derive(Debug)]
pub(crate) enum Listener {
    /// On an address.
    Tcp(TcpListener),
    /// On a path.
    Unix(UnixListener),
}

/// How many sockets systemd passed to this very process.
fn passed_sockets() -> u32 {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    match number("LISTEN_PID") {
        Some(pid) if pid == std::process::id() => number("LISTEN_FDS").unwrap_or(0),
        _ => 0,
    }
}

fn adopt(number: RawFd) -> io::Result<OwnedFd> {
    // Asking first tells an open descriptor from a number that is only claimed.
    std::fs::read_link(format!("/proc/self/fd/{number}"))?;
    // SAFETY: the descriptor is open (just seen above) and belongs to nobody
    // in this process: it was passed at exec for this purpose, as the
    // supervisor's variable says, and both callers run once, before anything
    // else has opened a descriptor of that number. From here the OwnedFd is
    // its only owner.
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
            // Without IPv6 on the host the next candidate may do.
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
