//! The loss of one of two app hosts.

use std::time::Duration;

use lab::wait::{self, Poll};
use lab::{LoadRun, Result};

use crate::fixture::{Fixture, is_full};
use crate::results::ResultRow;

/// How long the host is disconnected: long enough for requests to time out.
const DISCONNECTED: Duration = Duration::from_secs(6);
const DISCONNECTED_FULL: Duration = Duration::from_secs(30);
/// Limit from the reconnection of the host to its next requests.
const TRAFFIC_LIMIT: Duration = Duration::from_secs(30);

/// Load with a timeout that is longer than requests to the lost host wait.
const OPTIONS: &[&str] = &["--connections", "32", "--timeout", "100", "--rate", "1000"];

/// Disconnects a host; expects no failed GET, and automatic traffic after its reconnection.
pub(crate) fn a_lost_host_drops_no_get(fixture: &Fixture) -> Result<()> {
    let host = fixture.lab.host("node2")?;
    let load = fixture.load_path("/api/randoms", OPTIONS)?;
    host.disconnect_network()?;
    std::thread::sleep(if is_full() {
        DISCONNECTED_FULL
    } else {
        DISCONNECTED
    });
    host.reconnect_network()?;
    let before = request_count(fixture)?;
    let ((), traffic) =
        wait::until(
            "sending traffic to node2",
            TRAFFIC_LIMIT,
            || match request_count(fixture) {
                Ok(now) if now > before + 100 => Poll::Ready(()),
                now => Poll::Pending(format!("{now:?} after {before}")),
            },
        )?;
    record_result(
        fixture,
        load,
        "loss of an app host",
        &format!("traffic again after {:.1} s", traffic.as_secs_f64()),
    )
}

/// Reboots a host; expects no failed GET.
pub(crate) fn a_rebooting_host_drops_no_get(fixture: &Fixture) -> Result<()> {
    let load = fixture.load_path("/api/randoms", OPTIONS)?;
    let took = fixture.lab.host("node2")?.reboot()?;
    record_result(
        fixture,
        load,
        "reboot of an app host",
        &format!("booted after {:.1} s", took.as_secs_f64()),
    )
}

/// Control: disconnects both hosts; expects failures.
pub(crate) fn losing_both_hosts_drops_requests(fixture: &Fixture) -> Result<()> {
    let load = fixture.load_path("/api/randoms", &["--timeout", "2"])?;
    for name in ["node1", "node2"] {
        fixture.lab.host(name)?.disconnect_network()?;
    }
    std::thread::sleep(Duration::from_secs(3));
    for name in ["node1", "node2"] {
        fixture.lab.host(name)?.reconnect_network()?;
    }
    let report = load.finish()?;
    assert!(report.get.failures() > 0, "{report}");
    Ok(())
}

/// Number of requests to one instance on node2 since its start.
fn request_count(fixture: &Fixture) -> Result<u64> {
    let text = fixture
        .lab
        .controller()
        .get("http://192.168.56.12:8082/metrics", 2)?;
    Ok(text
        .lines()
        .filter(|line| line.contains("requests_total{") && line.contains("/api/randoms"))
        .filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok())
        .sum())
}

fn record_result(fixture: &Fixture, load: LoadRun, fault: &str, observed: &str) -> Result<()> {
    let report = load.finish()?;
    fixture
        .record(ResultRow::with_load(fault, "0 GET", &report).with_observed(observed.to_owned()));
    assert_eq!(report.get.failures(), 0, "{report}\n{:?}", report.events);
    // The proxy cannot retry a POST on a connection to the lost host.
    assert!(
        report.post.failures() <= 64,
        "{report}\n{:?}",
        report.events
    );
    Ok(())
}
