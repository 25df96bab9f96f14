//! What a key means when it is not written. Filled in by `layout`; rules that
//! must know them read them here.

use super::address::Listen;
use super::quantity::{ByteSize, Duration};

/// `hosts.*.cpus`.
pub const CPUS: u16 = 2;
/// `hosts.*.memory`.
pub const HOST_MEMORY: ByteSize = ByteSize::from_bytes(1 << 30);
/// `apps.*.health`.
pub const HEALTH: &str = "/health";
/// `apps.*.stop_timeout`.
pub const STOP_TIMEOUT: Duration = Duration::from_millis(10_000);
/// `apps.*.ready_timeout`.
pub const READY_TIMEOUT: Duration = Duration::from_millis(30_000);
/// `apps.*.watchdog`.
pub const WATCHDOG: Duration = Duration::from_millis(3_000);
/// `apps.*.tasks`: tokio alone may start 512 threads for blocking work.
pub const TASKS: u16 = 512;
/// `proxies.*.listen`.
pub const LISTEN: Listen = Listen::any(80);
/// `proxies.*.status` of the first proxy; each next one, by name, has the next port.
pub const FIRST_STATUS: u16 = 9080;
/// `proxies.*.max_body`.
pub const MAX_BODY: ByteSize = ByteSize::from_bytes(1 << 20);
/// `proxies.*.timeouts.connect`.
pub const CONNECT_TIMEOUT: Duration = Duration::from_millis(2_000);
/// `proxies.*.timeouts.read`.
pub const READ_TIMEOUT: Duration = Duration::from_millis(60_000);
/// `proxies.*.timeouts.send`.
pub const SEND_TIMEOUT: Duration = Duration::from_millis(60_000);
