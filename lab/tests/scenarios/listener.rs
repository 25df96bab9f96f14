//! Changes of a proxy's listeners: systemd must close and open sockets.

use std::path::Path;

use lab::{Result, command};

use crate::fixture::{Fixture, wait_active};
use crate::response::Expect;
use crate::results::ResultRow;

/// A topology, a URL that responds under it, and a port that must be closed.
struct Listener<'t> {
    topology: &'t str,
    url: &'static str,
    closed: Option<u16>,
}

/// Changes the proxy's port and reverts the change; expects the new port open and the old closed.
pub(crate) fn a_changed_port_is_opened(fixture: &Fixture) -> Result<()> {
    let topology = fixture.system.topology;
    let changed = topology.replace("    routes:", "    listen: 8181\n    routes:");
    let listeners = [
        Listener {
            topology: &changed,
            url: "http://192.168.56.11:8181/api/randoms?cant=1000",
            closed: Some(80),
        },
        Listener {
            topology,
            url: "http://192.168.56.11/api/randoms?cant=1000",
            closed: Some(8181),
        },
    ];
    all_open(fixture, &listeners, "change of the proxy's port, and back")
}

/// Installs a plain HTTP listener, then adds TLS: one socket becomes two. Expects both open.
pub(crate) fn tls_is_added_to_a_listener(fixture: &Fixture) -> Result<()> {
    let topology = fixture.system.topology;
    let is_kept = |line: &&str| {
        !["tls:", "certificate:", "key:", "hsts:"]
            .iter()
            .any(|key| line.trim().starts_with(key))
    };
    let plain: String = topology.split_inclusive('\n').filter(is_kept).collect();
    let listeners = [
        Listener {
            topology: &plain,
            url: "http://randoms.example.org/api/randoms?cant=1000",
            closed: Some(443),
        },
        Listener {
            topology,
            url: "https://randoms.example.org/api/randoms?cant=1000",
            closed: None,
        },
    ];
    all_open(fixture, &listeners, "TLS added to the proxy's listener")
}

fn all_open(fixture: &Fixture, listeners: &[Listener<'_>], fault: &str) -> Result<()> {
    for listener in listeners {
        opens(fixture, listener)?;
    }
    let allowed = "closed briefly";
    let observed = "the new port responds, the old one is closed, a second run changes nothing";
    fixture.record(ResultRow::without_load(fault, allowed, observed.to_owned()));
    Ok(())
}

fn opens(fixture: &Fixture, listener: &Listener<'_>) -> Result<()> {
    fixture.project.render(listener.topology)?;
    let run = fixture.run_playbook("site.yml", &[])?.success()?;
    assert_ne!(run.count("node1", "changed")?, 0, "nothing was changed");
    let response = fixture.get(listener.url)?;
    let url = listener.url;
    assert_eq!(
        response.missing(&Expect::Tally),
        None,
        "{url}: {response:?}"
    );
    if let Some(port) = listener.closed {
        assert_closed(fixture, port)?;
    }
    wait_active(fixture.proxy_host(), &fixture.units)?;
    let again = fixture.run_playbook("site.yml", &[])?.success()?;
    assert_eq!(again.count("node1", "changed")?, 0, "{}", again.output());
    Ok(())
}

/// No process listens on the port, and a client's connection is refused.
fn assert_closed(fixture: &Fixture, port: u16) -> Result<()> {
    let host = fixture.proxy_host();
    let sockets = format!("ss -Hltn 'sport = :{port}'");
    assert_eq!(host.shell(&sockets)?, "", "{port} is still open");
    let mut curl = fixture.lab.controller().command(Path::new("curl"));
    let url = format!("http://{}:{port}/", host.address());
    let output = command::capture(curl.args(["--silent", "--max-time", "5", &url]))?;
    // 7: the connection was refused (curl(1)).
    assert_eq!(output.code, Some(7), "{}", output.output());
    Ok(())
}
