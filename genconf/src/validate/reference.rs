//! Rules for references by name.

use std::collections::HashSet;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, listed, nearest};
use crate::source::Span;
use crate::topology::decode::Named;
use crate::topology::name::{AppName, HostName, PoolName};
use crate::topology::{HostList, Topology};

/// The defined names of one kind.
struct Defined<'t> {
    noun: &'static str,
    names: HashSet<&'t str>,
}

impl<'t> Defined<'t> {
    fn new<K: Eq, V>(
        noun: &'static str,
        definitions: &'t Named<K, V>,
        text: fn(&K) -> &str,
    ) -> Self {
        let names = definitions.names().map(|n| text(&n.value)).collect();
        Self { noun, names }
    }

    fn check(&self, name: &str, span: Span, diagnostics: &mut Diagnostics) {
        if self.names.contains(name) {
            return;
        }
        let noun = self.noun;
        let mut sorted: Vec<_> = self.names.iter().copied().collect();
        sorted.sort_unstable();
        let help = match nearest(name, sorted.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if sorted.is_empty() => format!("define `{name}` in `{noun}s`"),
            None => format!("defined {noun}s: {}", listed(sorted)),
        };
        let message = format!("{noun} `{name}` is not defined");
        diagnostics.push(Diagnostic::error(Code::UnknownName, span, message, help));
    }
}

/// Every app, pool, and host that is referred to is defined.
pub(super) fn names_are_defined(topology: &Topology, diagnostics: &mut Diagnostics) {
    let apps = Defined::new("app", &topology.apps, AppName::as_str);
    let pools = Defined::new("pool", &topology.pools, PoolName::as_str);
    let hosts = Defined::new("host", &topology.hosts, HostName::as_str);
    let check_hosts = |list: &Option<HostList>, diagnostics: &mut Diagnostics| {
        for host in list.iter().flat_map(|l| l.iter()) {
            hosts.check(host.value.as_str(), host.span, diagnostics);
        }
    };
    for (_, pool) in topology.pools.iter() {
        apps.check(pool.app.value.as_str(), pool.app.span, diagnostics);
        check_hosts(&pool.hosts, diagnostics);
    }
    for (_, proxy) in topology.proxies.iter().flat_map(Named::iter) {
        check_hosts(&proxy.hosts, diagnostics);
        for route in proxy.routes.iter() {
            pools.check(route.pool.value.as_str(), route.pool.span, diagnostics);
        }
    }
}
