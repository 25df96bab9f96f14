//! An instance that crashes after each start.

use lab::Result;

use crate::fixture::{Fixture, inactive, main_pid, wait_active, wait_restarts};
use crate::results::ResultRow;

/// Makes one instance crash repeatedly; expects no failed GET, and an automatic recovery once the
/// cause is removed.
pub(crate) fn a_crash_loop_does_not_affect_other_instances(fixture: &Fixture) -> Result<()> {
    let (host, unit) = (fixture.proxy_host(), "randoms-spread@8084.service");
    // The cause: a file that prevents the start; it is removed later.
    let cause = format!("/run/systemd/system/{unit}.d");
    host.shell(&format!(
        "mkdir -p {cause} && printf '[Service]\\nExecStart=\\nExecStart=/bin/sh -c \"test ! -e /run/broken && exec \
         /opt/randoms/randoms/current/randoms\"\\n' > {cause}/90-cause.conf && systemctl daemon-reload"
    ))?;
    host.run(&["systemctl", "restart", unit])?;
    let load = fixture.load()?;
    let pid = main_pid(host, unit)?;
    host.shell(&format!("touch /run/broken && kill -KILL {pid}"))?;
    // More starts than systemd's default limit of 5.
    wait_restarts(host, unit, 7)?;
    assert!(!inactive(host, &[unit])?.is_empty(), "{unit} is active");
    host.run(&["rm", "/run/broken"])?;
    let recovered = wait_active(host, &fixture.units)?;
    let report = load.finish()?;
    host.shell(&format!(
        "rm -r {cause} && systemctl daemon-reload && systemctl restart {unit}"
    ))?;
    let observed = format!(
        "recovered {:.1} s after the cause was removed",
        recovered.as_secs_f64()
    );
    fixture.record(
        ResultRow::with_load(
            "crash loop of one instance",
            "0 GET, it recovers automatically",
            &report,
        )
        .with_observed(observed),
    );
    assert_eq!(report.get.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}
