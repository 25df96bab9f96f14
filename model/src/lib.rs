//! The types that genconf and the program on the hosts share.
//!
//! genconf renders one [`HostSpec`] for each host, as `hosts/HOST.json`; `genconf-host` reads it there.
//! Neither derives a name, a path, or an address that the other has determined.

mod endpoint;
mod host_spec;
mod monitor_spec;
mod monitor_status;
mod status_ranges;

pub use endpoint::Endpoint;
pub use host_spec::{
    App, Artifact, ArtifactKind, Engine, EnvFile, FORMAT, HealthCheck, HostSpec, Listener, Paths,
    Pool, Proxy, ReadError, Requirement, Services, SpecFile, TlsFiles,
};
pub use monitor_spec::{Instance, Monitor, Probe, ProbedPool};
pub use monitor_status::{InstanceStatus, PoolStatus};
pub use status_ranges::{StatusRange, StatusRanges};
