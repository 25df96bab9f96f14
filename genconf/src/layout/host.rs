//! Hosts, resolved: what each of them runs.

use std::collections::BTreeSet;

use serde::Serialize;

use super::naming;
use super::pool::{self, Pool};
use super::proxy::{Proxy, instance_address};
use crate::topology::{self, Topology, default};

/// A machine and what it runs.
#[derive(Clone, Debug, Serialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Processors of its VM.
    pub cpus: u16,
    /// Memory of its VM in MiB.
    pub memory_mib: u64,
    /// Ports of its VM that the developer's machine forwards.
    pub forwards: Vec<Forward>,
    /// Whether it is the last host, after which all can be provisioned.
    pub last: bool,
    /// Unit files it gets, by name.
    pub units: Vec<String>,
    /// Drop-ins it gets.
    pub dropins: Vec<DropIn>,
    /// Pools it runs.
    pub pools: Vec<HostPool>,
    /// Proxies it runs.
    pub proxies: Vec<HostProxy>,
}

/// A forwarded port.
#[derive(Clone, Debug, Serialize)]
pub struct Forward {
    /// Port in the VM.
    pub guest: u16,
    /// Port on 127.0.0.1 outside.
    pub host: u16,
}

/// A file that gives a socket this host's address.
#[derive(Clone, Debug, Serialize)]
pub struct DropIn {
    /// The host.
    pub host: String,
    /// Path in the bundle.
    pub source: String,
    /// Folder on the host, under /etc/systemd/system.
    pub unit_dir: String,
    /// File name.
    pub name: String,
    /// The host's own address.
    pub own: String,
    /// The same before a port: IPv6 in brackets.
    pub address: String,
    /// The port; 0 where each instance has its own.
    pub port: u16,
    /// The only addresses that reach it: those of the hosts that have a proxy.
    pub allow: Vec<String>,
}

/// A pool on one host.
#[derive(Clone, Debug, Serialize)]
pub struct HostPool {
    /// Its name.
    pub name: String,
    /// Its app.
    pub app: String,
    /// Its target.
    pub target: String,
    /// `fork` or `cluster`.
    pub mode: &'static str,
    /// What it listens on.
    pub listeners: Vec<HostListener>,
}

/// A port of a pool on one host, and the units behind it.
#[derive(Clone, Debug, Serialize)]
pub struct HostListener {
    /// The port.
    pub port: u16,
    /// The socket unit.
    pub socket: String,
    /// URL of its health on this host.
    pub health: String,
    /// The services behind it; empty where only the host knows how many.
    pub services: Vec<String>,
    /// What a worker's number follows; empty for fork.
    pub service_prefix: String,
    /// Services behind it: a number or `max`.
    pub workers: String,
}

/// A proxy on one host.
#[derive(Clone, Debug, Serialize)]
pub struct HostProxy {
    /// Its name.
    pub name: String,
    /// Its program.
    pub engine: &'static str,
    /// Debian's package of the program.
    pub package: &'static str,
    /// Its service.
    pub unit: String,
    /// Its socket unit.
    pub socket: String,
    /// Path of its configuration in the bundle.
    pub config: String,
    /// Path of its configuration on the host.
    pub destination: String,
    /// URL of its status page on this host.
    pub health: String,
}

pub(super) fn resolve_all(topology: &Topology, pools: &[Pool], proxies: &[Proxy]) -> Vec<Host> {
    let mut written: Vec<_> = topology.hosts.iter().collect();
    written.sort_by_key(|(name, _)| &name.value);
    let doors = door_addresses(topology, proxies);
    let mut forwarded = BTreeSet::new();
    let last = written.len();
    written
        .into_iter()
        .enumerate()
        .map(|(index, (name, host))| {
            let name = name.value.as_str();
            let resolver = Resolver {
                project: topology.project.value.as_str(),
                name,
                host,
                doors: &doors,
            };
            let pools: Vec<_> = pools
                .iter()
                .filter(|p| p.hosts.iter().any(|h| h == name))
                .collect();
            let proxies: Vec<_> = proxies
                .iter()
                .filter(|p| p.hosts.iter().any(|h| h == name))
                .collect();
            Host {
                name: name.to_owned(),
                address: host.address.value.ip().to_string(),
                cpus: host
                    .cpus
                    .as_ref()
                    .map_or(default::CPUS, |c| c.value.number()),
                memory_mib: host
                    .memory
                    .as_ref()
                    .map_or(default::HOST_MEMORY, |m| m.value)
                    .mebibytes(),
                forwards: proxies
                    .iter()
                    .map(|p| forward(p.listen.port, &mut forwarded))
                    .collect(),
                last: index + 1 == last,
                units: resolver.units(&pools, &proxies),
                dropins: pools.iter().flat_map(|p| resolver.dropins(p)).collect(),
                pools: pools.iter().map(|p| resolver.pool(p)).collect(),
                proxies: proxies.iter().map(|p| resolver.proxy(p)).collect(),
            }
        })
        .collect()
}

