//! The hosts of a topology.

use genconf::diagnostic::Diagnostics;
use genconf::diagnostic::human::{self, Color};
use genconf::layout::{self, Layout};
use genconf::source::Source;
use genconf::{topology, validate};

use crate::{Error, HostSettings, Result};

/// The hosts in the topology `text`, the host of its first proxy first; `name` appears in errors.
pub fn hosts(name: &str, text: &str) -> Result<Vec<HostSettings>> {
    let source = Source::new(name.to_owned(), text.to_owned());
    let mut diagnostics = Diagnostics::default();
    let valid = topology::parse(&source, &mut diagnostics)
        .and_then(|topology| validate::validate(topology, &mut diagnostics))
        .ok_or_else(|| Error::Invalid {
            what: format!("invalid topology {name}"),
            text: human::render(&diagnostics, &source, Color::Never),
        })?;
    Ok(specs(&layout::resolve(&valid, ".")))
}

fn specs(layout: &Layout) -> Vec<HostSettings> {
    let proxy_host = layout.proxies.first().and_then(|proxy| proxy.hosts.first());
    let mut specs: Vec<HostSettings> = layout
        .hosts
        .iter()
        .map(|host| HostSettings::new(&host.name, &host.address))
        .collect();
    // A stable sort: the other hosts stay sorted by name.
    specs.sort_by_key(|spec| Some(&spec.name) != proxy_host);
    specs
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
            .map(|spec| spec.name)
            .collect();
        assert_eq!(names, ["edge1", "app1", "app2"]);
    }

    #[test]
    fn an_error_names_the_invalid_topology() {
        let error = hosts("empty.yaml", "version: 1\n").unwrap_err().to_string();
        assert!(error.contains("empty.yaml"), "{error}");
    }
}
