//! Assigns pools, proxies, and ports to each host.

use std::collections::{BTreeMap, BTreeSet};

use super::host::{ForwardedPort, HealthCheck, Host, HostListener, HostPool, HostProxy};
use super::monitor;
use super::naming;
use super::pool::Pool;
use super::proxy::Proxy;
use super::upstream::instance_address;
use crate::topology::{self, Topology, default};

/// The hosts by name, each with its pools and proxies.
pub(super) fn resolve_all(topology: &Topology, pools: &[Pool], proxies: &[Proxy]) -> Vec<Host> {
    let upstream_proxies = upstream_proxies(proxies);
    let mut written: Vec<_> = topology.hosts.iter().collect();
    written.sort_by_key(|(name, _)| &name.value);
    let mut forwarded = BTreeSet::new();
    let mut hosts = Vec::new();
    for (name, host) in written {
        let name = name.value.as_str();
        let is_here = |hosts: &[String]| hosts.binary_search_by(|h| h.as_str().cmp(name)).is_ok();
        let upstream_proxies = upstream_proxies.get(name).into_iter().flatten();
        let placement = Placement {
            project: topology.project.value.as_str(),
            name,
            host,
            pools: pools.iter().filter(|p| is_here(&p.hosts)).collect(),
            proxies: proxies.iter().filter(|p| is_here(&p.hosts)).collect(),
            upstream_proxies: upstream_proxies.map(|h| (*h).to_owned()).collect(),
        };
        hosts.push(placement.resolve(&mut forwarded));
    }
    if let Some(last) = hosts.last_mut() {
        last.last = true;
    }
    hosts
}

/// For each host, the hosts whose proxies route to it and to another host of the same pool.
fn upstream_proxies(proxies: &[Proxy]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut upstream_proxies: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for proxy in proxies {
        let spanning = proxy.upstreams.iter().filter(|u| u.spans_hosts);
        let served: BTreeSet<&str> = spanning
            .flat_map(|u| &u.servers)
            .map(|s| s.host.as_str())
            .collect();
        for host in served {
            let proxy_hosts = proxy.hosts.iter().map(String::as_str);
            upstream_proxies
                .entry(host)
                .or_default()
                .extend(proxy_hosts);
        }
    }
    upstream_proxies
}

/// Forwards 80 from 8080, 443 from 8443, and others from the same port, or from the next free one.
fn forward(guest: u16, taken: &mut BTreeSet<u16>) -> ForwardedPort {
    let first = if guest < 1024 { guest + 8000 } else { guest };
    let free = (first..=u16::MAX).find(|port| !taken.contains(port));
    let host = free.unwrap_or(first);
    taken.insert(host);
    ForwardedPort { guest, host }
}

/// A host, and what runs on it.
pub(super) struct Placement<'t> {
    pub(super) project: &'t str,
    /// Name of the host.
    pub(super) name: &'t str,
    pub(super) host: &'t topology::Host,
    /// Pools with instances on the host.
    pub(super) pools: Vec<&'t Pool>,
    /// Proxies on the host.
    pub(super) proxies: Vec<&'t Proxy>,
    /// Hosts whose proxies route to this host and can use another one instead, sorted by name.
    pub(super) upstream_proxies: Vec<String>,
}

