//! genconf-host: the program of genconf on the hosts.

mod clock;
pub mod command;
mod container;
mod deploy;
mod execution;
mod files;
mod health_check;
mod host;
mod listener;
mod lock;
mod monitor;
mod observation;
mod plan;
mod proxy;
mod records;
mod release;
mod rotation;
mod status;
mod systemd;
mod time_limit;
mod unfinished;
