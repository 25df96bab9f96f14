//! A process that is there, holds its connections, and does nothing.

use std::time::Duration;

use lab::Result;

use crate::row::Row;
use crate::stage::{Stage, main_pid, wait_active, wait_gone, wait_replaced};

/// The watchdog's bound, and what asking systemd from outside may add to it.
const FOUND: Duration = Duration::from_millis(3_000 + 250);
/// From the hang to a process that says it is ready.
const SERVING: Duration = Duration::from_secs(5);

/// SIGSTOP: found by the watchdog, replaced, and no GET is lost.
pub(crate) fn a_hung_instance_is_replaced(stage: &Stage) -> Result<()> {
    let (host, unit) = (stage.front(), "randoms-spread@8083.service");
    let load = stage.load()?;
    let pid = main_pid(host, unit)?;
    host.run(&["kill", "-STOP", &pid.to_string()])?;
    let found = wait_gone(host, pid)?;
    let serving = found + wait_replaced(host, unit, pid)?;
    let report = load.finish()?;
    wait_active(host, &stage.units)?;
    let seen = format!(
        "found after {:.1} s, serving after {:.1} s",
        found.as_secs_f64(),
        serving.as_secs_f64()
    );
    stage.note(
        Row::loaded(
            "hang (SIGSTOP) of an instance",
            "0 GET, found ≤ 3 s, serving ≤ 5 s",
            &report,
        )
        .with(seen),
    );
    assert!(found <= FOUND, "found after {found:?}");
    assert!(serving <= SERVING, "serving after {serving:?}");
    assert_eq!(report.get.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}

/// Control: without its watchdog the hang is not found.
pub(crate) fn without_a_watchdog_a_hang_stays(stage: &Stage) -> Result<()> {
    let (host, unit) = (stage.front(), "randoms-spread@8083.service");
    host.shell(&format!(
        "mkdir -p /run/systemd/system/{unit}.d && printf '[Service]\\nWatchdogSec=0\\n' > \
         /run/systemd/system/{unit}.d/90-control.conf && systemctl daemon-reload && systemctl restart {unit}"
    ))?;
    let pid = main_pid(host, unit)?;
    host.run(&["kill", "-STOP", &pid.to_string()])?;
    std::thread::sleep(FOUND);
    let after = main_pid(host, unit)?;
    host.run(&["kill", "-KILL", &pid.to_string()])?;
    host.shell(&format!(
        "rm -r /run/systemd/system/{unit}.d && systemctl daemon-reload && systemctl restart {unit}"
    ))?;
    wait_active(host, &stage.units)?;
    assert_eq!(
        after, pid,
        "somebody replaced an instance without a watchdog"
    );
    Ok(())
}
