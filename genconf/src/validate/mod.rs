//! What needs two places to be judged: names, clashes, contradictions.
//!
//! Reads a [`Topology`], tells `diagnostic`; changes no value and never stops
//! at the first fault. What could not be read has been told: no rule takes its
//! default for what was meant (`is_unsure_of`). Only here can a [`Valid`] be made; `layout` takes it.

mod archive;
mod capacity;
mod clash;
mod container;
mod health;
mod host;
mod listen;
mod pool;
mod proxy;
mod reference;
mod route;
mod usage;

use crate::diagnostic::Diagnostics;
use crate::topology::Topology;

/// A value that every rule has passed.
#[derive(Clone, Debug)]
pub struct Valid<T>(T);

impl<T> Valid<T> {
    /// The value.
    pub fn get(&self) -> &T {
        &self.0
    }
}

/// A rule reads all of a topology and tells every fault it knows of.
type Rule = fn(&Topology, &mut Diagnostics);

const RULES: &[Rule] = &[
    reference::names_exist,
    host::addresses_are_distinct,
    host::addresses_are_reached,
    listen::ports_are_free,
    clash::unit_names_are_distinct,
    clash::names_are_free,
    pool::ports_are_unprivileged,
    pool::workers_belong_to_clusters,
    pool::sockets_are_taken,
    pool::unix_sockets_fit,
    pool::instances_keep_their_ports,
    pool::workers_reach_their_master,
    pool::health_can_be_watched,
    health::status_codes_are_listed_once,
    pool::only_development_is_watched,
    pool::unix_sockets_are_local,
    archive::archives_say_what_runs,
    container::images_are_run,
    container::engines_hand_nothing_on,
    proxy::status_is_unprivileged,
    proxy::haproxy_takes_the_sockets,
    proxy::every_key_has_an_effect,
    proxy::engine_honors_every_key,
    proxy::proxy_protocol_has_senders,
    route::paths_are_distinct,
    route::rewrites_change_something,
    capacity::memory_fits,
    capacity::workers_have_processors,
    capacity::instances_are_countable,
    usage::everything_is_used,
];

/// Asks every rule. `None` when any fault, here or in parsing, is an error.
pub fn validate(topology: Topology, faults: &mut Diagnostics) -> Option<Valid<Topology>> {
    for rule in RULES {
        rule(&topology, faults);
    }
    (!faults.has_errors()).then_some(Valid(topology))
}
