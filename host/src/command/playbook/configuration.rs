//! The files of a run, from their upload to their installation.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use model::HostSpec;
use serde::{Deserialize, Serialize};

use super::super::site::Site;
use super::lock::{lacks, prepare_uploads, runtime};
use super::request::{Artifacts, Configuration, Mode, Reply};
use super::{install, renew};
use crate::deploy::Which;
use crate::files;
use crate::lock::Run;

/// Variables that the unit of each instance sets; an environment file would override them.
const RESERVED_PREFIX: &str = "GENCONF_";

/// The request to keep a configuration until it is applied.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stage {
    pub(super) run: Run,
    #[serde(default)]
    pub(super) mode: Mode,
    /// SHA-256 of the configuration, as the controller has computed it.
    pub(super) digest: String,
    pub(super) configuration: Configuration,
    #[serde(default)]
    pub(super) artifacts: Artifacts,
}

/// A configuration that waits for the turn of its host.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Staged {
    run: String,
    pub(super) digest: String,
    pub(super) configuration: Configuration,
}

/// The configuration whose files a host has.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Applied {
    pub(super) configuration: String,
}

impl Stage {
    pub(super) async fn execute(self) -> Result<Reply, String> {
        let spec =
            HostSpec::from_json(&self.configuration.spec).map_err(|e| format!("spec.json: {e}"))?;
        let site = Site::new(spec);
        self.configuration.check()?;
        let mut reply = Reply {
            lacks: lacks(&site, &self.artifacts, Which::FirstReleases)?,
            ..Reply::default()
        };
        reply.lacks.apply = self.mode == Mode::Apply;
        if self.mode == Mode::Check {
            install::preview(&site, &self.configuration, &mut reply).await?;
            return Ok(reply);
        }
        let turn = site.turn().await?;
        renew(&turn, &site, &self.run)?;
        if !reply.lacks.artifacts.is_empty() {
            prepare_uploads(&site)?;
        }
        Staged {
            run: self.run.id(),
            digest: self.digest,
            configuration: self.configuration,
        }
        .write(&site.runtime())?;
        Ok(reply)
    }
}

impl Configuration {
    /// Fails if a file of environment variables sets one that the unit sets.
    fn check(&self) -> Result<(), String> {
        for (path, text) in &self.env_files {
            for (line, number) in text.lines().zip(1..) {
                let line = line.trim_start();
                let line = line.strip_prefix("export ").unwrap_or(line);
                let name = line.split_once('=').map_or("", |(name, _)| name.trim_end());
                if name == "PORT" || name.starts_with(RESERVED_PREFIX) {
                    return Err(format!(
                        "line {number} of the env_file for {} sets {name}; remove that line (`ports` in the \
                         topology sets PORT)",
                        path.display()
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Staged {
    fn path(runtime: &Path) -> PathBuf {
        runtime.join("configuration.json")
    }

    /// Readable by root only: it contains environment files.
    fn write(&self, runtime: &Path) -> Result<(), String> {
        let text = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        let path = Self::path(runtime);
        files::write_runtime(&path, &text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// The configuration that this run has staged.
    pub(super) fn read(runtime: &Path, run: &Run) -> Result<Option<Self>, String> {
        let path = Self::path(runtime);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        let staged: Self =
            serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok((staged.run == run.id()).then_some(staged))
    }

    /// The project as the run describes it: by the configuration that it has staged, or as it is installed.
    pub(super) fn site_of(project: &str, run: &Run) -> Result<Site, String> {
        match Self::read(&runtime(project), run)? {
            Some(staged) => staged.site(),
            None => Site::installed(project),
        }
    }

    /// Removes the configuration of any run.
    pub(super) fn remove(runtime: &Path) -> Result<(), String> {
        let path = Self::path(runtime);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(format!("{}: {error}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// The project that the configuration describes.
    pub(super) fn site(&self) -> Result<Site, String> {
        let spec =
            HostSpec::from_json(&self.configuration.spec).map_err(|e| format!("spec.json: {e}"))?;
        Ok(Site::new(spec))
    }
}

impl Applied {
    /// `None` if nothing has been applied yet.
    pub(super) fn read(state: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(state.join("applied.json")).ok()?).ok()
    }

    pub(super) fn write(&self, state: &Path) -> Result<(), String> {
        let text = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        let path = state.join("applied.json");
        files::write_state(&path, &text).map_err(|error| format!("{}: {error}", path.display()))
    }
}
