//! Booted systemd hosts on one machine, for tests.
//!
//! A [`Lab`] is an isolated network with one booted Debian per host, reached over SSH.
//! It changes network namespaces, control groups, mounts under [`runtime_directory::ROOT`], and
//! the image cache, and nothing else on the machine. Tests boot a lab, inject a fault, and count
//! with [`load`] the requests that fail.

pub mod cgroup;
pub mod command;
pub mod container_engine;
pub mod controller;
pub mod digest;
pub mod error;
pub mod host;
pub mod idle_cgroup;
pub mod image;
pub mod lab;
pub mod load;
pub mod load_run;
pub mod network;
pub mod playbook;
pub mod prerequisites;
pub mod process;
pub mod project_directory;
pub mod runtime_directory;
pub mod ssh_key;
pub mod suite;
pub mod topology;
pub mod wait;

pub use container_engine::ContainerEngine;
pub use controller::Controller;
pub use error::{Error, Result};
pub use host::Host;
pub use idle_cgroup::IdleCgroup;
pub use image::Image;
pub use lab::{HostSettings, Lab};
pub use load_run::LoadRun;
pub use playbook::PlaybookRun;
pub use project_directory::ProjectDirectory;
pub use suite::Suite;
