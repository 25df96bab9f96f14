//! Installation of configuration files: all or none, with restore.

mod digest;
mod error;
#[cfg(test)]
mod faults;
mod file;
mod manifest;
mod ownership;
mod previous;
mod record;
mod root;
mod state;
#[cfg(test)]
mod tests;
mod transaction;

pub(crate) use self::{
    digest::digest_of_inputs,
    error::Error,
    file::{File, closed_directories, differing, repair_directories},
    ownership::{misleading_dropins, orphans, owner, remove},
    previous::Previous,
    record::{Modification, modified, record_of},
    root::Root,
    state::{digest_of_content, make_directories, replace, write_runtime, write_state},
    transaction::Transaction,
};

/// Directory of units, systemd.unit(5).
pub(crate) const UNITS: &str = "/etc/systemd/system";

/// Directory of logrotate(8).
pub(crate) const LOGROTATE: &str = "/etc/logrotate.d";

/// Directory of kernel settings, sysctl.d(5).
pub(crate) const SYSCTL: &str = "/etc/sysctl.d";

/// Directories in which all projects of a host have files. They are never removed.
const SHARED: [&str; 3] = [UNITS, LOGROTATE, SYSCTL];
