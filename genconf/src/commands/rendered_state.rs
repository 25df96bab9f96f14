//! The units of each host, read from the rendered files on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use model::{HostSpec, Listener, Monitor, Services};

use crate::source::{self, Kind, Node, Source};

/// The units of one host at the last render.
#[derive(Debug, Default)]
pub(super) struct RenderedState {
    /// Address that Ansible connects to; `None` if the host is not in the inventory.
    pub(super) address: Option<String>,
    /// Names of its unit files.
    pub(super) files: BTreeSet<String>,
    /// Its sockets and services. Where the host sets the number of workers (`workers: max`), the
    /// prefix of their names: `randoms-shared-8081@`.
    pub(super) units: BTreeSet<String>,
    /// Its monitor.
    pub(super) monitor: Option<Monitor>,
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

    /// Workers with this prefix that the spec lists one by one.
    pub(super) fn listed<'s>(&'s self, prefix: &'s str) -> impl Iterator<Item = &'s String> {
        let own = move |unit: &&String| unit.len() > prefix.len() && unit.starts_with(prefix);
        self.units.iter().filter(own)
    }
}

/// Every host with a spec in the output directory. A file that is not a spec of this version of
/// genconf is skipped: nothing is known of its host.
pub(super) fn read(out_dir: &Path) -> io::Result<BTreeMap<String, RenderedState>> {
    let mut addresses = addresses(out_dir)?;
    let mut hosts = BTreeMap::new();
    for text in spec_texts(&out_dir.join("hosts"))? {
        if let Ok(spec) = HostSpec::from_json(&text) {
            let address = addresses.remove(&spec.host);
            hosts.insert(spec.host.clone(), state(spec, address));
        }
    }
    Ok(hosts)
}

/// The contents of the JSON files in `directory`; none if it does not exist.
fn spec_texts(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut texts = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "json") && path.is_file() {
            texts.push(String::from_utf8_lossy(&fs::read(path)?).into_owned());
        }
    }
    Ok(texts)
}

/// Address of each host of the inventory; none if it does not exist.
fn addresses(out_dir: &Path) -> io::Result<BTreeMap<String, String>> {
    let text = match fs::read_to_string(out_dir.join("ansible/inventory.yml")) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(e) => return Err(e),
    };
    let source = Source::new("inventory.yml", text);
    let Ok(root) = source::read(&source) else {
        return Ok(BTreeMap::new());
    };
    let Kind::Mapping(groups) = &root.kind else {
        return Ok(BTreeMap::new());
    };
    let hosts = groups.iter().filter_map(|group| group.value.get("hosts"));
    let entries = hosts.flat_map(Node::entries);
    let address = |host: &Node| Some(host.get("ansible_host")?.text()?.to_owned());
    let addresses = entries.filter_map(|entry| {
        let name = entry.key.text()?.to_owned();
        Some((name, address(&entry.value)?))
    });
    Ok(addresses.collect())
}

fn state(spec: HostSpec, address: Option<String>) -> RenderedState {
    let mut units = BTreeSet::new();
    let listeners = spec.pools.into_iter().flat_map(|pool| pool.listeners);
    listeners.for_each(|listener| collect_units(listener, &mut units));
    for proxy in spec.proxies {
        units.extend([proxy.unit, proxy.socket]);
    }
    units.extend(spec.monitor.as_ref().map(|monitor| monitor.unit.clone()));
    let files = spec.files.iter().filter_map(|file| {
        let name = file.source.strip_prefix("systemd/")?;
        (!name.contains('/')).then(|| name.to_owned())
    });
    RenderedState {
        address,
        files: files.collect(),
        units,
        monitor: spec.monitor,
    }
}

fn collect_units(listener: Listener, units: &mut BTreeSet<String>) {
    units.extend(listener.socket);
    match listener.services {
        Services::Units(services) => units.extend(services),
        Services::PerCpu { prefix } => {
            units.insert(prefix);
        }
    }
}
