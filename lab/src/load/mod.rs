//! The load client: keeps connections alive, mixes GET and POST, is bounded in
//! count and time, and accounts for every request it sent.
//!
//! It runs inside a lab's network (`ip netns exec NAME lab load …`) and prints
//! a [`Report`] as JSON; tests start it through [`crate::Loading`].
//! Nothing is retried: what a user would have seen fail is counted as failed.

mod answer;
mod client;
mod connection;
mod failure;
mod histogram;
mod pace;
mod plan;
mod report;

pub use client::run;
pub use failure::Failure;
pub use histogram::Histogram;
pub use pace::Hold;
pub use plan::{Expect, Plan, Target};
pub use report::{Count, Event, Report};
