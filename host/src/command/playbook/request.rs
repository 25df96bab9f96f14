//! Requests of playbooks and the replies to them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::apply::Apply;
use super::configuration::Stage;
use super::lock::Lock;
use crate::lock::Run;
use crate::plan::Move;

/// One step of a playbook on this host.
#[derive(Debug, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Request {
    /// Lock the host for a run, and report what it lacks.
    Lock(Lock),
    /// Keep the files to install until `Apply`, and report what the host lacks for them.
    Stage(Stage),
    /// Make releases of uploaded artifacts.
    Admit {
        run: Run,
        artifacts: Artifacts,
        /// Path of the uploaded file by app.
        uploaded: BTreeMap<String, PathBuf>,
    },
    /// Apply a part of the desired state.
    Apply(Apply),
    /// Restore the files from before the run.
    Restore { run: Run },
    /// Move to the releases of artifacts.
    Deploy {
        run: Run,
        #[serde(default)]
        mode: Mode,
        artifacts: Artifacts,
        #[serde(default)]
        timing: Timing,
    },
    /// Lock the host, and report the releases that a rollback would return to.
    Select {
        run: Run,
        #[serde(default)]
        mode: Mode,
        #[serde(default)]
        release: String,
        #[serde(default)]
        apps: Vec<String>,
    },
    /// Move to releases that are on this host.
    Rollback {
        run: Run,
        #[serde(default)]
        mode: Mode,
        releases: BTreeMap<String, String>,
        #[serde(default)]
        timing: Timing,
    },
    /// Undo what the run has changed.
    Undo { run: Run },
    /// Check every instance that the run has started.
    Verify { run: Run },
    /// End the run on this host, and unlock it.
    Confirm {
        run: Run,
        #[serde(default)]
        watch_s: f64,
    },
    /// Unlock the host.
    Unlock { run: Run },
    /// Take hosts out of rotation on the proxies of this host, and return all others.
    Rotate {
        #[serde(default)]
        mode: Mode,
        /// The hosts to take out.
        #[serde(default)]
        out: Vec<String>,
    },
    /// Report the state of every instance. With braces: serde ignores unknown fields of a unit variant.
    Status {},
}

/// Whether a step changes the host.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    /// It does.
    #[default]
    Apply,
    /// It reports what it would change.
    Check,
}

/// A part of the desired state. The parts of a run follow one another on all hosts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    /// Files and instances.
    Instances,
    /// The end of the time in which the previous files can be restored.
    Files,
    /// Proxies.
    Proxies,
    /// What is unmanaged now.
    Removal,
}

/// Artifacts by app.
pub(super) type Artifacts = BTreeMap<String, Artifact>;

/// An artifact on the controller.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Artifact {
    /// SHA-256 in hexadecimal; empty if the file does not exist.
    pub(super) sha256: String,
    /// Size.
    #[serde(default)]
    pub(super) bytes: u64,
}

/// Times of a deploy, in seconds.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Timing {
    /// For which the first instance runs before the next one restarts.
    pub(super) observe_s: f64,
    /// After which the host undoes the deploy unless it is confirmed; 0 for never.
    pub(super) confirm_s: f64,
}

/// The files to install on a host.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Configuration {
    /// The spec of the host, as it is rendered.
    pub(super) spec: String,
    /// Contents of the other files of the spec, by path on the host.
    pub(super) files: BTreeMap<PathBuf, String>,
    /// Contents of files of environment variables, by path on the host.
    pub(super) env_files: BTreeMap<PathBuf, String>,
}

/// The reply to a request.
#[derive(Debug, Default, Serialize)]
pub(super) struct Reply {
    /// Why the step failed; empty if it did not.
    pub(super) error: String,
    /// Whether the host changed or, in check mode, would change.
    pub(super) changed: bool,
    /// One line for each change.
    pub(super) log: Vec<String>,
    /// What an operator should know although nothing failed.
    pub(super) warnings: Vec<String>,
    /// Differences of files, in check mode.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) diff: String,
    /// What the host lacks.
    #[serde(flatten)]
    pub(super) lacks: Lacks,
    /// The releases of a rollback by app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) selected: Option<BTreeMap<String, SelectedRelease>>,
    /// Why there is no release to return to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nothing: Option<String>,
    /// Changes of releases.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) moves: Vec<Move>,
    /// Rows of `Status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rows: Option<Vec<crate::status::Row>>,
}

/// A change of the release of an app.
#[derive(Debug, Serialize)]
pub(super) struct SelectedRelease {
    /// The release that runs now.
    pub(super) from: Option<String>,
    /// The release to return to.
    pub(super) to: Option<String>,
}

/// What a host needs before it can be changed.
#[derive(Debug, Default, Serialize)]
pub(super) struct Lacks {
    /// Whether its genconf-host is another program than the controller's.
    pub(super) program: bool,
    /// Whether the files to install differ from those that it has.
    pub(super) configuration: bool,
    /// Apps whose artifacts it lacks.
    pub(super) artifacts: Vec<String>,
    /// The current release by app.
    pub(super) releases: BTreeMap<String, String>,
    /// The release that an app without one gets.
    pub(super) first_releases: BTreeMap<String, String>,
    /// Debian packages that it lacks.
    pub(super) packages: Vec<String>,
    /// Services of these packages that must not start.
    pub(super) masked: Vec<String>,
    /// Whether its instances, proxies, or unmanaged units are not as described.
    pub(super) apply: bool,
}

impl Reply {
    pub(super) fn failed(error: impl std::fmt::Display) -> Self {
        Self {
            error: error.to_string(),
            ..Self::default()
        }
    }
}
