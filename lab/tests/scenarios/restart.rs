//! Restarts with `systemctl` under load.

use std::time::Duration;

use lab::load::Report;
use lab::wait::{self, Poll};
use lab::{Host, LoadRun, Result};

use crate::fixture::{Fixture, RECOVERY, is_full, main_pid, wait_active};
use crate::response::Expect;
use crate::results::ResultRow;
use crate::runner::join_or_panic;

const NO_FAILURES: &str = "0 GET, 0 POST";

/// How long a proxy is stalled: longer than its keepalive timeout, and shorter than the 2 s for
/// which a stopping instance keeps idle connections open.
const STALL: Duration = Duration::from_millis(600);

/// Load of many clients that pause between requests, so that connections to the instances are idle
/// when the proxy is stalled.
const PACED: &[&str] = &["--connections", "64", "--rate", "1500"];

/// Directory of a drop-in with a shorter keepalive grace of the instances.
const GRACE_DROPIN: &str = "/run/systemd/system/randoms-spread@.service.d";

/// Applies the drop-in or its removal.
const RELOAD_INSTANCES: &str =
    "systemctl daemon-reload && systemctl restart 'randoms-spread@*.service'";

/// Maximum number of attempts of the control to lose a request.
const TRIALS: u32 = 5;

fn rounds() -> u32 {
    if is_full() { 10 } else { 2 }
}

/// Restarts one instance, repeatedly; expects no dropped requests.
pub(crate) fn restarting_one_drops_no_requests(fixture: &Fixture) -> Result<()> {
    restart_under_load(fixture, "restart of one instance", |host| {
        host.run(&["systemctl", "restart", "randoms-spread@8083"])
            .map(drop)
    })
}

/// Restarts all instances of a pool at once, repeatedly; expects no dropped requests.
pub(crate) fn restarting_all_drops_no_requests(fixture: &Fixture) -> Result<()> {
    restart_under_load(fixture, "restart of all instances at once", |host| {
        host.run(&["systemctl", "restart", "randoms-spread@*"])
            .map(drop)
    })
}

/// Restarts all instances while the proxy's workers are suspended with SIGSTOP, as on a busy
/// machine; expects no dropped requests.
pub(crate) fn restarting_all_behind_a_stalled_proxy_drops_no_requests(
    fixture: &Fixture,
) -> Result<()> {
    let load = fixture.load_path("/api/randoms", PACED)?;
    let report = repeat_under_load(fixture, load, restart_stalled)?;
    let fault = format!("restart of all behind a stalled proxy, {} times", rounds());
    fixture.record(ResultRow::with_load(&fault, NO_FAILURES, &report));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}

/// Control: as above with instances that close idle connections after 150 ms; expects failures.
pub(crate) fn a_short_keepalive_grace_drops_requests(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    host.shell(&format!(
        "mkdir -p {GRACE_DROPIN} && printf '[Service]\nEnvironment=RANDOMS_GRACE=150ms\n' \
         > {GRACE_DROPIN}/grace.conf && {RELOAD_INSTANCES}"
    ))?;
    // A worker that continues reads requests and closed connections in random order.
    let mut lost = 0;
    for _ in 0..TRIALS {
        let load = fixture.load_path("/api/randoms", PACED)?;
        lost += repeat_under_load(fixture, load, restart_stalled)?.failures();
        if lost > 0 {
            break;
        }
    }
    host.shell(&format!("rm -r {GRACE_DROPIN} && {RELOAD_INSTANCES}"))?;
    assert!(lost > 0, "none was lost in {TRIALS} trials");
    Ok(())
}

fn restart_stalled(host: &Host) -> Result<()> {
    let master = main_pid(host, "randoms-edge.service")?.to_string();
    let send_signal = |signal: &str| host.run(&["pkill", "--signal", signal, "--parent", &master]);
    send_signal("STOP")?;
    std::thread::scope(|scope| {
        let restart = scope.spawn(|| host.run(&["systemctl", "restart", "randoms-spread@*"]));
        std::thread::sleep(STALL);
        send_signal("CONT")?;
        join_or_panic(restart).map(drop)
    })
}

/// Restarts the instances one at a time; expects no dropped requests.
pub(crate) fn rolling_restart_drops_no_requests(fixture: &Fixture) -> Result<()> {
    restart_under_load(fixture, "rolling restart", |host| {
        (8082..=8085).try_for_each(|port| {
            host.run(&["systemctl", "restart", &format!("randoms-spread@{port}")])
                .map(drop)
        })
    })
}

