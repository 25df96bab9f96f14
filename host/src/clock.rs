//! The clock that systemd's timestamps of processes refer to.

use rustix::time::{ClockId, clock_gettime};

/// `CLOCK_MONOTONIC` in microseconds: unaffected by changes of the system time.
pub(crate) fn monotonic_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // Neither is negative on this clock.
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or_default();
    seconds * 1_000_000 + nanoseconds / 1_000
}
