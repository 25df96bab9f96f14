//! Rules that involve more than one value: references, clashes, and combinations of keys.
//!
//! Rules read a [`Topology`] and report to `diagnostic`; they change no value, and all of them run.
//! The default of a key with an error does not apply (`has_invalid`). Only this module creates a
//! [`Valid`], which `layout` requires.

mod archive;
mod capacity;
mod container;
mod health;
mod host;
mod pool;
mod port;
mod proxy;
mod reference;
mod route;
mod unit_name;
mod unused;

use crate::diagnostic::Diagnostics;
use crate::topology::Topology;

/// A value that satisfies every rule.
#[derive(Clone, Debug)]
pub struct Valid<T>(T);

impl<T> Valid<T> {
    /// The value.
    pub fn get(&self) -> &T {
        &self.0
    }
}

/// Checks a topology and reports all violations of one rule.
type Rule = fn(&Topology, &mut Diagnostics);

const RULES: &[Rule] = &[
    reference::names_are_defined,
    host::addresses_are_distinct,
    host::addresses_are_reachable,
    port::ports_are_used_once,
    unit_name::unit_names_are_distinct,
    unit_name::unit_names_are_not_reserved,
    pool::ports_are_unprivileged,
    pool::workers_require_clusters,
    pool::sockets_require_activation,
    pool::unix_socket_paths_fit,
    pool::variables_are_not_reserved,
    pool::workers_have_an_effect,
    pool::health_checks_are_possible,
    health::status_codes_are_distinct,
    pool::watch_requires_development,
    pool::unix_sockets_are_local,
    archive::archives_have_main,
    archive::runtimes_fit_programs,
    container::containers_have_images,
    container::containers_use_supported_keys,
    proxy::status_ports_are_unprivileged,
    proxy::haproxy_socket_paths_fit,
    proxy::keys_have_an_effect,
    proxy::keys_are_supported_by_the_engine,
    proxy::proxy_protocol_requires_trusted_proxies,
    route::paths_are_distinct,
    route::rewrites_have_an_effect,
    capacity::memory_fits,
    capacity::workers_fit_cpus,
    capacity::instances_are_limited,
    unused::definitions_are_used,
];

/// Checks every rule. `None` if parsing or a rule reported an error.
pub fn validate(topology: Topology, diagnostics: &mut Diagnostics) -> Option<Valid<Topology>> {
    for rule in RULES {
        rule(&topology, diagnostics);
    }
    (!diagnostics.has_errors()).then_some(Valid(topology))
}
