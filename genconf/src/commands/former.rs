//! What the bundle on disk says that the hosts have, by its inventory.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use crate::source::{Kind, Node, Source, read};

/// What one host has.
#[derive(Debug, Default)]
pub(super) struct Former {
    /// Where Ansible enters it.
    pub(super) address: String,
    /// Files of its units, by name.
    pub(super) files: BTreeSet<String>,
    /// Its sockets and services. Of workers that only the host counts, what their number follows:
    /// `randoms-shared-8081@`.
    pub(super) units: BTreeSet<String>,
}

impl Former {
    /// Workers of which only the host knows how many there are.
    pub(super) fn has_uncounted(&self, prefix: &str) -> bool {
        self.units.contains(prefix)
    }

    /// Whether workers are behind `prefix`, counted or not.
    pub(super) fn has_workers(&self, prefix: &str) -> bool {
        self.has_uncounted(prefix) || self.counted(prefix).next().is_some()
    }

    /// Workers behind `prefix` that have a number.
    pub(super) fn counted<'f>(&'f self, prefix: &'f str) -> impl Iterator<Item = &'f String> {
        let own = move |unit: &&String| unit.len() > prefix.len() && unit.starts_with(prefix);
        self.units.iter().filter(own)
    }
}

/// Every host of the bundle in the folder `bundle`; none where it holds no inventory.
pub(super) fn of_bundle(bundle: &Path) -> io::Result<BTreeMap<String, Former>> {
    let text = match std::fs::read_to_string(bundle.join("ansible/inventory.yml")) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(e) => return Err(e),
    };
    let source = Source::new("inventory.yml", text);
    let Ok(root) = read(&source) else {
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
                hosts.insert(name, former(&entry.value));
            }
        }
    }
    Ok(hosts)
}

fn former(host: &Node) -> Former {
    let mut units = BTreeSet::new();
    collect_units(host, &mut units);
    let address = host.get("ansible_host").and_then(|n| n.text());
    let files = host.get("genconf_host").and_then(|n| n.get("units"));
    Former {
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

/// Every text below `node` that names a unit, where it is not a file that is meant.
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
