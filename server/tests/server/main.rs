//! The server as a user meets it: real processes, real sockets, ephemeral
//! ports. States are waited for, never times.

#![expect(clippy::print_stderr, reason = "a run prints the figures it found")]

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
