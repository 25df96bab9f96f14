//! Health probes of apps without `sd_notify`, on each kind of listening address.

use std::time::Duration;

use lab::wait::{self, Poll};
use lab::{Host, Result};

use crate::fixture::{Fixture, RECOVERY, main_pid, wait_replaced};
use crate::results::ResultRow;
use crate::system::invocation_ids;

/// An instance of each pool of `multi_host_systems::PROBED`: its host, unit, and probe unit.
const PROBED: [(&str, &str, &str); 3] = [
    ("front", "probed-local@8070.service", "probed-local-probe"),
    ("node1", "probed-far@8082.service", "probed-far-probe"),
    ("node1", "probed-own@8090.service", "probed-own-probe"),
];

/// Number of probes at an interval of 500 ms: longer than the start timeout of an instance and two
/// missed probes.
const PROBES: usize = 8;

/// Limit for the probes, each of which can take 2 s on a busy machine.
const PROBES_LIMIT: Duration = Duration::from_mins(1);

/// No fault: expects that probes on a socket path, the host's address, and any address succeed.
pub(crate) fn a_responsive_instance_is_not_restarted(fixture: &Fixture) -> Result<()> {
    let hosts = || PROBED.map(|(host, unit, probe)| (fixture.lab.host(host), unit, probe));
    let mut before = Vec::new();
    for (host, unit, probe) in hosts() {
        let host = host?;
        before.push((invocation_ids(host, unit)?, probe_count(host, probe)?));
    }
    for ((host, unit, probe), (ids, count)) in hosts().into_iter().zip(before) {
        let host = host?;
        wait_probes(host, probe, count + PROBES)?;
        assert_eq!(invocation_ids(host, unit)?, ids, "{unit} was replaced");
        wait_probed_healthy(host, unit)?;
    }
    fixture.record(ResultRow::without_load(
        "health probes on a socket path, the host's address, any address",
        "no restart",
        format!("no restart in {PROBES} probes each"),
    ));
    Ok(())
}

/// Suspends an instance of each pool with SIGSTOP; expects its health probe to replace it.
pub(crate) fn a_hung_instance_is_replaced_by_its_probe(fixture: &Fixture) -> Result<()> {
    let mut slowest = Duration::ZERO;
    for (host, unit, probe) in PROBED {
        let host = fixture.lab.host(host)?;
        wait_probed_healthy(host, unit)?;
        let pid = main_pid(host, unit)?;
        host.run(&["kill", "-STOP", &pid.to_string()])?;
        slowest = slowest.max(wait_replaced(host, unit, pid)?);
        let output = host.shell(&format!(
            "journalctl --sync; journalctl -u {probe} -o cat -g 'failed the health check 2 times, restarted'"
        ))?;
        assert!(output.contains(unit), "{output}");
        wait_probed_healthy(host, unit)?;
    }
    fixture.record(ResultRow::without_load(
        "hang (SIGSTOP) of instances with probes on a socket path, the host's address, any address",
        "replaced",
        format!("after at most {:.1} s", slowest.as_secs_f64()),
    ));
    Ok(())
}

/// Waits until a health probe of the current invocation of `unit` has succeeded: until then, the
/// probe treats the unit as starting.
pub(crate) fn wait_probed_healthy(host: &Host, unit: &str) -> Result<Duration> {
    let (stem, port) = unit.split_once('@').unwrap_or((unit, ""));
    let port = port.trim_end_matches(".service");
    let line =
        format!("echo $(systemctl show -P InvocationID {unit}) 0; cat /run/{stem}-probe/{port}");
    let state = format!("probed healthy: {unit}");
    let ((), took) = wait::until(&state, RECOVERY, || {
        match host.capture(&["sh", "-c", &line]) {
            Ok(output) if are_equal_lines(&output.stdout) => Poll::Ready(()),
            Ok(output) => Poll::Pending(output.output()),
            Err(error) => Poll::Pending(error.to_string()),
        }
    })?;
    Ok(took)
}

/// Whether the first two lines are equal.
fn are_equal_lines(lines: &str) -> bool {
    let mut lines = lines.lines();
    matches!((lines.next(), lines.next()), (Some(one), Some(other)) if one == other)
}

/// Waits until the unit `probe` has run `expected` times.
fn wait_probes(host: &Host, probe: &str, expected: usize) -> Result<Duration> {
    let state = format!("at {expected} runs of {probe}");
    let ((), took) = wait::until(&state, PROBES_LIMIT, || match probe_count(host, probe) {
        Ok(count) if count >= expected => Poll::Ready(()),
        count => Poll::Pending(format!("{count:?}")),
    })?;
    Ok(took)
}

/// How often the unit `probe` has run: systemd logs the end of each run.
fn probe_count(host: &Host, probe: &str) -> Result<usize> {
    let listed = host.shell(&format!(
        "journalctl --sync; journalctl -u {probe}.service -o cat | grep '^Finished' || true"
    ))?;
    Ok(listed.lines().count())
}
