//! What of a topology concerns a lab: its hosts.

use genconf::diagnostic::Diagnostics;
use genconf::diagnostic::human::{self, Color};
use genconf::layout::{self, Layout};
use genconf::source::Source;
use genconf::{topology, validate};

use crate::{Error, HostPlan, Result};

/// The hosts that the topology called `name` describes, with the one of its first
/// proxy first: that is where users come in.
pub fn hosts(name: &str, text: &str) -> Result<Vec<HostPlan>> {
    let source = Source::new(name.to_owned(), text.to_owned());
    let mut faults = Diagnostics::default();
    let valid = topology::parse(&source, &mut faults)
        .and_then(|topology| validate::validate(topology, &mut faults))
        .ok_or_else(|| Error::Unreadable {
            what: name.to_owned(),
            text: human::render(&faults, &source, Color::Never),
        })?;
    Ok(plans(&layout::resolve(&valid, ".")))
}

fn plans(layout: &Layout) -> Vec<HostPlan> {
    let front = layout.proxies.first().and_then(|proxy| proxy.hosts.first());
    let mut plans: Vec<HostPlan> = layout
        .hosts
        .iter()
        .map(|host| HostPlan::new(&host.name, &host.address))
        .collect();
    // Stable: the others stay in the order of their names.
    plans.sort_by_key(|plan| Some(&plan.name) != front);
    plans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_the_proxy_comes_first() {
        let text = include_str!("../../topologies/two-hosts.yaml");
        let names: Vec<String> = hosts("two-hosts.yaml", text)
            .unwrap()
            .into_iter()
            .map(|plan| plan.name)
            .collect();
        assert_eq!(names, ["edge1", "app1", "app2"]);
    }

    #[test]
    fn a_topology_with_a_fault_is_told() {
        let error = hosts("empty.yaml", "version: 1\n").unwrap_err().to_string();
        assert!(error.contains("empty.yaml"), "{error}");
    }
}
