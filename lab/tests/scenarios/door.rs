//! A proxy whose listening port changes: systemd has to bind its socket anew.

use std::path::Path;

use lab::{Result, command};

use crate::reply::Expect;
use crate::row::Row;
use crate::stage::{Stage, wait_active};

/// A topology, the address that answers under it, and the port that must not.
struct Door<'t> {
    topology: &'t str,
    url: &'static str,
    closed: Option<u16>,
}

/// To another port and back: the new door answers, the old one is closed.
pub(crate) fn a_moved_door_is_opened(stage: &Stage) -> Result<()> {
    let topology = stage.system.topology;
    let moved = topology.replace("    routes:", "    listen: 8181\n    routes:");
    let doors = [
        Door {
            topology: &moved,
            url: "http://192.168.56.11:8181/api/randoms?cant=1000",
            closed: Some(80),
        },
        Door {
            topology,
            url: "http://192.168.56.11/api/randoms?cant=1000",
            closed: Some(8181),
        },
    ];
    all_open(stage, &doors, "the proxy's port changes, and back")
}

/// A door that is plain at first, then encrypted: one socket becomes two.
pub(crate) fn a_door_is_encrypted_later(stage: &Stage) -> Result<()> {
    let topology = stage.system.topology;
    let keyed = |line: &&str| {
        !["tls:", "certificate:", "key:", "hsts:"]
            .iter()
            .any(|key| line.trim().starts_with(key))
    };
    let plain: String = topology.split_inclusive('\n').filter(keyed).collect();
    let doors = [
        Door {
            topology: &plain,
            url: "http://randoms.example.org/api/randoms?cant=1000",
            closed: Some(443),
        },
        Door {
            topology,
            url: "https://randoms.example.org/api/randoms?cant=1000",
            closed: None,
        },
    ];
    all_open(stage, &doors, "the proxy's door is encrypted later")
}

fn all_open(stage: &Stage, doors: &[Door<'_>], fault: &str) -> Result<()> {
    for door in doors {
        open(stage, door)?;
    }
    let allowed = "closed for a moment";
    let seen = "the new door answers, the old one is closed, a second run changes nothing";
    stage.note(Row::fact(fault, allowed, seen.to_owned()));
    Ok(())
}

fn open(stage: &Stage, door: &Door<'_>) -> Result<()> {
    stage.bundle.render(door.topology)?;
    let play = stage.play("site.yml", &[])?.success()?;
    assert_ne!(play.count("node1", "changed")?, 0, "nothing was changed");
    let reply = stage.ask(door.url)?;
    assert_eq!(reply.lacks(&Expect::Tally), None, "{}: {reply:?}", door.url);
    if let Some(port) = door.closed {
        assert_closed(stage, port)?;
    }
    wait_active(stage.front(), &stage.units)?;
    let again = stage.play("site.yml", &[])?.success()?;
    assert_eq!(again.count("node1", "changed")?, 0, "{}", again.said());
    Ok(())
}

/// Nobody holds the port, and a client sees so.
fn assert_closed(stage: &Stage, port: u16) -> Result<()> {
    let holders = format!("ss -Hltn 'sport = :{port}'");
    assert_eq!(stage.front().shell(&holders)?, "", "{port} is still open");
    let mut curl = stage.lab.controller().command(Path::new("curl"));
    let url = format!("http://{}:{port}/", stage.front().address());
    let said = command::finish(curl.args(["--silent", "--max-time", "5", &url]))?;
    // 7: the connection was refused, curl(1).
    assert_eq!(said.code, Some(7), "{}", said.said());
    Ok(())
}
