//! Command line of genconf-host.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use model::HostSpec;

use crate::monitor;

/// The program of genconf on the hosts.
#[derive(Debug, Parser)]
#[command(name = "genconf-host", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the health of instances, and restart those that fail twice in a row
    ///
    /// Runs until it is stopped. systemd starts it: see the unit PROJECT-monitor.service.
    Monitor {
        /// Desired state of this host (/etc/PROJECT/spec.json)
        spec: PathBuf,
    },
}

/// Runs genconf-host with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let Command::Monitor { spec } = Arguments::parse().command;
    match read(&spec).and_then(|spec| run_monitor(&spec)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Nothing is left to do if standard error is closed.
            let _ = writeln!(std::io::stderr(), "error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn read(path: &Path) -> Result<HostSpec, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    HostSpec::from_json(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// On one thread: the checks wait for the network most of the time.
fn run_monitor(spec: &HostSpec) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(monitor::run(spec))
}
