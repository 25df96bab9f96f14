//! Starts transient units with systemd-run(1).

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::systemd::{Error, Transient};

/// Limit for systemd-run, which waits until the unit has started.
const TIMEOUT: Duration = Duration::from_mins(10);

/// Starts a unit, and waits until it has started. The error carries what systemd-run printed.
pub(super) async fn start(unit: &Transient) -> Result<(), Error> {
    let failed = |reason: String| Error {
        request: format!("systemd-run {}", unit.unit),
        reason,
    };
    let output = Command::new("systemd-run")
        .arg("--quiet")
        .arg(format!("--unit={}", unit.unit))
        .args(&unit.options)
        .args(&unit.command)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match tokio::time::timeout(TIMEOUT, output).await {
        Ok(output) => output.map_err(|error| failed(error.to_string()))?,
        Err(_) => {
            return Err(failed(format!(
                "not started within {} s",
                TIMEOUT.as_secs()
            )));
        }
    };
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(failed(if stderr.is_empty() {
        output.status.to_string()
    } else {
        stderr
    }))
}
