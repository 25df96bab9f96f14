//! An instance that hangs with open connections.

use std::time::Duration;

use lab::Result;

use crate::fixture::{Fixture, main_pid, wait_active, wait_exited, wait_replaced};
use crate::results::ResultRow;

/// The watchdog timeout, and 250 ms for the queries of systemd from outside of the host.
const DETECTED_LIMIT: Duration = Duration::from_millis(3_000 + 250);
/// Limit from the hang to a process that has reported `READY=1`.
const READY_LIMIT: Duration = Duration::from_secs(5);

/// Suspends an instance with SIGSTOP; expects the watchdog to replace it, and no failed GET.
pub(crate) fn a_hung_instance_is_replaced(fixture: &Fixture) -> Result<()> {
    let (host, unit) = (fixture.proxy_host(), "randoms-spread@8083.service");
    let load = fixture.load()?;
    let pid = main_pid(host, unit)?;
    host.run(&["kill", "-STOP", &pid.to_string()])?;
    let detected = wait_exited(host, pid)?;
    let ready = detected + wait_replaced(host, unit, pid)?;
    let report = load.finish()?;
    wait_active(host, &fixture.units)?;
    let observed = format!(
        "detected after {:.1} s, ready after {:.1} s",
        detected.as_secs_f64(),
        ready.as_secs_f64()
    );
    fixture.record(
        ResultRow::with_load(
            "hang (SIGSTOP) of an instance",
            "0 GET, detected ≤ 3 s, ready ≤ 5 s",
            &report,
        )
        .with_observed(observed),
    );
    assert!(detected <= DETECTED_LIMIT, "detected after {detected:?}");
    assert!(ready <= READY_LIMIT, "ready after {ready:?}");
    assert_eq!(report.get.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}

/// Control: suspends an instance without a watchdog; expects that it is not replaced.
pub(crate) fn without_a_watchdog_a_hang_persists(fixture: &Fixture) -> Result<()> {
    let (host, unit) = (fixture.proxy_host(), "randoms-spread@8083.service");
    host.shell(&format!(
        "mkdir -p /run/systemd/system/{unit}.d && printf '[Service]\\nWatchdogSec=0\\n' > \
         /run/systemd/system/{unit}.d/90-control.conf && systemctl daemon-reload && systemctl restart {unit}"
    ))?;
    let pid = main_pid(host, unit)?;
    host.run(&["kill", "-STOP", &pid.to_string()])?;
    std::thread::sleep(DETECTED_LIMIT);
    let after = main_pid(host, unit)?;
    host.run(&["kill", "-KILL", &pid.to_string()])?;
    host.shell(&format!(
        "rm -r /run/systemd/system/{unit}.d && systemctl daemon-reload && systemctl restart {unit}"
    ))?;
    wait_active(host, &fixture.units)?;
    assert_eq!(after, pid, "the instance was replaced without a watchdog");
    Ok(())
}
