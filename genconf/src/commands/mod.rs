//! Commands: they read files, run programs, and print. Rules and formats are in other modules.

pub mod check;
pub mod diff;
pub mod exit;
pub mod explain;
pub mod graph;
pub mod import;
pub mod init;
pub mod options;
pub mod plan;
pub mod render;
pub mod schema;
pub mod status;
pub mod streams;
pub mod verify;

mod ansible;
mod changes;
mod comparison;
mod evaluation;
mod host_plan;
mod input;
mod key_reference;
mod offline_plan;
mod queried_plan;
mod rendered_state;
mod scaffold;
mod scratch;
mod tool_version;
mod trace;
