//! A random-number HTTP service in fork and cluster layouts.
//!
//! | room | what it is |
//! |---|---|
//! | [`settings`] | what the server was told |
//! | [`draws`] | the tally of N draws; pure |
//! | `routes` | what is answered |
//! | `serve` | the accept loop and its end |
//! | `connection` | the open connections and how long each waits |
//! | `process` | a process that serves |
//! | `master` | a process that keeps workers |
//! | `listener`, `notify`, `log` | socket, supervisor, standard output |

mod app;
mod binomial;
mod connection;
pub mod draws;
mod identity;
mod listener;
mod log;
mod master;
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

/// The command line, the environment or `.env` is wrong (`sysexits.h`).
const USAGE: u8 = 64;

/// Does what the command line says, until told to end.
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
        Err(faults) => {
            for fault in faults {
                complain(&fault);
            }
            return USAGE.into();
        }
    };
    let log = Log::start(settings.log);
    let outcome = serve(&settings, &log);
    log.close(process::LAST_LINES);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn serve(settings: &Settings, log: &Log) -> io::Result<()> {
    if let Some(worker) = master::Inheritance::from_environment() {
        return worker.serve(settings, log.clone());
    }
    match settings.mode {
        Mode::Fork => process::alone(settings, log.clone()),
        Mode::Cluster => master::run(settings, log),
    }
}

fn complain(what: &dyn std::fmt::Display) {
    // There is nobody left to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "randoms: {what}");
}
