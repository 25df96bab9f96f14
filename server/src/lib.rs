//! A random-number HTTP service in fork and cluster layouts.
//!
//! | module | contents |
//! |---|---|
//! | [`settings`] | flags, environment variables, and `.env` |
//! | [`draws`] | the tally of N draws, without side effects |
//! | `routes` | the HTTP routes |
//! | `serve` | the accept loop and the drain |
//! | `connection` | the open connections and their timeouts |
//! | `process` | a process that serves requests |
//! | `cluster` | the supervisor process and its workers |
//! | `listener`, `notify`, `log` | listening socket, `sd_notify(3)`, standard output |

mod app;
mod binomial;
mod cluster;
mod connection;
pub mod draws;
mod identity;
mod listener;
mod log;
mod metrics;
mod notify;
mod process;
mod routes;
mod serve;
pub mod settings;
mod watchdog;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use log::Log;
use settings::{Flags, Mode, Settings};

/// Exit status of a usage error: a wrong flag, variable, or `.env` (`sysexits.h`).
const USAGE: u8 = 64;

/// Runs the server with the flags of the command line, and returns its exit status.
#[must_use]
pub fn run() -> ExitCode {
    let flags = match Flags::try_parse() {
        Ok(flags) => flags,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                USAGE.into()
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let settings = match Settings::load(&flags) {
        Ok(settings) => settings,
        Err(errors) => {
            for error in errors {
                print_error(&error);
            }
            return USAGE.into();
        }
    };
    let log = Log::start(settings.log);
    let result = serve(&settings, &log);
    log.close(process::LOG_FLUSH_TIMEOUT);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&error);
            ExitCode::FAILURE
        }
    }
}

fn serve(settings: &Settings, log: &Log) -> io::Result<()> {
    if let Some(worker) = cluster::WorkerParameters::from_environment() {
        return worker.serve(settings, log.clone());
    }
    match settings.mode {
        Mode::Fork => process::run_single(settings, log.clone()),
        Mode::Cluster => cluster::run(settings, log),
    }
}

fn print_error(error: &dyn std::fmt::Display) {
    // Fails if standard error is closed.
    let _ = writeln!(io::stderr(), "randoms: {error}");
}
