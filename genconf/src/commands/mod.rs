//! The commands: they read files, run programs and talk; they hold no rule
//! and no format of their own.

pub mod explain;
pub mod generate;
pub mod schema;
pub mod verify;

mod input;
