//! The `randoms` executable: everything is in the library, so that tests can
//! drive it.

use std::process::ExitCode;

fn main() -> ExitCode {
    randoms::run()
}
