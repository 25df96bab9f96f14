//! What the container engine of a host says.

use std::time::Duration;

use lab::wait::{self, Seen};
use lab::{Error, Host, Result};

use crate::stage::RECOVERY;

/// Says why no container can run here, in the engine's own words.
pub(crate) fn engine_runs(host: &Host) -> Result<()> {
    let engine = engine(host)?;
    wait::until(&format!("{engine} ready"), RECOVERY, || {
        match host.finish(&[&engine, "info"]) {
            Ok(info) if info.code == Some(0) => Seen::Yes(()),
            Ok(info) => Seen::NotYet(info.said()),
            Err(error) => Seen::NotYet(error.to_string()),
        }
    })
    .map(drop)
}

/// The engine of the host: the one that genconf chooses.
pub(crate) fn engine(host: &Host) -> Result<String> {
    let found = host.shell("command -v podman || command -v docker")?;
    Ok(found.rsplit('/').next().unwrap_or_default().to_owned())
}

/// The containers of the host, with the image each of them runs.
pub(crate) fn containers(host: &Host) -> Result<Vec<String>> {
    let engine = engine(host)?;
    let listed = host.run(&[&engine, "ps", "--all", "--format", "{{.Names}} {{.Image}}"])?;
    let mut names: Vec<String> = listed.lines().map(str::to_owned).collect();
    names.sort_unstable();
    Ok(names)
}

/// The container's own process behind `unit`, as the host numbers it.
pub(crate) fn inner_pid(host: &Host, unit: &str) -> Result<u32> {
    let engine = engine(host)?;
    let name = unit.trim_end_matches(".service").replace('@', "-");
    let said = host.run(&[&engine, "inspect", "--format", "{{.State.Pid}}", &name])?;
    said.trim().parse().map_err(|_| Error::Unreadable {
        what: format!("the process of {name}"),
        text: said,
    })
}

/// Waits until `port` answers on the host itself.
pub(crate) fn wait_answering(host: &Host, port: u16) -> Result<Duration> {
    let line = format!(
        "python3 -c 'import urllib.request as web; \
         web.urlopen(\"http://127.0.0.1:{port}/health\", timeout=1)'"
    );
    let ((), took) = wait::until(&format!("{port} answering"), RECOVERY, || {
        match host.finish(&["sh", "-c", &line]) {
            Ok(asked) if asked.code == Some(0) => Seen::Yes(()),
            Ok(asked) => Seen::NotYet(asked.said()),
            Err(error) => Seen::NotYet(error.to_string()),
        }
    })?;
    Ok(took)
}
