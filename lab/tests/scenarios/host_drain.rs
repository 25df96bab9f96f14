//! Deploys to several hosts: the proxy sends no requests to the host that is deployed.

use std::collections::BTreeMap;

use lab::{Error, Result};

use crate::deploy::variant;
use crate::fixture::Fixture;
use crate::results::ResultRow;

/// Number of requests of each host, by second in the proxy's access log.
type RequestsPerSecond = BTreeMap<String, [u32; 2]>;

const HOSTS: [&str; 2] = ["192.168.56.11", "192.168.56.12"];
/// Minimum number of requests in a second from which a drained host can be detected.
const MIN_REQUESTS: u32 = 50;
/// Minimum number of seconds for which a host is drained in a deploy.
const DRAINED_SECONDS: usize = 3;

/// Deploys to two hosts; expects each drained for seconds, and no dropped requests.
pub(crate) fn a_host_is_drained_during_its_deploy(fixture: &Fixture) -> Result<()> {
    fixture.write_artifact(&variant(fixture, "drained"))?;
    is_drained(
        fixture,
        ("deploy.yml", "deploy to two hosts"),
        DRAINED_SECONDS,
    )
}

/// Changes an environment variable on two hosts; expects each drained, and no dropped requests.
pub(crate) fn a_host_is_drained_while_its_environment_changes(fixture: &Fixture) -> Result<()> {
    let changed = fixture.system.topology.replace(
        "health: /health }",
        "health: /health, env: { LAB: changed } }",
    );
    fixture.project.render(&changed)?;
    is_drained(
        fixture,
        ("site.yml", "change of the environment on two hosts"),
        1,
    )
}

fn is_drained(fixture: &Fixture, (playbook, fault): (&str, &str), minimum: usize) -> Result<()> {
    let before = proxy_config(fixture)?;
    let load = fixture.load()?;
    let run = fixture.run_playbook(playbook, &[])?;
    let report = load.finish()?;
    run.success()?;
    let requests = requests_per_second(fixture)?;
    let drained = HOSTS.map(|host| drained_seconds(&requests, host));
    let observed = format!(
        "node1 drained for {} s, node2 for {} s",
        drained[0], drained[1]
    );
    fixture.record(ResultRow::with_load(fault, "0 GET, 0 POST", &report).with_observed(observed));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    assert!(
        drained.iter().all(|&seconds| seconds >= minimum),
        "{requests:?}"
    );
    assert_eq!(
        proxy_config(fixture)?,
        before,
        "the proxy's configuration differs after the run"
    );
    Ok(())
}

fn proxy_config(fixture: &Fixture) -> Result<String> {
    fixture
        .proxy_host()
        .shell("cat /etc/randoms/edge/nginx.conf")
}

/// Control: restarts all instances by hand; expects no drained host.
pub(crate) fn restarts_by_hand_drain_no_host(fixture: &Fixture) -> Result<()> {
    let load = fixture.load()?;
    for host in ["node1", "node2"] {
        let restart = ["systemctl", "restart", "randoms-spread@*.service"];
        fixture.lab.host(host)?.run(&restart)?;
    }
    load.finish()?;
    let requests = requests_per_second(fixture)?;
    assert_eq!(
        HOSTS.map(|host| drained_seconds(&requests, host)),
        [0, 0],
        "{requests:?}"
    );
    Ok(())
}

/// Number of seconds in which only the other host received requests.
fn drained_seconds(requests: &RequestsPerSecond, host: &str) -> usize {
    let index = usize::from(host == HOSTS[1]);
    requests
        .values()
        .filter(|counts| counts[index] == 0 && counts[1 - index] >= MIN_REQUESTS)
        .count()
}

fn requests_per_second(fixture: &Fixture) -> Result<RequestsPerSecond> {
    // The proxy writes its log buffer before it reopens the log.
    fixture
        .proxy_host()
        .shell("systemctl kill --kill-whom=main --signal=USR1 randoms-edge")?;
    let log = fixture
        .proxy_host()
        .shell("cat /var/log/randoms/edge/access.log")?;
    let mut requests = RequestsPerSecond::new();
    for line in log.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).map_err(|_| Error::Invalid {
            what: "invalid line of the access log".to_owned(),
            text: line.to_owned(),
        })?;
        let (time, upstream) = (entry["time"].to_string(), entry["upstream"].to_string());
        let counts = requests.entry(time).or_default();
        for (index, host) in HOSTS.iter().enumerate() {
            counts[index] += u32::from(upstream.contains(host));
        }
    }
    Ok(requests)
}
