//! Reads listening sockets from proc(5).

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use model::Endpoint;

use super::Holder;

/// `st` of a listening TCP socket.
const TCP_LISTEN: &str = "0A";
/// `Flags` of a listening unix socket (`__SO_ACCEPTCON`).
const UNIX_LISTEN: &str = "00010000";

/// A listening socket.
pub(super) struct Socket {
    /// Where it accepts connections.
    pub(super) endpoint: Endpoint,
    /// Inode, by which descriptors refer to it.
    pub(super) inode: u64,
}

/// PIDs by the inode of a socket.
type Pids = BTreeMap<u64, BTreeSet<u32>>;

/// Listening TCP sockets and unix sockets with a path.
pub(super) fn sockets(proc: &Path) -> io::Result<Vec<Socket>> {
    let mut sockets = tcp_sockets(&proc.join("net/tcp"))?;
    match tcp_sockets(&proc.join("net/tcp6")) {
        Ok(ipv6) => sockets.extend(ipv6),
        // The kernel has no IPv6.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    sockets.extend(unix_sockets(&proc.join("net/unix"))?);
    Ok(sockets)
}

fn tcp_sockets(path: &Path) -> io::Result<Vec<Socket>> {
    let text = read(path)?;
    let lines = text.lines().skip(1).map(|line| Line { path, line });
    let listening = lines.filter(|line| line.field(3) == Some(TCP_LISTEN));
    let socket = |line: Line<'_>| {
        let address = line.field(1).and_then(tcp_address);
        let inode = line.field(9).and_then(|inode| inode.parse().ok());
        let (Some(address), Some(inode)) = (address, inode) else {
            return Err(line.invalid());
        };
        let endpoint = Endpoint::Tcp(address);
        Ok(Socket { endpoint, inode })
    };
    listening.map(socket).collect()
}

fn unix_sockets(path: &Path) -> io::Result<Vec<Socket>> {
    let text = read(path)?;
    let lines = text.lines().skip(1).map(|line| Line { path, line });
    let listening = lines.filter(|line| line.field(3) == Some(UNIX_LISTEN));
    let socket = |line: Line<'_>| {
        // The path is the rest of the line and may contain spaces; the fields before it contain no slash.
        let (fields, socket_path) = line.line.split_once(" /")?;
        let endpoint = Endpoint::Unix(PathBuf::from(format!("/{socket_path}")));
        let fields: Vec<&str> = fields.split_whitespace().collect();
        // More fields: an abstract name with a slash.
        let [.., inode] = fields.as_slice() else {
            return None;
        };
        if fields.len() != 7 {
            return None;
        }
        let inode = inode.parse().map_err(|_| line.invalid());
        Some(inode.map(|inode| Socket { endpoint, inode }))
    };
    listening.filter_map(socket).collect()
}

/// A line of a file in /proc/net.
struct Line<'l> {
    path: &'l Path,
    line: &'l str,
}

impl<'l> Line<'l> {
    fn field(&self, index: usize) -> Option<&'l str> {
        self.line.split_whitespace().nth(index)
    }

    fn invalid(&self) -> io::Error {
        let Self { path, line } = self;
        let message = format!("{}: expected a socket, found {line:?}", path.display());
        io::Error::new(io::ErrorKind::InvalidData, message)
    }
}

/// `0100007F:0050`: 32-bit words in the byte order of the host, and the port.
fn tcp_address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let word = |index: usize| {
        let digits = ip.get(8 * index..8 * index + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let ip = match ip.len() {
        8 => IpAddr::from(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Ipv6Addr::from(bytes).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// Processes that have the sockets open. Those that may not be inspected are left out.
pub(super) fn pids(proc: &Path, sockets: &[Socket]) -> io::Result<Pids> {
    let inodes: BTreeSet<u64> = sockets.iter().map(|socket| socket.inode).collect();
    let mut pids = Pids::new();
    for entry in fs::read_dir(proc).map_err(|error| with_path(proc, &error))? {
        let name = entry.map_err(|error| with_path(proc, &error))?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // The process may end in the meantime, and only root may inspect those of other users.
        let descriptors = fs::read_dir(proc.join(&name).join("fd"));
        for descriptor in descriptors.into_iter().flatten().flatten() {
            let inode = inode(&descriptor.path());
            if let Some(inode) = inode.filter(|inode| inodes.contains(inode)) {
                pids.entry(inode).or_default().insert(pid);
            }
        }
    }
    Ok(pids)
}

/// The inode of the socket that a descriptor in /proc/PID/fd is a link to: `socket:[8619668]`.
fn inode(descriptor: &Path) -> Option<u64> {
    let target = fs::read_link(descriptor).ok()?;
    let inode = target.to_str()?.strip_prefix("socket:[")?;
    inode.strip_suffix(']')?.parse().ok()
}

/// The processes with their names, without those that have ended since.
pub(super) fn holders(proc: &Path, pids: Option<&BTreeSet<u32>>) -> Vec<Holder> {
    let holder = |&pid: &u32| {
        let program = read(&proc.join(pid.to_string()).join("comm")).ok()?;
        let program = program.trim_end_matches('\n').to_owned();
        Some(Holder { pid, program })
    };
    pids.into_iter().flatten().filter_map(holder).collect()
}

fn read(path: &Path) -> io::Result<String> {
    let bytes = fs::read(path).map_err(|error| with_path(path, &error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn with_path(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
