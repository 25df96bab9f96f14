//! An instance that dies as often as it is started.

use lab::Result;

use crate::row::Row;
use crate::stage::{Stage, inactive, main_pid, wait_active, wait_restarts};

/// The others serve, and the port comes back without a hand once the cause is gone.
pub(crate) fn a_crash_loop_hurts_nobody_else(stage: &Stage) -> Result<()> {
    let (host, unit) = (stage.front(), "randoms-spread@8084.service");
    // The cause: something the program needs is missing, and comes back later.
    let cause = format!("/run/systemd/system/{unit}.d");
    host.shell(&format!(
        "mkdir -p {cause} && printf '[Service]\\nExecStart=\\nExecStart=/bin/sh -c \"test ! -e /run/broken && exec \
         /opt/randoms/randoms/current/randoms\"\\n' > {cause}/90-cause.conf && systemctl daemon-reload"
    ))?;
    host.run(&["systemctl", "restart", unit])?;
    let load = stage.load()?;
    let pid = main_pid(host, unit)?;
    host.shell(&format!("touch /run/broken && kill -KILL {pid}"))?;
    // More starts than systemd's default limit of 5 would have allowed.
    wait_restarts(host, unit, 7)?;
    assert!(!inactive(host, &[unit])?.is_empty(), "it was to be broken");
    host.run(&["rm", "/run/broken"])?;
    let back = wait_active(host, &stage.units)?;
    let report = load.finish()?;
    host.shell(&format!(
        "rm -r {cause} && systemctl daemon-reload && systemctl restart {unit}"
    ))?;
    let seen = format!("back {:.1} s after the cause was gone", back.as_secs_f64());
    stage.note(
        Row::loaded(
            "crash loop of one instance",
            "the others serve, it comes back by itself",
            &report,
        )
        .with(seen),
    );
    assert_eq!(report.get.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}
