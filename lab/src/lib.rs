//! Booted systemd hosts on one machine, for tests.
//!
//! A [`Lab`] is a network of its own with one booted Debian per host, reached
//! by real SSH as a real machine is. It may touch network namespaces, control
//! groups, mounts under [`state::ROOT`] and the image cache, and nothing else of the machine.
//! Tests take a lab, break something in it, and count with [`load`] what the
//! users of the service would have seen.

pub mod bundle;
pub mod cgroup;
pub mod command;
pub mod controller;
pub mod digest;
pub mod engine;
pub mod error;
pub mod host;
pub mod idle;
pub mod image;
pub mod key;
pub mod lab;
pub mod load;
pub mod loading;
pub mod network;
pub mod play;
pub mod process;
pub mod state;
pub mod suite;
pub mod tools;
pub mod topology;
pub mod wait;

pub use bundle::Bundle;
pub use controller::Controller;
pub use engine::Engine;
pub use error::{Error, Result};
pub use host::Host;
pub use idle::Idle;
pub use image::Image;
pub use lab::{HostPlan, Lab};
pub use loading::Loading;
pub use play::Play;
pub use suite::Suite;
