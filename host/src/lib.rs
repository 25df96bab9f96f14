//! genconf-host: the program of genconf on the hosts.

mod clock;
pub mod command;
mod health_check;
mod monitor;
mod systemd;
