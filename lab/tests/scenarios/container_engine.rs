//! Queries of a host's container engine.

use std::time::Duration;

use lab::wait::{self, Poll};
use lab::{Error, Host, Result};

use crate::fixture::RECOVERY;

/// Waits until the engine can run containers; the error contains the engine's message.
pub(crate) fn wait_engine_ready(host: &Host) -> Result<()> {
    let engine = engine(host)?;
    wait::until(&format!("{engine} ready"), RECOVERY, || {
        match host.capture(&[&engine, "info"]) {
            Ok(info) if info.code == Some(0) => Poll::Ready(()),
            Ok(info) => Poll::Pending(info.output()),
            Err(error) => Poll::Pending(error.to_string()),
        }
    })
    .map(drop)
}

/// The command of the host's engine, by the same preference as in genconf.
pub(crate) fn engine(host: &Host) -> Result<String> {
    let found = host.shell("command -v podman || command -v docker")?;
    Ok(found.rsplit('/').next().unwrap_or_default().to_owned())
}

/// Names of the host's containers, each with its image.
pub(crate) fn containers(host: &Host) -> Result<Vec<String>> {
    let engine = engine(host)?;
    let listed = host.run(&[&engine, "ps", "--all", "--format", "{{.Names}} {{.Image}}"])?;
    let mut names: Vec<String> = listed.lines().map(str::to_owned).collect();
    names.sort_unstable();
    Ok(names)
}

/// ID of the container's init process of `unit`, in the host's PID namespace.
pub(crate) fn inner_pid(host: &Host, unit: &str) -> Result<u32> {
    let engine = engine(host)?;
    let name = unit.trim_end_matches(".service").replace('@', "-");
    let output = host.run(&[&engine, "inspect", "--format", "{{.State.Pid}}", &name])?;
    output.trim().parse().map_err(|_| Error::Invalid {
        what: format!("invalid process ID of {name}"),
        text: output,
    })
}

/// Waits until a health check of `port`, sent from the host itself, succeeds.
pub(crate) fn wait_healthy(host: &Host, port: u16) -> Result<Duration> {
    let line = format!(
        "python3 -c 'import urllib.request as web; \
         web.urlopen(\"http://127.0.0.1:{port}/health\", timeout=1)'"
    );
    let ((), took) = wait::until(&format!("healthy: port {port}"), RECOVERY, || {
        match host.capture(&["sh", "-c", &line]) {
            Ok(check) if check.code == Some(0) => Poll::Ready(()),
            Ok(check) => Poll::Pending(check.output()),
            Err(error) => Poll::Pending(error.to_string()),
        }
    })?;
    Ok(took)
}
