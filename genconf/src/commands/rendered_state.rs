//! The units of each host, read from the rendered inventory on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use crate::source::{self, Kind, Node, Source};

/// The units of one host at the last render.
#[derive(Debug, Default)]
pub(super) struct RenderedState {
    /// Address that Ansible connects to.
    pub(super) address: String,
    /// Names of its unit files.
    pub(super) files: BTreeSet<String>,
    /// Its sockets and services. Where the host sets the number of workers (`workers: max`), the
    /// prefix of their names: `randoms-shared-8081@`.
    pub(super) units: BTreeSet<String>,
}

impl RenderedState {
    /// Whether the host sets the number of workers with this prefix.
    pub(super) fn is_sized_by_host(&self, prefix: &str) -> bool {
        self.units.contains(prefix)
    }

    /// Whether there are workers with this prefix.
    pub(super) fn has_workers(&self, prefix: &str) -> bool {
        self.is_sized_by_host(prefix) || self.listed(prefix).next().is_some()
    }

    /// Workers with this prefix that the inventory lists one by one.
    pub(super) fn listed<'s>(&'s self, prefix: &'s str) -> impl Iterator<Item = &'s String> {
        let own = move |unit: &&String| unit.len() > prefix.len() && unit.starts_with(prefix);
        self.units.iter().filter(own)
    }
}

/// Every host of the inventory in the output directory; none where there is no inventory.
pub(super) fn read(out_dir: &Path) -> io::Result<BTreeMap<String, RenderedState>> {
    let text = match std::fs::read_to_string(out_dir.join("ansible/inventory.yml")) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(e) => return Err(e),
    };
    let source = Source::new("inventory.yml", text);
    let Ok(root) = source::read(&source) else {
        return Ok(BTreeMap::new());
    };
    let mut hosts = BTreeMap::new();
    if let Kind::Mapping(groups) = &root.kind {
        for hosts_of_group in groups.iter().filter_map(|group| group.value.get("hosts")) {
            let Kind::Mapping(entries) = &hosts_of_group.kind else {
                continue;
            };
            for entry in entries {
                let name = entry.key.text().unwrap_or_default().to_owned();
                hosts.insert(name, state(&entry.value));
            }
        }
    }
    Ok(hosts)
}

fn state(host: &Node) -> RenderedState {
    let mut units = BTreeSet::new();
    collect_units(host, &mut units);
    let address = host.get("ansible_host").and_then(|n| n.text());
    let files = host.get("genconf_host").and_then(|n| n.get("units"));
    RenderedState {
        address: address.unwrap_or_default().to_owned(),
        files: files
            .into_iter()
            .flat_map(Node::elements)
            .filter_map(|n| n.text())
            .map(str::to_owned)
            .collect(),
        units,
    }
}

/// Every name of a unit below `node`; the key `units` lists files.
fn collect_units(node: &Node, units: &mut BTreeSet<String>) {
    match &node.kind {
        Kind::Scalar { text, .. } => {
            if [".service", ".socket", "@"]
                .iter()
                .any(|s| text.ends_with(s))
            {
                units.insert(text.clone());
            }
        }
        Kind::Sequence(elements) => elements.iter().for_each(|n| collect_units(n, units)),
        Kind::Mapping(entries) => entries
            .iter()
            .filter(|e| e.key.text() != Some("units"))
            .for_each(|e| collect_units(&e.value, units)),
    }
}
