//! Behavior tests of the rendered proxies in front of real applications.
//!
//! Each case in [`cases::TABLE`] has a setup (a topology, and the application behind its proxy) and
//! a check. It runs on both engines in network and mount namespaces, with the rendered addresses
//! and paths. An argument selects the cases whose name or engine contains it.

mod apps;
mod case;
mod cases;
mod client;
mod failure;
mod fixture;
mod http;
mod proxy;
mod runner;
mod topology;
mod unit_file;
mod websocket;

use std::process::ExitCode;

/// First argument of this program when it runs as `genconf`.
const GENCONF: &str = "--genconf";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((first, rest)) if first == fixture::ARGUMENT => fixture::run(rest),
        Some((first, _)) if first == GENCONF => genconf::cli::main(std::env::args_os().skip(1)),
        _ => runner::Runner::new(&arguments).run(),
    }
}
