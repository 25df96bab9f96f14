//! `hosts/HOST.json` describes what is rendered for the host.

mod files;
mod fixture;
mod units;
mod values;