/// Restarts all cluster workers of a shared port at once; expects no dropped requests.
pub(crate) fn restarting_workers_drops_no_requests(fixture: &Fixture) -> Result<()> {
    let load = fixture.load_path("/cluster/api/randoms", &[])?;
    for _ in 0..rounds() {
        fixture
            .proxy_host()
            .run(&["systemctl", "restart", "randoms-shared-8081@*.service"])?;
    }
    let report = load.finish()?;
    fixture.record(ResultRow::with_load(
        "restart of all cluster workers at once",
        NO_FAILURES,
        &report,
    ));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}

/// Reloads an app with its own supervisor process; expects new workers, the same supervisor
/// process, and no dropped requests.
pub(crate) fn reloading_a_supervisor_drops_no_requests(fixture: &Fixture) -> Result<()> {
    let (host, unit) = (fixture.proxy_host(), "native-cluster@8000.service");
    let workers = |parent: u32| host.run(&["pgrep", "--parent", &parent.to_string()]);
    let supervisor = main_pid(host, unit)?;
    let before = workers(supervisor)?;
    let load = fixture.load()?;
    host.run(&["systemctl", "reload", unit])?;
    wait::until("all workers replaced", RECOVERY, || {
        match workers(supervisor) {
            Ok(now) if are_all_replaced(&before, &now) => Poll::Ready(()),
            now => Poll::Pending(format!("{now:?} after {before:?}")),
        }
    })?;
    let report = load.finish()?;
    fixture.record(ResultRow::with_load(
        "reload of an app's supervisor",
        NO_FAILURES,
        &report,
    ));
    assert_eq!(
        main_pid(host, unit)?,
        supervisor,
        "the supervisor was replaced"
    );
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}

/// Whether `now` has as many lines as `before`, and none of its lines.
fn are_all_replaced(before: &str, now: &str) -> bool {
    before.lines().count() == now.lines().count()
        && now
            .lines()
            .all(|line| before.lines().all(|old| old != line))
}

/// Restarts the target, with every pool and the proxy; expects no dropped requests.
pub(crate) fn restarting_the_target_drops_no_requests(fixture: &Fixture) -> Result<()> {
    restart_under_load(fixture, "restart of randoms.target", |host| {
        host.run(&["systemctl", "restart", "randoms.target"])?;
        wait_active(host, &fixture.units).map(drop)
    })
}

/// Restarts the target more often than systemd's default start limit; expects all units active.
pub(crate) fn restarting_the_target_often_keeps_all_units_active(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    for _ in 0..6 {
        host.run(&["systemctl", "restart", "randoms.target"])?;
    }
    wait_active(host, &fixture.units).map(drop)
}

/// Restarts the proxy, repeatedly; expects no dropped requests.
pub(crate) fn restarting_the_proxy_drops_no_requests(fixture: &Fixture) -> Result<()> {
    restart_under_load(fixture, "restart of the proxy", |host| {
        host.run(&["systemctl", "restart", "randoms-edge"])
            .map(drop)
    })
}

/// Control of all scenarios under load: stops a pool and its sockets; expects failures.
pub(crate) fn a_closed_port_drops_requests(fixture: &Fixture) -> Result<()> {
    let load = fixture.load()?;
    fixture
        .proxy_host()
        .run(&["systemctl", "stop", "randoms-spread.target"])?;
    let url = fixture.url("/api/randoms?cant=1000");
    wait::until("refused", RECOVERY, || match fixture.get(&url) {
        Ok(response) if response.missing(&Expect::Tally).is_none() => {
            Poll::Pending(format!("{response:?}"))
        }
        _ => Poll::Ready(()),
    })?;
    fixture
        .proxy_host()
        .run(&["systemctl", "start", "randoms-spread.target"])?;
    wait_active(fixture.proxy_host(), &fixture.units)?;
    let report = load.finish()?;
    assert!(
        report.get.failures() > 0 && report.post.failures() > 0,
        "{report}"
    );
    Ok(())
}

fn restart_under_load(
    fixture: &Fixture,
    fault: &str,
    act: impl Fn(&Host) -> Result<()>,
) -> Result<()> {
    let report = repeat_under_load(fixture, fixture.load()?, act)?;
    let fault = format!("{fault}, {} times", rounds());
    fixture.record(ResultRow::with_load(&fault, NO_FAILURES, &report));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}

/// Runs `act` repeatedly under `load` and returns the report.
fn repeat_under_load(
    fixture: &Fixture,
    load: LoadRun,
    act: impl Fn(&Host) -> Result<()>,
) -> Result<Report> {
    for _ in 0..rounds() {
        act(fixture.proxy_host())?;
    }
    let report = load.finish()?;
    wait_active(fixture.proxy_host(), &fixture.units)?;
    Ok(report)
}
