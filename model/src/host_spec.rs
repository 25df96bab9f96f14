//! What the program on one host needs to know.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Endpoint, StatusRanges};

/// The format that this version of genconf writes and reads. It changes when an older program would
/// misread a newer file.
pub const FORMAT: u32 = 1;

/// The desired state of one host: `hosts/HOST.json` in the output directory.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HostSpec {
    /// [`FORMAT`] of the file.
    pub format: u32,
    /// Project name.
    pub project: String,
    /// Name of the host.
    pub host: String,
    /// The monitor of this host, if anything on it is probed.
    pub monitor: Option<Monitor>,
}

/// What the monitor of a host does.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Monitor {
    /// Its service unit.
    pub unit: String,
    /// Directory of its status files (`RuntimeDirectory=`): `POOL.json` for each pool.
    pub runtime_directory: String,
    /// Pools whose instances it probes.
    pub pools: Vec<ProbedPool>,
}

/// A pool whose app has no systemd watchdog.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProbedPool {
    /// Name of the pool.
    pub name: String,
    /// Its health check.
    pub probe: Probe,
    /// Its instances on this host.
    pub instances: Vec<Instance>,
}

/// A health check, and when it runs.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// The request and the status of a healthy response.
    pub check: HealthCheck,
    /// Time limit of one check, in milliseconds.
    pub timeout_ms: u64,
    /// Time from the end of one check to the start of the next, in milliseconds.
    pub interval_ms: u64,
    /// Time that an instance has from its start to its first successful check, in milliseconds.
    pub ready_timeout_ms: u64,
}

/// A GET request, and which response is healthy. Redirects are not followed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// Path and query of the request.
    pub path: String,
    /// Host header.
    pub host: String,
    /// Status codes of a healthy response.
    pub status: StatusRanges,
}

/// An instance of a pool.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// Its service unit.
    pub unit: String,
    /// The socket unit that systemd passes to it; `None` if the app binds its port.
    pub socket: Option<String>,
    /// Where it accepts connections.
    pub endpoint: Endpoint,
}

/// Why a file is not a [`HostSpec`].
#[derive(Debug)]
pub enum ReadError {
    /// The file has another format.
    Format {
        /// Format of the file.
        found: u32,
    },
    /// Invalid JSON, or fields of another type.
    Json(serde_json::Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format { found } => write!(
                f,
                "the file has format {found} and this genconf-host reads format {FORMAT}; \
                 install the genconf-host of the genconf that rendered the file"
            ),
            Self::Json(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ReadError {}

impl HostSpec {
    /// Reads a rendered file.
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        #[derive(Deserialize)]
        struct Header {
            format: u32,
        }
        // First: a file of another format may have other fields.
        let header: Header = serde_json::from_str(text).map_err(ReadError::Json)?;
        if header.format != FORMAT {
            return Err(ReadError::Format {
                found: header.format,
            });
        }
        serde_json::from_str(text).map_err(ReadError::Json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_format_is_an_error_with_both_formats() {
        let error = HostSpec::from_json(r#"{"format": 7, "anything": []}"#).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("format 7") && message.contains("format 1"),
            "{message}"
        );
    }

    #[test]
    fn an_unknown_field_is_an_error_with_its_position() {
        let text = r#"{"format": 1, "project": "a", "host": "b", "monitor": null, "extra": 1}"#;
        let message = HostSpec::from_json(text).unwrap_err().to_string();
        assert!(
            message.contains("extra") && message.contains("line 1"),
            "{message}"
        );
    }
}
