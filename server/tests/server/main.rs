//! Integration tests of the executable: processes and sockets on ephemeral ports.
//! The tests wait for states, not for fixed times.

#![expect(clippy::print_stderr, reason = "tests print their measurements")]

mod client;
mod cluster;
mod drain;
mod express;
mod grace;
mod http;
mod limits;
mod load;
mod paced;
mod process;
mod settings;
mod systemd;