impl Placement<'_> {
    fn resolve(&self, forwarded: &mut BTreeSet<u16>) -> Host {
        let host = self.host;
        let cpus = host.cpus.as_ref();
        let memory = host.memory.as_ref();
        Host {
            name: self.name.to_owned(),
            address: host.address.value.ip().to_string(),
            cpus: cpus.map_or(default::CPUS, |c| c.value.number()),
            memory_mib: memory.map_or(default::HOST_MEMORY, |m| m.value).mebibytes(),
            forwarded_ports: self.forwarded_ports(forwarded),
            last: false,
            units: self.units(),
            triggers: self.triggers(),
            dropins: self.dropins(),
            spec: self.spec(),
            spec_file: self.spec_file(),
            pools: self.pools.iter().map(|p| self.pool(p)).collect(),
            proxies: self.proxies.iter().map(|p| self.proxy(p)).collect(),
            upstream_proxies: self.upstream_proxies.clone(),
        }
    }

    fn forwarded_ports(&self, taken: &mut BTreeSet<u16>) -> Vec<ForwardedPort> {
        let mut seen = BTreeSet::new();
        let binds = self.proxies.iter().flat_map(|proxy| &proxy.listen);
        let ports = binds
            .map(|bind| bind.port)
            .filter(|port| seen.insert(*port));
        ports.map(|port| forward(port, taken)).collect()
    }

    /// Names of the apps in watch mode, sorted.
    pub(super) fn watched_apps(&self) -> BTreeSet<&str> {
        let watched = self.pools.iter().filter(|p| p.app.update_mode == "watch");
        watched.map(|p| p.app.name.as_str()).collect()
    }

    /// Units to enable that are neither instances nor proxies.
    pub(super) fn triggers(&self) -> Vec<String> {
        let monitor = monitor::service(self.project, &self.pools);
        let paths = self
            .watched_apps()
            .into_iter()
            .map(|app| naming::watch(self.project, app, "path"));
        let rotates = self.proxies.iter().filter(|p| p.rotates());
        let rotations = rotates.map(|p| naming::rotate(&p.unit, "timer"));
        monitor.into_iter().chain(paths).chain(rotations).collect()
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

    /// A port of a pool.
    pub(super) fn listener(&self, pool: &Pool, port: u16) -> HostListener {
        let (unix_socket, health) = (self.unix_socket(pool, port), self.health(pool, port));
        if pool.unit_per == "port" {
            let stem = format!("{}@{port}", pool.unit);
            let socket = if pool.socket_owner == "systemd" {
                naming::port_socket(&pool.unit, &port.to_string())
            } else {
                String::new()
            };
            return HostListener {
                port,
                socket,
                unix_socket,
                health,
                services: vec![format!("{stem}.service")],
                service_prefix: String::new(),
                workers: "1".to_owned(),
            };
        }
        let stem = naming::shared_stem(&pool.unit, port);
        let count: u32 = pool.workers.parse().unwrap_or_default();
        HostListener {
            port,
            socket: naming::socket_unit(&stem),
            unix_socket,
            health,
            services: (1..=count).map(|n| format!("{stem}@{n}.service")).collect(),
            service_prefix: format!("{stem}@"),
            workers: pool.workers.clone(),
        }
    }

    fn unix_socket(&self, pool: &Pool, port: u16) -> String {
        match pool.listen {
            "unix" => naming::unix_socket(self.project, &pool.name, &port.to_string()),
            _ => String::new(),
        }
    }

    fn health(&self, pool: &Pool, port: u16) -> HealthCheck {
        let path = pool.app.health_path.clone();
        let url = if pool.listen == "unix" {
            format!("http+unix://{}:{path}", self.unix_socket(pool, port))
        } else {
            let socket = naming::socket(instance_address(pool, self.host), port);
            format!("http://{socket}{path}")
        };
        HealthCheck {
            path,
            url,
            host: pool.health_host.clone(),
            status: pool.app.health_status.clone(),
        }
    }

    fn proxy(&self, proxy: &Proxy) -> HostProxy {
        let tls = proxy.tls.first();
        let configuration = self.proxy_configuration(proxy);
        HostProxy {
            name: proxy.name.clone(),
            engine: proxy.engine,
            package: proxy.engine,
            unit: naming::service(&proxy.unit),
            socket: naming::socket_unit(&proxy.unit),
            config: configuration.source,
            destination: configuration.destination,
            extra_files: self.proxy_extra_files(proxy),
            health: format!("http://127.0.0.1:{}/status", proxy.status_port),
            certificate: tls.map(|tls| tls.certificate.clone()).unwrap_or_default(),
            key: tls.map(|tls| tls.key.clone()).unwrap_or_default(),
        }
    }
}
