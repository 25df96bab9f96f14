//! Instances that are killed with SIGKILL.

use lab::Result;
use lab::load::Report;

use crate::fixture::{CONNECTIONS, Fixture, is_full, main_pid, wait_active, wait_replaced};
use crate::results::{IN_FLIGHT, ResultRow};

fn rounds() -> u32 {
    if is_full() { 10 } else { 3 }
}

/// Kills one instance of a pool, repeatedly; expects no failed GET.
pub(crate) fn killing_an_instance_drops_no_get(fixture: &Fixture) -> Result<()> {
    killed(
        fixture,
        ("/api/randoms", "randoms-spread@8084.service"),
        "kill -9 of an instance",
    )
}

/// Kills one of several workers of a port, repeatedly; expects no failed GET.
pub(crate) fn killing_a_worker_drops_no_get(fixture: &Fixture) -> Result<()> {
    killed(
        fixture,
        ("/cluster/api/randoms", "randoms-shared-8081@1.service"),
        "kill -9 of a cluster worker",
    )
}

fn killed(fixture: &Fixture, (path, unit): (&str, &str), fault: &str) -> Result<()> {
    let load = fixture.load_path(path, &[])?;
    for _ in 0..rounds() {
        let pid = main_pid(fixture.proxy_host(), unit)?;
        fixture
            .proxy_host()
            .run(&["kill", "-KILL", &pid.to_string()])?;
        wait_replaced(fixture.proxy_host(), unit, pid)?;
    }
    let report = load.finish()?;
    wait_active(fixture.proxy_host(), &fixture.units)?;
    fixture.record(ResultRow::with_load(
        &format!("{fault}, {} times", rounds()),
        IN_FLIGHT,
        &report,
    ));
    assert_in_flight(&report, rounds());
    Ok(())
}

/// Expects no failed GET, and at most the POST requests that were in flight at each kill.
fn assert_in_flight(report: &Report, kills: u32) {
    assert_eq!(report.get.failures(), 0, "{report}\n{:?}", report.events);
    let in_flight = u64::from(kills * CONNECTIONS);
    assert!(
        report.post.failures() <= in_flight,
        "{report}\n{:?}",
        report.events
    );
}
