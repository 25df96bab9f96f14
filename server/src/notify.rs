//! What a process tells whoever started it: systemd by `sd_notify(3)`, or our
//! own master by its channel.
//!
//! A message is never waited for: a supervisor that does not listen must not
//! stop the server.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::net::{SendFlags, send};

/// Who hears about the state of this process.
#[derive(Debug)]
pub(crate) enum Supervisor {
    /// Nobody: the server was started by hand.
    Nobody,
    /// systemd, at the address in `NOTIFY_SOCKET`.
    Systemd(UnixDatagram, SocketAddr),
    /// The master of a cluster, at the other end of a socket pair.
    Master(OwnedFd),
}

impl Supervisor {
    /// Finds systemd by `NOTIFY_SOCKET`, a path or an abstract name after `@`.
    pub(crate) fn from_environment() -> Self {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET") else {
            return Self::Nobody;
        };
        address_of(&name)
            .and_then(|address| {
                let socket = UnixDatagram::unbound()?;
                socket.set_nonblocking(true)?;
                Ok(Self::Systemd(socket, address))
            })
            .unwrap_or(Self::Nobody)
    }

    /// The process answers; `status` is a line for `systemctl status`.
    pub(crate) fn ready(&self, status: &str) {
        match self {
            Self::Master(channel) => tell(channel, b"ready\n"),
            _ => self.notify(&format!("READY=1\nSTATUS={status}")),
        }
    }

    /// The process has answered itself just now.
    pub(crate) fn alive(&self) {
        match self {
            Self::Master(channel) => tell(channel, b"alive\n"),
            _ => self.notify("WATCHDOG=1"),
        }
    }

    /// A new line for `systemctl status`.
    pub(crate) fn status(&self, status: &str) {
        self.notify(&format!("STATUS={status}"));
    }

    /// The process takes no more connections and is about to end.
    pub(crate) fn stopping(&self) {
        self.notify("STOPPING=1\nSTATUS=Draining.");
    }

    fn notify(&self, message: &str) {
        if let Self::Systemd(socket, address) = self {
            // Losing a message to a full queue is better than waiting on it.
            let _ = socket.send_to_addr(message.as_bytes(), address);
        }
    }
}

fn address_of(name: &OsStr) -> std::io::Result<SocketAddr> {
    match name.as_bytes() {
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest),
        _ => SocketAddr::from_pathname(name),
    }
}

fn tell(channel: &OwnedFd, message: &[u8]) {
    let _ = send(channel, message, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
}

/// The time within which systemd wants to hear `WATCHDOG=1`, when it watches
/// this very process (`sd_watchdog_enabled(3)`).
pub(crate) fn watchdog_bound() -> Option<Duration> {
    let variable = |name: &str| std::env::var(name).ok();
    if let Some(pid) = variable("WATCHDOG_PID")
        && pid.parse() != Ok(std::process::id())
    {
        return None;
    }
    let micros: u64 = variable("WATCHDOG_USEC")?.parse().ok()?;
    (micros > 0).then(|| Duration::from_micros(micros))
}
