//! Several hosts are rolled: the proxy sends nothing to the one whose turn it is.

use std::collections::BTreeMap;

use lab::{Error, Result};

use crate::deploy::variant;
use crate::row::Row;
use crate::stage::Stage;

/// Requests that each host got, by second of the proxy's log.
type Seconds = BTreeMap<String, [u32; 2]>;

const HOSTS: [&str; 2] = ["192.168.56.11", "192.168.56.12"];
/// Fewer in a second say nothing about who is left out.
const ENOUGH: u32 = 50;
/// The first instance of a host runs alone for five seconds.
const LEFT_OUT: usize = 3;

/// Each host in turn gets nothing for seconds, and nothing is lost.
pub(crate) fn a_host_is_bypassed_while_it_is_rolled(stage: &Stage) -> Result<()> {
    stage.put_artifact(&variant(stage, "bypassed"))?;
    bypassed(stage, ("deploy.yml", "deploy to two hosts"), LEFT_OUT)
}

/// The same where instances restart because a variable changed.
pub(crate) fn a_host_is_bypassed_while_its_environment_changes(stage: &Stage) -> Result<()> {
    let changed = stage.system.topology.replace(
        "health: /health }",
        "health: /health, env: { LAB: changed } }",
    );
    stage.bundle.render(&changed)?;
    bypassed(
        stage,
        ("site.yml", "change of the environment on two hosts"),
        1,
    )
}

fn bypassed(stage: &Stage, (playbook, fault): (&str, &str), at_least: usize) -> Result<()> {
    let before = front_config(stage)?;
    let load = stage.load()?;
    let play = stage.play(playbook, &[])?;
    let report = load.finish()?;
    play.success()?;
    let seconds = seconds(stage)?;
    let out = HOSTS.map(|host| alone(&seconds, host));
    let seen = format!("{} s without node1, {} s without node2", out[0], out[1]);
    stage.note(Row::loaded(fault, "0 GET, 0 POST", &report).with(seen));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    assert!(out.iter().all(|&out| out >= at_least), "{seconds:?}");
    assert_eq!(front_config(stage)?, before, "a mark was left behind");
    Ok(())
}

fn front_config(stage: &Stage) -> Result<String> {
    stage.front().shell("cat /etc/randoms/edge/nginx.conf")
}

/// Control: restarting every instance by hand leaves no host out.
pub(crate) fn without_a_playbook_no_host_is_bypassed(stage: &Stage) -> Result<()> {
    let load = stage.load()?;
    for host in ["node1", "node2"] {
        let words = ["systemctl", "restart", "randoms-spread@*.service"];
        stage.lab.host(host)?.run(&words)?;
    }
    load.finish()?;
    let seconds = seconds(stage)?;
    assert_eq!(
        HOSTS.map(|host| alone(&seconds, host)),
        [0, 0],
        "{seconds:?}"
    );
    Ok(())
}

/// Seconds in which the other host got everything.
fn alone(seconds: &Seconds, without: &str) -> usize {
    let place = usize::from(without == HOSTS[1]);
    seconds
        .values()
        .filter(|got| got[place] == 0 && got[1 - place] >= ENOUGH)
        .count()
}

fn seconds(stage: &Stage) -> Result<Seconds> {
    // The proxy writes what it has at least once a second, and all of it when it opens the log anew.
    stage
        .front()
        .shell("systemctl kill --kill-whom=main --signal=USR1 randoms-edge")?;
    let log = stage
        .front()
        .shell("cat /var/log/randoms/edge/access.log")?;
    let mut seconds = Seconds::new();
    for line in log.lines() {
        let entry: serde_json::Value =
            serde_json::from_str(line).map_err(|_| Error::Unreadable {
                what: "a line of the access log".to_owned(),
                text: line.to_owned(),
            })?;
        let (time, upstream) = (entry["time"].to_string(), entry["upstream"].to_string());
        let got = seconds.entry(time).or_default();
        for (place, host) in HOSTS.iter().enumerate() {
            got[place] += u32::from(upstream.contains(host));
        }
    }
    Ok(seconds)
}
