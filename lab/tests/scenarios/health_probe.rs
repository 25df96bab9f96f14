//! Health probes of apps without `sd_notify`, on each kind of listening address.

use std::time::{Duration, Instant};

use lab::wait::{self, Poll};
use lab::{Error, Host, Result};
use model::PoolStatus;

use crate::fixture::{Fixture, RECOVERY, is_full, main_pid, wait_replaced};
use crate::results::ResultRow;
use crate::system::invocation_ids;

/// An instance of each pool of `multi_host_systems::PROBED`: its host and unit.
const PROBED: [(&str, &str); 3] = [
    ("front", "probed-local@8070.service"),
    ("node1", "probed-far@8082.service"),
    ("node1", "probed-own@8090.service"),
];

/// Number of probes at an interval of 500 ms: longer than the start timeout of an instance and two
/// missed probes.
const PROBES: u64 = 24;

/// Limit for the probes, each of which can take 2 s on a busy machine.
const PROBES_LIMIT: Duration = Duration::from_secs(90);

/// No fault: expects that probes on a socket path, the host's address, and any address succeed.
pub(crate) fn a_responsive_instance_is_not_restarted(fixture: &Fixture) -> Result<()> {
    let hosts = || PROBED.map(|(host, unit)| (fixture.lab.host(host), unit));
    let mut before = Vec::new();
    for (host, unit) in hosts() {
        let host = host?;
        before.push((invocation_ids(host, unit)?, status(host, unit)?.rounds));
    }
    for ((host, unit), (ids, rounds)) in hosts().into_iter().zip(before) {
        let host = host?;
        wait_probes(host, unit, rounds + PROBES)?;
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
    for (host, unit) in PROBED {
        let host = fixture.lab.host(host)?;
        wait_probed_healthy(host, unit)?;
        let pid = main_pid(host, unit)?;
        host.run(&["kill", "-STOP", &pid.to_string()])?;
        slowest = slowest.max(wait_replaced(host, unit, pid)?);
        let output = host.shell(&format!(
            "journalctl --sync; journalctl -u probed-monitor -o cat -g 'failed the health check 2 times, restarted'"
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

/// Applies a health path that does not exist, in a run that fails on the second host; expects that the
/// monitor of the first host, which has used it already, checks the previous path again.
pub(crate) fn a_restored_host_is_probed_as_before(fixture: &Fixture) -> Result<()> {
    let (front, unit) = PROBED[0];
    let host = fixture.lab.host(front)?;
    let bad = fixture
        .system
        .topology
        .replacen("path: /health", "path: /missing", 1)
        .replace(
            "    socket_activation: false\n",
            "    socket_activation: false\n    args: [--nonsense]\n",
        );
    assert!(
        bad.contains("/missing") && bad.contains("--nonsense"),
        "{bad}"
    );
    fixture.project.render(&bad)?;
    let run = fixture.run_playbook("site.yml", &[])?;
    fixture.project.render(fixture.system.topology)?;
    assert_ne!(run.code(), Some(0), "the run succeeded");
    wait_probed_healthy(host, unit)?;
    let ids = invocation_ids(host, unit)?;
    wait_probes(host, unit, status(host, unit)?.rounds + PROBES)?;
    assert_eq!(invocation_ids(host, unit)?, ids, "{unit} was replaced");
    let again = fixture.run_playbook("site.yml", &[])?.success()?;
    assert_eq!(again.count(front, "changed")?, 0, "{}", again.output());
    fixture.record(ResultRow::without_load(
        "health path that does not exist, in a run that fails on another host",
        "restored, no restart",
        format!("no restart in {PROBES} probes"),
    ));
    Ok(())
}

/// No fault: measures what the checks of ten instances cost.
pub(crate) fn probing_ten_instances_costs_half_a_percent_of_a_core(
    fixture: &Fixture,
) -> Result<()> {
    const UNIT: &str = "ten-web@8081.service";
    /// The bound of the row below.
    const MAX_PERCENT: f64 = 0.5;
    const MAX_MEMORY_KIB: u64 = 8 * 1024;
    let host = fixture.proxy_host();
    wait_probed_healthy(host, UNIT)?;
    let rounds = if is_full() { 60 } else { 10 };
    let pids = host
        .shell("echo 1 $(pgrep -x dbus-daemon) $(systemctl show -P MainPID ten-monitor.service)")?;
    let cursor =
        host.shell("journalctl --sync; journalctl -q -n 1 -o export | sed -n 's/^__CURSOR=//p'")?;
    let (before, start) = (cpu_ns(host, &pids)?, Instant::now());
    wait_probes(host, UNIT, status(host, UNIT)?.rounds + rounds)?;
    let (after, took) = (cpu_ns(host, &pids)?, start.elapsed());
    let journal = format!(
        "journalctl --sync; journalctl -q -o cat --after-cursor='{}' -u 'ten-*'",
        cursor.trim()
    );
    let lines = host.shell(&journal)?;
    let memory = host.shell(
        "awk '/^VmRSS:/ { print $2 }' /proc/$(systemctl show -P MainPID ten-monitor.service)/status",
    )?;
    let memory_kib = number("resident memory of the monitor", &memory)?;
    let used = Duration::from_nanos(after - before);
    let percent = used.as_secs_f64() / took.as_secs_f64() * 100.0;
    fixture.record(ResultRow::without_load(
        "none: ten instances probed every second; CPU time of the monitor, D-Bus, and systemd",
        "≤ 0.5 % of a core, 0 lines in the journal, ≤ 8 MiB",
        format!(
            "{percent:.2} % of a core, {} lines, {:.1} MiB",
            lines.lines().count(),
            f64::from(u32::try_from(memory_kib).unwrap_or(u32::MAX)) / 1024.0
        ),
    ));
    assert_eq!(
        lines, "",
        "the monitor logs while all instances are healthy"
    );
    assert!(memory_kib <= MAX_MEMORY_KIB, "{memory_kib} KiB");
    assert!(percent <= MAX_PERCENT, "{percent:.2} % of a core");
    // Control: a restart of the monitor is in the journal.
    host.run(&["systemctl", "restart", "ten-monitor.service"])?;
    assert_ne!(host.shell(&journal)?, "", "the query finds no lines");
    Ok(())
}

/// CPU time of these processes, in nanoseconds (`/proc/PID/task/TID/schedstat`).
fn cpu_ns(host: &Host, pids: &str) -> Result<u64> {
    let sum = host.shell(&format!(
        "for pid in {}; do cat /proc/$pid/task/*/schedstat; done | awk '{{ ns += $1 }} END {{ printf \"%.0f\", ns }}'",
        pids.trim()
    ))?;
    number("CPU time", &sum)
}

fn number(what: &str, text: &str) -> Result<u64> {
    text.trim().parse().map_err(|error| Error::Invalid {
        what: format!("{what}: {error}"),
        text: text.to_owned(),
    })
}

/// Waits until the current process of `unit` has passed a health check: until then, the monitor
/// treats it as starting.
pub(crate) fn wait_probed_healthy(host: &Host, unit: &str) -> Result<Duration> {
    let state = format!("probed healthy: {unit}");
    let ((), took) = wait::until(&state, RECOVERY, || {
        match (started_at_us(host, unit), status(host, unit)) {
            (Ok(started), Ok(status)) => match status.instances.get(unit) {
                Some(it) if it.passed_at_us > Some(started) && it.failures == 0 => Poll::Ready(()),
                other => Poll::Pending(format!("{other:?}")),
            },
            (started, status) => Poll::Pending(format!("{started:?} {status:?}")),
        }
    })?;
    Ok(took)
}

/// When the main process of a service started, in microseconds on `CLOCK_MONOTONIC`.
fn started_at_us(host: &Host, unit: &str) -> Result<u64> {
    let property = "--property=ExecMainStartTimestampMonotonic";
    let printed = host.run(&["systemctl", "show", "--value", property, unit])?;
    number("start of the process", &printed)
}

/// What the monitor of the host last observed of the pool of `unit`.
fn status(host: &Host, unit: &str) -> Result<PoolStatus> {
    let stem = unit.split('@').next().unwrap_or(unit);
    let (project, pool) = stem.split_once('-').unwrap_or((stem, ""));
    let text = host.run(&["cat", &format!("/run/{project}-monitor/{pool}.json")])?;
    serde_json::from_str(&text).map_err(|error| Error::Invalid {
        what: format!("status of {unit}: {error}"),
        text,
    })
}

/// Waits until the monitor has completed `expected` rounds of the pool of `unit`.
fn wait_probes(host: &Host, unit: &str, expected: u64) -> Result<Duration> {
    let state = format!("at {expected} rounds of probes of {unit}");
    let ((), took) = wait::until(&state, PROBES_LIMIT, || match status(host, unit) {
        Ok(status) if status.rounds >= expected => Poll::Ready(()),
        status => Poll::Pending(format!("{status:?}")),
    })?;
    Ok(took)
}
