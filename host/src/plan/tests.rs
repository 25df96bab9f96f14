//! Tests of plans.

mod addresses;
mod case;
mod eviction;
mod instances;
mod judge;
mod moves;
mod own_ports;
mod proxies;
mod random;
mod removal;
mod restore;