/// Addresses of every host with a proxy, sorted.
fn door_addresses(topology: &Topology, proxies: &[Proxy]) -> Vec<String> {
    let hosts = topology.hosts.iter();
    let doors = hosts.filter(|(name, _)| {
        let name = name.value.as_str();
        proxies.iter().any(|p| p.hosts.iter().any(|h| h == name))
    });
    let addresses: BTreeSet<_> = doors.map(|(_, host)| host.address.value.ip()).collect();
    addresses.iter().map(ToString::to_string).collect()
}

/// 80 is met at 8080, 443 at 8443, others at themselves; the next free one where taken.
fn forward(guest: u16, taken: &mut BTreeSet<u16>) -> Forward {
    let first = if guest < 1024 { guest + 8000 } else { guest };
    let free = (first..=u16::MAX).find(|port| !taken.contains(port));
    let host = free.unwrap_or(first);
    taken.insert(host);
    Forward { guest, host }
}

struct Resolver<'t> {
    project: &'t str,
    name: &'t str,
    host: &'t topology::Host,
    doors: &'t [String],
}

impl Resolver<'_> {
    fn units(&self, pools: &[&Pool], proxies: &[&Proxy]) -> Vec<String> {
        let mut units = vec![
            format!("{}.slice", self.project),
            naming::target(self.project),
        ];
        for pool in pools {
            units.push(pool.target.clone());
            let stems: Vec<String> = match pool.mode {
                "fork" => vec![format!("{}@", pool.unit)],
                _ => pool::listeners(pool).map(|l| l.unit).collect(),
            };
            for stem in stems {
                units.push(format!("{stem}.socket"));
                let service = if pool.mode == "fork" { "" } else { "@" };
                units.push(format!("{stem}{service}.service"));
            }
        }
        for proxy in proxies {
            units.push(format!("{}.socket", proxy.unit));
            units.push(format!("{}.service", proxy.unit));
        }
        units.sort();
        units
    }

    fn pool(&self, pool: &Pool) -> HostPool {
        HostPool {
            name: pool.name.clone(),
            app: pool.app.name.clone(),
            target: pool.target.clone(),
            mode: pool.mode,
            listeners: pool
                .ports
                .iter()
                .map(|port| self.listener(pool, *port))
                .collect(),
        }
    }

    fn listener(&self, pool: &Pool, port: u16) -> HostListener {
        let address = naming::socket(instance_address(pool, self.host), port);
        let health = format!("http://{address}{}", pool.app.health_path);
        if pool.mode == "fork" {
            return HostListener {
                port,
                socket: format!("{}@{port}.socket", pool.unit),
                health,
                services: vec![format!("{}@{port}.service", pool.unit)],
                service_prefix: String::new(),
                workers: pool.workers.clone(),
            };
        }
        let stem = naming::shared_stem(&pool.unit, port);
        let count: u32 = pool.workers.parse().unwrap_or_default();
        HostListener {
            port,
            socket: format!("{stem}.socket"),
            health,
            services: (1..=count).map(|n| format!("{stem}@{n}.service")).collect(),
            service_prefix: format!("{stem}@"),
            workers: pool.workers.clone(),
        }
    }

    fn dropins(&self, pool: &Pool) -> Vec<DropIn> {
        if pool.loopback {
            return Vec::new();
        }
        let ip = self.host.address.value.ip();
        let sockets: Vec<(String, u16)> = match pool.mode {
            "fork" => vec![(format!("{}@.socket", pool.unit), 0)],
            _ => pool::listeners(pool)
                .map(|l| (format!("{}.socket", l.unit), l.port))
                .collect(),
        };
        let dropin = |(unit, port)| DropIn {
            host: self.name.to_owned(),
            source: format!("systemd/hosts/{}/{unit}.d/50-listen.conf", self.name),
            unit_dir: format!("{unit}.d"),
            name: "50-listen.conf".to_owned(),
            own: ip.to_string(),
            address: naming::bracketed(ip),
            port,
            allow: self.doors.to_vec(),
        };
        sockets.into_iter().map(dropin).collect()
    }

    fn proxy(&self, proxy: &Proxy) -> HostProxy {
        let file = format!("{0}.conf", proxy.engine);
        HostProxy {
            name: proxy.name.clone(),
            engine: proxy.engine,
            package: proxy.engine,
            unit: format!("{}.service", proxy.unit),
            socket: format!("{}.socket", proxy.unit),
            config: format!("{}/{}/{file}", proxy.engine, proxy.name),
            destination: format!("/etc/{}/{}/{file}", self.project, proxy.name),
            health: format!("http://127.0.0.1:{}/status", proxy.status_port),
        }
    }
}
