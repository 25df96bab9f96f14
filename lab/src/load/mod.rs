//! The load client: sends GET and POST requests on keepalive connections, limited in number and
//! time, and counts every request by its outcome.
//!
//! It runs in a lab's network (`ip netns exec NAME lab load …`) and prints a [`Report`] as JSON;
//! tests start it with [`crate::LoadRun`]. It retries nothing: each failure is counted.

mod client;
mod config;
mod connection;
mod failure;
mod histogram;
mod progress;
mod rate_limiter;
mod report;
mod response;

pub use client::run;
pub use config::{Expect, LoadConfig, Target};
pub use failure::Failure;
pub use histogram::Histogram;
pub use progress::Hold;
pub use report::{FailureEvent, MethodCount, Report};
