//! Programs that each host needs.

use std::collections::BTreeSet;

use model::Requirement;

use super::pool::Pool;
use super::proxy::Proxy;
use crate::topology::choice::Runtime;

/// Container engines. Podman is installed unless the host has one: it needs no daemon, and its
/// containers run in the control groups of their units.
const CONTAINER_ENGINES: [&str; 4] = [
    "/usr/bin/podman",
    "/usr/bin/docker",
    "/usr/local/bin/podman",
    "/usr/local/bin/docker",
];

/// Packages of Podman. It only recommends the others, and recommended packages are not installed.
const PODMAN: [&str; 5] = ["podman", "crun", "netavark", "nftables", "iptables"];

/// What the pools and proxies of a host need, sorted by path.
pub(super) fn resolve(pools: &[&Pool], proxies: &[&Proxy]) -> Vec<Requirement> {
    let mut requirements = vec![program("/run/dbus/system_bus_socket", "dbus")];
    if proxies.iter().any(|proxy| proxy.rotates()) {
        requirements.push(program("/usr/sbin/logrotate", "logrotate"));
    }
    let runtimes: BTreeSet<&str> = pools.iter().map(|pool| pool.app.runtime).collect();
    let has = |runtime: Runtime| runtimes.contains(runtime.word());
    if has(Runtime::Node) {
        requirements.push(program("/usr/bin/node", "nodejs"));
    }
    if has(Runtime::Jvm) {
        requirements.push(program("/usr/bin/java", "default-jre-headless"));
    }
    if has(Runtime::Container) {
        requirements.push(Requirement {
            any_of: CONTAINER_ENGINES.map(Into::into).to_vec(),
            packages: PODMAN.map(str::to_owned).to_vec(),
            masked: Vec::new(),
        });
    }
    let engines: BTreeSet<String> = proxies.iter().map(|p| p.engine.to_string()).collect();
    // The service of the package would run next to those of the proxies, and may bind their ports.
    requirements.extend(engines.iter().map(|engine| Requirement {
        masked: vec![format!("{engine}.service")],
        ..program(&format!("/usr/sbin/{engine}"), engine)
    }));
    requirements.sort_by(|a, b| a.any_of.cmp(&b.any_of));
    requirements
}

/// A file that a Debian package provides.
fn program(path: &str, package: &str) -> Requirement {
    Requirement {
        any_of: vec![path.into()],
        packages: vec![package.to_owned()],
        masked: Vec::new(),
    }
}
