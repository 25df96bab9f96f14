//! What `status.yml` tells when a host is not as described.

use lab::Result;

use crate::row::Row;
use crate::stage::{Stage, wait_active};

const UNIT: &str = "/etc/systemd/system/randoms-spread@.service";

/// A closed socket, an edited file and a stopped instance are each told, and end it with an error.
pub(crate) fn drift_is_told(stage: &Stage) -> Result<()> {
    let host = stage.front();
    // Control: as described, it says so.
    stage.play("status.yml", &[])?.success()?;
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
            "sed 's/randoms-spread/randoms-stray/' /etc/systemd/system/randoms-spread.target > /etc/systemd/system/randoms-stray.target; systemctl daemon-reload; systemctl start randoms-stray.target",
            "systemctl stop randoms-stray.target; rm /etc/systemd/system/randoms-stray.target; systemctl daemon-reload",
            "randoms-stray.target",
        ),
    ];
    for (fault, cure, named) in faults {
        host.shell(fault)?;
        let told = stage.play("status.yml", &[])?;
        host.shell(cure)?;
        assert_ne!(told.code(), Some(0), "{}", told.said());
        assert!(told.said().contains(named), "{}", told.said());
    }
    wait_active(host, &stage.units)?;
    stage.play("status.yml", &[])?.success()?;
    stage.note(Row::fact(
        "drift: closed socket, edited file, stray unit",
        "named, exit ≠ 0",
        "each was".to_owned(),
    ));
    Ok(())
}
