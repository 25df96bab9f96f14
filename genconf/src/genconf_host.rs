//! Entry point of the program on the hosts.

use std::process::ExitCode;

fn main() -> ExitCode {
    host::command::main()
}
