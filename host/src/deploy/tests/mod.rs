//! Tests of deploys, rollbacks, and what undoes them.

mod change;
mod checker;
mod confirmation;
pub(crate) mod fixture;
mod inputs;
mod interrupted_runs;
mod interruption;
pub(crate) mod processes;
mod restarts;
mod rollback;
pub(crate) mod spec;
mod two_apps;
mod undo;
mod unknown_processes;
mod unreachable;
mod watch;
