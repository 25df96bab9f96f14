//! Listening sockets of this host, and the processes that have them open.

mod proc;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::Path;

use model::Endpoint;

/// systemd, which opens the sockets of socket units.
const SYSTEMD: u32 = 1;

/// A listening socket.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Listener {
    /// Where it accepts connections.
    pub(crate) endpoint: Endpoint,
    /// Processes that have it open, by PID; none if they are in other namespaces or may not be inspected.
    pub(crate) holders: Vec<Holder>,
}

/// A process with an open socket.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Holder {
    /// PID.
    pub(crate) pid: u32,
    /// Name of the process (/proc/PID/comm).
    pub(crate) program: String,
}

impl Listener {
    fn is_of_systemd(&self) -> bool {
        self.holders.iter().any(|holder| holder.pid == SYSTEMD)
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is in use by ", self.endpoint)?;
        // The service of a socket unit has the socket open too, but stopping it would not close the socket.
        if self.is_of_systemd() {
            return f.write_str("a systemd socket (systemctl list-sockets)");
        }
        if self.holders.is_empty() {
            return f.write_str("a process in another namespace");
        }
        let holders: Vec<String> = self.holders.iter().map(ToString::to_string).collect();
        f.write_str(&holders.join(", "))
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (PID {})", self.program, self.pid)
    }
}

/// Listening TCP sockets and unix sockets with a path, in the network namespace of this process. `proc` is
/// /proc; an error has the path of the file in it that cannot be read.
pub(crate) fn listeners(proc: &Path) -> io::Result<Vec<Listener>> {
    let sockets = proc::sockets(proc)?;
    let pids = proc::pids(proc, &sockets)?;
    let listener = |socket: proc::Socket| Listener {
        holders: proc::holders(proc, pids.get(&socket.inode)),
        endpoint: socket.endpoint,
    };
    Ok(sockets.into_iter().map(listener).collect())
}

/// Listeners that prevent a socket at one of the endpoints.
pub(crate) fn at<'l>(listeners: &'l [Listener], endpoints: &[Endpoint]) -> Vec<&'l Listener> {
    let is_in_use =
        |listener: &&Listener| endpoints.iter().any(|e| overlaps(e, &listener.endpoint));
    listeners.iter().filter(is_in_use).collect()
}

/// Whether systemd does not listen at one of the endpoints; false if no socket of systemd is found, because
/// systemd may not be inspected then.
///
/// systemd closes a socket at a daemon-reload after which its unit has another address. Services that have
/// the socket open continue to accept connections, but services that start later do not get it.
pub(crate) fn is_lost(listeners: &[Listener], endpoints: &[Endpoint]) -> bool {
    let of_systemd: Vec<&Listener> = listeners.iter().filter(|l| l.is_of_systemd()).collect();
    let is_open = |endpoint: &Endpoint| of_systemd.iter().any(|l| overlaps(&l.endpoint, endpoint));
    !of_systemd.is_empty() && !endpoints.iter().all(is_open)
}

/// Whether two sockets cannot listen at these endpoints at the same time.
pub(crate) fn overlaps(one: &Endpoint, other: &Endpoint) -> bool {
    match (one, other) {
        (Endpoint::Tcp(one), Endpoint::Tcp(other)) => {
            // IPv4-mapped addresses are IPv4 addresses.
            let (ip, other_ip) = (one.ip().to_canonical(), other.ip().to_canonical());
            let is_same_address =
                ip == other_ip || ip.is_unspecified() || other_ip.is_unspecified();
            one.port() == other.port() && is_same_address
        }
        (Endpoint::Unix(one), Endpoint::Unix(other)) => one == other,
        _ => false,
    }
}
