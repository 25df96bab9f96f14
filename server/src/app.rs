//! State that all requests of one process share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::connection::Connections;
use crate::identity::Identity;
use crate::log::Log;
use crate::metrics::Metrics;

/// Maximum age of the resident memory in `/info`.
const MEMORY_MAX_AGE: Duration = Duration::from_secs(1);

/// State that all requests of one process share, until the process exits.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) identity: Identity,
    pub(crate) connections: Connections,
    pub(crate) metrics: Metrics,
    pub(crate) log: Log,
    draining: AtomicBool,
    memory: AtomicU64,
    memory_read: AtomicU64,
}

impl App {
    /// Creates the state, which is never freed.
    pub(crate) fn new(identity: Identity, log: Log) -> &'static Self {
        Box::leak(Box::new(Self {
            identity,
            connections: Connections::default(),
            metrics: Metrics::default(),
            log,
            draining: AtomicBool::new(false),
            memory: AtomicU64::new(0),
            memory_read: AtomicU64::new(0),
        }))
    }

    /// Whether the process is draining.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    /// Marks the process as draining: each response closes its connection.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Relaxed);
    }

    /// Returns the seconds since the process started to serve.
    pub(crate) fn uptime(&self) -> u64 {
        self.connections.now().as_secs()
    }

    /// Returns the resident memory in bytes, read at most once per second.
    pub(crate) fn memory(&self) -> u64 {
        let now = self.connections.now();
        let read = Duration::from_millis(self.memory_read.load(Relaxed));
        if now.saturating_sub(read) >= MEMORY_MAX_AGE || self.memory.load(Relaxed) == 0 {
            let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
            self.memory_read.store(now, Relaxed);
            self.memory.store(resident_memory(), Relaxed);
        }
        self.memory.load(Relaxed)
    }
}

/// Returns `VmRSS` of `/proc/self/status` (`proc_pid_status(5)`) in bytes. The
/// file is readable in every sandbox.
fn resident_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .map_or(0, |kibibytes| kibibytes * 1024)
}
