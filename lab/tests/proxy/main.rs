//! What a client sees of the rendered proxies, in front of real applications.
//!
//! [`cases::TABLE`] is the table: each case has a setup (a topology, and the application behind its
//! proxy) and a check. Each runs on both engines, from the rendered files, as a real process in a
//! network and mount namespace, where addresses and paths are the rendered ones. A word on the
//! command line selects the cases whose name, or engine, contains it.

mod apps;
mod cases;
mod client;
mod failure;
mod fixture;
mod http;
mod proxy;
mod runner;
mod table;
mod topology;
mod unit;
mod websocket;

use std::process::ExitCode;

/// First argument of this program when it stands in for `genconf`.
const GENCONF: &str = "--genconf";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((first, rest)) if first == fixture::ARGUMENT => fixture::run(rest),
        Some((first, _)) if first == GENCONF => genconf::cli::main(std::env::args_os().skip(1)),
        _ => runner::Runner::new(&words).run(),
    }
}
