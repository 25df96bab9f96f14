//! Files that are installed on a host.

use std::collections::BTreeSet;

use model::HostSpec;

use crate::fixture::{all, directory, service_files, specs, unit_file};

/// Unit files of everything that a spec describes.
fn described_units(spec: &HostSpec) -> BTreeSet<String> {
    let mut units = BTreeSet::from([spec.target.clone(), spec.slice.clone()]);
    for pool in &spec.pools {
        units.insert(pool.target.clone());
        for listener in &pool.listeners {
            units.extend(listener.socket.as_deref().map(unit_file));
            units.extend(service_files(listener));
        }
    }
    for proxy in &spec.proxies {
        units.extend([proxy.unit.clone(), proxy.socket.clone()]);
    }
    for trigger in &spec.triggers {
        let (stem, _) = trigger.rsplit_once('.').expect("is a unit");
        units.extend([trigger.clone(), format!("{stem}.service")]);
    }
    units.extend(spec.monitor.iter().map(|monitor| monitor.unit.clone()));
    units
}

#[test]
fn a_rendered_spec_is_read_as_it_was_resolved() {
    for (path, made) in all() {
        for (spec, host) in specs(&made).iter().zip(&made.layout.hosts) {
            assert_eq!(*spec, host.spec, "{}", path.display());
        }
    }
}

#[test]
fn the_files_of_a_host_are_those_of_the_units_and_proxies_on_it() {
    for (path, made) in all() {
        let mut installed = BTreeSet::new();
        for spec in specs(&made) {
            let sources: BTreeSet<&str> = spec.files.iter().map(|f| f.source.as_str()).collect();
            let is_unit = |source: &&str| source.matches('/').count() == 1;
            let units = sources
                .iter()
                .filter_map(|source| source.strip_prefix("systemd/").filter(|_| is_unit(source)))
                .map(str::to_owned)
                .collect();
            assert_eq!(described_units(&spec), units, "{}", path.display());
            let mut own = vec![
                format!("hosts/{}.json", spec.host),
                format!("systemd/hosts/{}/", spec.host),
            ];
            own.extend(spec.proxies.iter().map(directory));
            let others = sources
                .iter()
                .filter(|source| !source.starts_with("systemd/") || !is_unit(source));
            let others: BTreeSet<&str> = others.copied().collect();
            let is_own = |path: &&str| own.iter().any(|prefix| path.starts_with(prefix));
            let paths = made.tree.iter().map(|(path, _)| path.as_str());
            assert_eq!(others, paths.filter(is_own).collect(), "{}", path.display());
            installed.extend(sources.into_iter().map(str::to_owned));
        }
        let is_for_hosts = |path: &&str| {
            let directories = ["systemd/", "nginx/", "haproxy/", "hosts/"];
            directories
                .iter()
                .any(|directory| path.starts_with(directory))
        };
        let paths = made.tree.iter().map(|(path, _)| path.as_str());
        let paths: BTreeSet<String> = paths.filter(is_for_hosts).map(str::to_owned).collect();
        assert_eq!(installed, paths, "{}", path.display());
    }
}

#[test]
fn destinations_are_sorted_and_each_is_in_a_directory_of_the_project() {
    for (path, made) in all() {
        for spec in specs(&made) {
            let destinations = spec.files.iter().map(|file| &file.destination);
            assert!(
                destinations.clone().is_sorted_by(|a, b| a < b),
                "{}",
                path.display()
            );
            let sysctl = format!("/etc/sysctl.d/60-{}-", spec.project);
            for destination in destinations {
                let is_expected = destination.starts_with(&spec.paths.configuration)
                    || destination.starts_with("/etc/systemd/system")
                    || destination.display().to_string().starts_with(&sysctl);
                assert!(is_expected, "{}", destination.display());
            }
            let spec_file = spec
                .files
                .iter()
                .find(|file| file.destination == spec.paths.spec);
            let source = &spec_file.expect("is installed").source;
            assert_eq!(*source, format!("hosts/{}.json", spec.host));
        }
    }
}
