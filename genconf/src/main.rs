//! The command line of genconf.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    genconf::cli::main(std::env::args_os())
}
