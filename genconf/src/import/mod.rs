//! Converts configuration of PM2, nginx, and Procfiles to a topology.
//!
//! Each parser builds a [`draft::TopologyDraft`] from values that the types of `topology` accept, and
//! `topology_yaml` prints it. Settings that are adjusted or skipped are reported as [`Finding`]s.

mod archive;
mod background;
mod bind_address;
pub mod draft;
mod listen_address;
mod naming;
pub mod nginx;
pub mod pm2;
mod port_argument;
mod ports;
pub mod procfile;
mod program;
mod report;
mod reserved_variable;
mod secret;
mod shell_command;
mod shell_split;
mod topology_yaml;
mod yaml_scalar;

pub use shell_split::quoted as shell_quoted;
pub use yaml_scalar::escape_controls;

use crate::source::Position;
use draft::TopologyDraft;
pub use report::{Finding, Outcome};

/// Options of an import that the file does not contain.
#[derive(Clone, Debug)]
pub struct Options {
    /// CPUs of the host, for `instances: max`.
    pub cpus: u16,
    /// PM2 environment: the suffix of the `env_NAME` that overrides `env`.
    pub environment: String,
}

/// A file that cannot be imported.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ImportError {
    /// The file with the error, if it differs from the imported one.
    pub file: Option<String>,
    /// Position of the error, if known.
    pub position: Option<Position>,
    /// The error and how to fix it.
    pub message: String,
}

impl ImportError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            file: None,
            position: None,
            message: message.into(),
        }
    }

    fn at(self, position: Position) -> Self {
        Self {
            position: Some(position),
            ..self
        }
    }

    /// The error message with its location. `file` is the imported file.
    #[must_use]
    pub fn line(&self, file: &str) -> String {
        let location = location(self.file.as_deref().unwrap_or(file), self.position);
        yaml_scalar::escape_controls(&format!("{location}: {}", self.message))
    }
}

fn location(file: &str, position: Option<Position>) -> String {
    match position {
        Some(Position { line, column }) => format!("{file}:{line}:{column}"),
        None => file.to_owned(),
    }
}

/// An imported topology with its findings.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The topology as YAML.
    pub topology: String,
    /// Entries of the file that the topology contains: PM2 apps, processes of a Procfile, or servers,
    /// locations, and upstreams of nginx.
    pub entries: usize,
    /// Adjusted and skipped settings, in the order of the file, without duplicates.
    pub findings: Vec<Finding>,
}

impl Imported {
    fn new(draft: &TopologyDraft, entries: usize, findings: Vec<Finding>) -> Self {
        Self {
            topology: topology_yaml::print(draft),
            entries,
            findings: report::deduplicated(findings),
        }
    }
}
