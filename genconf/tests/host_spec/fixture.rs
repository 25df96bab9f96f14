//! Rendered topologies and their specs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use genconf::diagnostic::Diagnostics;
use genconf::source::Source;
use genconf::{Generated, generate, render};
use model::{HostSpec, Listener, Proxy, Services};

/// What genconf renders for a topology.
pub(crate) fn generated(text: &str) -> Generated {
    let renderers = render::embedded().expect("are valid");
    let source = Source::new("topology.yaml", text);
    let mut diagnostics = Diagnostics::default();
    let made = generate(&source, ".", &renderers, &mut diagnostics);
    made.unwrap_or_else(|e| panic!("{e:?} {diagnostics:?}"))
}

/// The result for every topology of the repository, with its path.
pub(crate) fn all() -> Vec<(PathBuf, Generated)> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let directory = fs::read_dir(repository.join("topologies")).expect("is readable");
    let mut paths: Vec<_> = directory
        .map(|entry| entry.expect("is readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    paths.push(repository.join("topology.yaml"));
    let made = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("is readable");
        (path, generated(&text))
    };
    paths.into_iter().map(made).collect()
}

/// The rendered file at `path`.
pub(crate) fn file(made: &Generated, path: &str) -> String {
    let found = made.tree.iter().find(|(p, _)| p.as_str() == path);
    let (_, file) = found.unwrap_or_else(|| panic!("{path} is not rendered"));
    String::from_utf8(file.bytes.clone()).expect("is UTF-8")
}

/// The rendered specs of all hosts.
pub(crate) fn specs(made: &Generated) -> Vec<HostSpec> {
    let hosts = made.layout.hosts.iter();
    hosts
        .map(|host| {
            let text = file(made, &host.spec_file.source);
            HostSpec::from_json(&text).expect("is a host spec")
        })
        .collect()
}

/// The file of a unit: of an instance its template, `randoms-spread@.service`.
pub(crate) fn unit_file(unit: &str) -> String {
    match (unit.split_once('@'), unit.rsplit_once('.')) {
        (Some((stem, _)), Some((_, kind))) => format!("{stem}@.{kind}"),
        _ => unit.to_owned(),
    }
}

/// Files of the services behind a port.
pub(crate) fn service_files(listener: &Listener) -> BTreeSet<String> {
    match &listener.services {
        Services::Units(units) => units.iter().map(|unit| unit_file(unit)).collect(),
        Services::PerCpu { prefix } => BTreeSet::from([format!("{prefix}.service")]),
    }
}

/// Directory of the rendered files of a proxy.
pub(crate) fn directory(proxy: &Proxy) -> String {
    format!("{}/{}/", proxy.engine, proxy.name)
}
