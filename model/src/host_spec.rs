//! What the program on one host needs to know.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::monitor_spec::Monitor;
use crate::{Endpoint, StatusRanges};

/// The format that this version of genconf writes and reads. It changes when an older program would
/// misread a newer file.
pub const FORMAT: u32 = 2;

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
    /// The target unit of the project.
    pub target: String,
    /// The slice of the project's services.
    pub slice: String,
    /// Directories and files of the project on this host.
    pub paths: Paths,
    /// Apps with instances on this host.
    pub apps: Vec<App>,
    /// Pools on this host, in the order in which their instances restart.
    pub pools: Vec<Pool>,
    /// Proxies on this host.
    pub proxies: Vec<Proxy>,
    /// Units to enable that are neither instances nor proxies: timers, path units, and the monitor.
    pub triggers: Vec<String>,
    /// Rendered files to install, by destination.
    pub files: Vec<SpecFile>,
    /// Programs that the host needs.
    pub requirements: Vec<Requirement>,
    /// The monitor of this host, if anything on it is probed.
    pub monitor: Option<Monitor>,
    /// Hosts whose proxies route to this host and can use another one instead.
    pub proxy_hosts: Vec<String>,
}

/// Directories and files of a project on a host.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// This file.
    pub spec: PathBuf,
    /// Directory of the configuration.
    pub configuration: PathBuf,
    /// Directory of the apps, each with its releases.
    pub apps: PathBuf,
    /// Directory of uploaded artifacts, on the same file system as the releases.
    pub uploads: PathBuf,
    /// Directory of the logs of proxies.
    pub logs: PathBuf,
    /// Directory of state that a reboot keeps.
    pub state: PathBuf,
    /// Directory of state that a reboot removes: locks, and what a run has not finished.
    pub runtime: PathBuf,
    /// genconf-host of this project.
    pub program: PathBuf,
}

/// A program, and how it runs.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Name of the app.
    pub name: String,
    /// Directory with its releases.
    pub directory: PathBuf,
    /// What is deployed.
    pub artifact: Artifact,
    /// Its file of environment variables, if it has one.
    pub env_file: Option<EnvFile>,
    /// The file that is deployed when it changes, in watch mode.
    pub watched_file: Option<PathBuf>,
    /// Time from SIGTERM to SIGKILL, in milliseconds.
    pub stop_timeout_ms: u64,
    /// Time that an instance has to become healthy, in milliseconds.
    pub ready_timeout_ms: u64,
}

/// What is deployed of an app.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Path on the controller, relative to the topology.
    pub source: String,
    /// Command that builds it, if the topology has one.
    pub build: Option<String>,
    /// Path of the executable in a release: what the artifact is renamed to or, for an archive, what
    /// it contains.
    pub executable: String,
    /// Its type.
    pub kind: ArtifactKind,
}

/// The type of an artifact.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum ArtifactKind {
    /// One executable file.
    File,
    /// An archive to unpack.
    Archive,
    /// An archive of a container image with this name and tag.
    Image(String),
}

/// A file of environment variables, which is copied as it is and read by systemd.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EnvFile {
    /// Path on the controller, relative to the topology.
    pub source: String,
    /// Path on the host.
    pub destination: PathBuf,
}

/// An app on some ports of this host.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Name of the pool.
    pub name: String,
    /// Name of its app.
    pub app: String,
    /// Its target unit.
    pub target: String,
    /// Its ports.
    pub listeners: Vec<Listener>,
}

/// A port, or the path of a unix socket, and the services behind it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// Socket unit; `None` if the app binds the port.
    pub socket: Option<String>,
    /// Where it accepts connections.
    pub endpoint: Endpoint,
    /// Addresses to bind, if the app binds the port: all addresses or loopback.
    pub bind: Endpoint,
    /// The health check of its instances.
    pub check: HealthCheck,
    /// The services.
    pub services: Services,
}

/// The services behind a port.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Services {
    /// These units.
    Units(Vec<String>),
    /// One for each CPU that the host may use: `PREFIX1.service`, `PREFIX2.service`, …
    PerCpu {
        /// The name before the number.
        prefix: String,
    },
}

/// A proxy on this host.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// Name of the proxy.
    pub name: String,
    /// The program.
    pub engine: Engine,
    /// Service unit.
    pub unit: String,
    /// Socket unit.
    pub socket: String,
    /// Path of its configuration.
    pub configuration: PathBuf,
    /// File with kernel settings to apply (sysctl.d(5)), if it has one.
    pub kernel_settings: Option<PathBuf>,
    /// Where its status page is.
    pub status_endpoint: Endpoint,
    /// The request for its status page.
    pub status_check: HealthCheck,
    /// Certificate and key, with TLS.
    pub tls: Option<TlsFiles>,
    /// The servers that it sends requests to, on all hosts.
    pub servers: Vec<Server>,
    /// Directories that its unit creates: runtime, cache, and logs.
    pub directories: Vec<PathBuf>,
    /// Directory in which systemd passes the certificate to its service.
    pub credentials: PathBuf,
}

/// An instance that a proxy sends requests to.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where it accepts connections.
    pub endpoint: Endpoint,
    /// Its health check.
    pub check: HealthCheck,
}

/// Files of a proxy with TLS, which an administrator installs.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// The program of a proxy.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// nginx.
    Nginx,
    /// `HAProxy`.
    Haproxy,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
        })
    }
}

/// A rendered file to install on a host.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SpecFile {
    /// Path in the output directory.
    pub source: String,
    /// Path on the host.
    pub destination: PathBuf,
}

/// Programs of which the host needs one.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Files, one of which must exist.
    pub any_of: Vec<PathBuf>,
    /// Debian packages that provide the first one.
    pub packages: Vec<String>,
    /// Services of these packages that must not start.
    pub masked: Vec<String>,
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

    /// The app named `name`.
    #[must_use]
    pub fn app(&self, name: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.name == name)
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
            message.contains("format 7") && message.contains("format 2"),
            "{message}"
        );
    }

    #[test]
    fn an_unknown_field_is_an_error_with_its_position() {
        let text = r#"{"format": 2, "project": "a", "extra": 1}"#;
        let message = HostSpec::from_json(text).unwrap_err().to_string();
        assert!(
            message.contains("extra") && message.contains("line 1"),
            "{message}"
        );
    }
}
