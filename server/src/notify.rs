//! Reports of the process state: to systemd by `sd_notify(3)`, or to the
//! supervisor over its channel.
//!
//! Messages are sent without blocking, so that a receiver that does not read
//! cannot stop the server.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::net::{SendFlags, send};

/// The receiver of state reports.
#[derive(Debug)]
pub(crate) enum Notifier {
    /// None: `NOTIFY_SOCKET` is not set.
    Disabled,
    /// systemd, at the address in `NOTIFY_SOCKET`.
    Systemd(UnixDatagram, SocketAddr),
    /// The supervisor of a cluster, at the other end of a socket pair.
    Supervisor(OwnedFd),
}

impl Notifier {
    /// Reads `NOTIFY_SOCKET`: a path, or an abstract name after `@`.
    pub(crate) fn from_environment() -> Self {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET") else {
            return Self::Disabled;
        };
        address_of(&name)
            .and_then(|address| {
                let socket = UnixDatagram::unbound()?;
                socket.set_nonblocking(true)?;
                Ok(Self::Systemd(socket, address))
            })
            .unwrap_or(Self::Disabled)
    }

    /// Reports that the process is ready; `status` is shown by `systemctl status`.
    pub(crate) fn ready(&self, status: &str) {
        match self {
            Self::Supervisor(channel) => send_line(channel, b"ready\n"),
            _ => self.notify(&format!("READY=1\nSTATUS={status}")),
        }
    }

    /// Sends a watchdog ping.
    pub(crate) fn ping(&self) {
        match self {
            Self::Supervisor(channel) => send_line(channel, b"ping\n"),
            _ => self.notify("WATCHDOG=1"),
        }
    }

    /// Sets the status that `systemctl status` shows.
    pub(crate) fn status(&self, status: &str) {
        self.notify(&format!("STATUS={status}"));
    }

    /// Reports that the process is stopping.
    pub(crate) fn stopping(&self) {
        self.notify("STOPPING=1\nSTATUS=Draining.");
    }

    fn notify(&self, message: &str) {
        if let Self::Systemd(socket, address) = self {
            // If the queue is full, the message is lost; waiting would block the server.
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

fn send_line(channel: &OwnedFd, line: &[u8]) {
    let _ = send(channel, line, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
}

/// Returns the watchdog timeout that systemd set for this process
/// (`sd_watchdog_enabled(3)`).
pub(crate) fn watchdog_timeout() -> Option<Duration> {
    let variable = |name: &str| std::env::var(name).ok();
    if let Some(pid) = variable("WATCHDOG_PID")
        && pid.parse() != Ok(std::process::id())
    {
        return None;
    }
    let micros: u64 = variable("WATCHDOG_USEC")?.parse().ok()?;
    (micros > 0).then(|| Duration::from_micros(micros))
}
