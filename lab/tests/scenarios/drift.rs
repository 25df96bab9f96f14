//! Drift: the report of `status.yml` for a host that differs from the topology.

use lab::Result;

use crate::fixture::{Fixture, wait_active};
use crate::results::ResultRow;

const UNIT: &str = "/etc/systemd/system/randoms-spread@.service";

/// Closes a socket, modifies a file, and starts an unmanaged unit; expects an error that names it.
pub(crate) fn drift_is_reported(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    // Control: without drift it succeeds.
    fixture.run_playbook("status.yml", &[])?.success()?;
    let faults = [
        (
            "systemctl stop randoms-spread-port@8083.socket randoms-spread@8083.service",
            "systemctl start randoms-spread-port@8083.socket randoms-spread@8083.service",
            "randoms-spread-port@8083.socket",
        ),
        (
            "cp -p /etc/systemd/system/randoms-spread@.service /run/kept; echo '# by hand' >> /etc/systemd/system/randoms-spread@.service",
            "cp -p /run/kept /etc/systemd/system/randoms-spread@.service",
            UNIT,
        ),
        (
            "sed 's/randoms-spread/randoms-unmanaged/' /etc/systemd/system/randoms-spread.target > /etc/systemd/system/randoms-unmanaged.target; systemctl daemon-reload; systemctl start randoms-unmanaged.target",
            "systemctl stop randoms-unmanaged.target; rm /etc/systemd/system/randoms-unmanaged.target; systemctl daemon-reload",
            "randoms-unmanaged.target",
        ),
    ];
    for (fault, revert, named) in faults {
        host.shell(fault)?;
        let status = fixture.run_playbook("status.yml", &[])?;
        host.shell(revert)?;
        assert_ne!(status.code(), Some(0), "{}", status.output());
        assert!(status.output().contains(named), "{}", status.output());
    }
    wait_active(host, &fixture.units)?;
    fixture.run_playbook("status.yml", &[])?.success()?;
    fixture.record(ResultRow::without_load(
        "drift: closed socket, modified file, unmanaged unit",
        "reported, exit code ≠ 0",
        "each was reported".to_owned(),
    ));
    Ok(())
}

/// Removes genconf-host from a host; expects an error that names `site.yml`.
pub(crate) fn a_host_without_genconf_host_is_reported(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let program = format!(
        "/usr/local/lib/genconf/{}/genconf-host",
        fixture.system.project
    );
    host.run(&["mv", &program, "/run/kept"])?;
    for playbook in ["status.yml", "rollback.yml"] {
        let run = fixture.run_playbook(playbook, &[])?;
        assert_ne!(run.code(), Some(0), "{}", run.output());
        let expected = "genconf-host is not installed, or does not run on this host; run site.yml";
        assert!(run.output().contains(expected), "{}", run.output());
    }
    host.run(&["mv", "/run/kept", &program])?;
    fixture.run_playbook("status.yml", &[])?.success()?;
    fixture.record(ResultRow::without_load(
        "host without genconf-host: status and rollback",
        "reported, exit code ≠ 0",
        "both name site.yml".to_owned(),
    ));
    Ok(())
}
