//! The commands: they read files, run programs and talk; they hold no rule
//! and no format of their own.

pub mod explain;
pub mod generate;
pub mod graph;
pub mod import;
pub mod init;
pub mod man;
pub mod plan;
pub mod schema;
pub mod status;
pub mod verify;

mod beginning;
mod former;
mod host_plan;
mod input;
mod scratch;
mod trace;
mod version;
