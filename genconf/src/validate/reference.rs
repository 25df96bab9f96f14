//! Names that must be described somewhere.

use std::collections::HashSet;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, nearest};
use crate::source::Span;
use crate::topology::decode::Named;
use crate::topology::name::{AppName, HostName, PoolName};
use crate::topology::{HostList, Topology};

/// The names of one kind, and the noun for them.
struct Known<'t> {
    noun: &'static str,
    names: HashSet<&'t str>,
}

impl<'t> Known<'t> {
    fn new<K: Eq, V>(noun: &'static str, described: &'t Named<K, V>, text: fn(&K) -> &str) -> Self {
        let names = described.names().map(|n| text(&n.value)).collect();
        Self { noun, names }
    }

    fn check(&self, name: &str, span: Span, faults: &mut Diagnostics) {
        if self.names.contains(name) {
            return;
        }
        let mut sorted: Vec<_> = self.names.iter().copied().collect();
        sorted.sort_unstable();
        let help = match nearest(name, sorted.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if sorted.is_empty() => format!("no {} is described", self.noun),
            None => format!(
                "there are {}",
                sorted.into_iter().take(12).collect::<Vec<_>>().join(", ")
            ),
        };
        let said = format!("no {} is called `{name}`", self.noun);
        faults.push(Diagnostic::error(Code::UnknownName, span, said).help(help));
    }
}

/// Every app, pool and host that is referred to is described.
pub(super) fn names_exist(topology: &Topology, faults: &mut Diagnostics) {
    let apps = Known::new("app", &topology.apps, AppName::as_str);
    let pools = Known::new("pool", &topology.pools, PoolName::as_str);
    let hosts = Known::new("host", &topology.hosts, HostName::as_str);
    let check_hosts = |list: &Option<HostList>, faults: &mut Diagnostics| {
        for host in list.iter().flat_map(|l| l.iter()) {
            hosts.check(host.value.as_str(), host.span, faults);
        }
    };
    for (_, pool) in topology.pools.iter() {
        apps.check(pool.app.value.as_str(), pool.app.span, faults);
        check_hosts(&pool.hosts, faults);
    }
    for (_, proxy) in topology.proxies.iter().flat_map(Named::iter) {
        check_hosts(&proxy.hosts, faults);
        for route in proxy.routes.iter() {
            pools.check(route.pool.value.as_str(), route.pool.span, faults);
        }
    }
}
