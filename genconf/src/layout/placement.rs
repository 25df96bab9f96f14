//! Assigns units, sockets, and ports to each host.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use model::{Endpoint, FORMAT, HostSpec};

use super::host::{
    DropIn, ForwardedPort, HealthCheck, Host, HostFile, HostListener, HostPool, HostProxy,
};
use super::monitor;
use super::naming;
use super::pool::{self, Pool};
use super::proxy::Proxy;
use super::upstream::instance_address;
use crate::topology::{self, Topology, default};

pub(super) fn resolve_all(topology: &Topology, pools: &[Pool], proxies: &[Proxy]) -> Vec<Host> {
    let upstream_proxies = upstream_proxies(proxies);
    let mut written: Vec<_> = topology.hosts.iter().collect();
    written.sort_by_key(|(name, _)| &name.value);
    let mut forwarded = BTreeSet::new();
    let last = written.len();
    let numbered = written.into_iter().zip(1..);
    let resolve = |((name, host), number): (
        (
            &crate::source::Spanned<topology::name::HostName>,
            &topology::Host,
        ),
        usize,
    )| {
        let name = name.value.as_str();
        let placement = Placement {
            project: topology.project.value.as_str(),
            name,
            host,
        };
        let pools: Vec<_> = pools
            .iter()
            .filter(|p| p.hosts.binary_search_by(|h| h.as_str().cmp(name)).is_ok())
            .collect();
        let proxies: Vec<_> = proxies
            .iter()
            .filter(|p| p.hosts.binary_search_by(|h| h.as_str().cmp(name)).is_ok())
            .collect();
        let mut seen = BTreeSet::new();
        let ports = proxies.iter().flat_map(|p| &p.listen).map(|bind| bind.port);
        let ports = ports.filter(|port| seen.insert(*port));
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
            forwarded_ports: ports.map(|port| forward(port, &mut forwarded)).collect(),
            last: number == last,
            units: placement.units(&pools, &proxies),
            triggers: placement.triggers(&pools, &proxies),
            dropins: pools.iter().flat_map(|p| placement.dropins(p)).collect(),
            spec: placement.spec(&pools),
            spec_file: placement.spec_file(),
            pools: pools.iter().map(|p| placement.pool(p)).collect(),
            proxies: proxies.iter().map(|p| placement.proxy(p)).collect(),
            upstream_proxies: upstream_proxies
                .get(name)
                .into_iter()
                .flatten()
                .map(|f| (*f).to_owned())
                .collect(),
        }
    };
    numbered.map(resolve).collect()
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

/// Apps in watch mode among these pools.
fn watched<'p>(pools: &[&'p Pool]) -> BTreeSet<&'p str> {
    let watched = pools.iter().filter(|p| p.app.update_mode == "watch");
    watched.map(|p| p.app.name.as_str()).collect()
}

/// Resolves one host.
struct Placement<'t> {
    project: &'t str,
    name: &'t str,
    host: &'t topology::Host,
}

impl Placement<'_> {
    fn units(&self, pools: &[&Pool], proxies: &[&Proxy]) -> Vec<String> {
        let mut units = vec![
            format!("{}.slice", self.project),
            naming::target(self.project),
        ];
        for pool in pools {
            units.push(pool.target.clone());
            units.extend(pool_units(pool));
        }
        for app in watched(pools) {
            units.push(naming::watch(self.project, app, "path"));
            units.push(naming::watch(self.project, app, "service"));
        }
        units.extend(monitor::service(self.project, pools));
        for proxy in proxies {
            units.push(format!("{}.socket", proxy.unit));
            units.push(format!("{}.service", proxy.unit));
            if proxy.rotates() {
                units.push(naming::rotate(&proxy.unit, "service"));
                units.push(naming::rotate(&proxy.unit, "timer"));
            }
        }
        units.sort();
        units
    }

    fn triggers(&self, pools: &[&Pool], proxies: &[&Proxy]) -> Vec<String> {
        let monitor = monitor::service(self.project, pools);
        let paths = watched(pools)
            .into_iter()
            .map(|app| naming::watch(self.project, app, "path"));
        let rotates = proxies.iter().filter(|p| p.rotates());
        let rotations = rotates.map(|p| naming::rotate(&p.unit, "timer"));
        monitor.into_iter().chain(paths).chain(rotations).collect()
    }

    fn spec(&self, pools: &[&Pool]) -> HostSpec {
        HostSpec {
            format: FORMAT,
            project: self.project.to_owned(),
            host: self.name.to_owned(),
            monitor: monitor::resolve(self.project, pools, |pool, port| self.endpoint(pool, port)),
        }
    }

    fn spec_file(&self) -> HostFile {
        HostFile {
            source: format!("hosts/{}.json", self.name),
            destination: naming::spec(self.project),
            kind: "spec",
        }
    }

    /// Where an instance is probed. An app that binds its port itself listens on loopback in any case.
    fn endpoint(&self, pool: &Pool, port: u16) -> Endpoint {
        if pool.listen == "unix" {
            return Endpoint::Unix(PathBuf::from(self.unix_socket(pool, port)));
        }
        let ip = match pool.socket_owner {
            "app" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            _ => instance_address(pool, self.host),
        };
        Endpoint::Tcp(SocketAddr::new(ip, port))
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
            socket: format!("{stem}.socket"),
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

    /// Sets this host's address on systemd sockets that other hosts connect to.
    fn dropins(&self, pool: &Pool) -> Vec<DropIn> {
        if pool.loopback || pool.socket_owner == "app" {
            return Vec::new();
        }
        let ip = self.host.address.value.ip();
        let mut sockets: Vec<(String, u16)> = pool::listeners(pool)
            .map(|l| (format!("{}.socket", l.unit), l.port))
            .collect();
        if pool.unit_per == "port" {
            sockets.push((naming::port_socket(&pool.unit, ""), 0));
        }
        let dropin = |(unit, port)| DropIn {
            host: self.name.to_owned(),
            source: format!("systemd/hosts/{}/{unit}.d/50-listen.conf", self.name),
            unit_dir: format!("{unit}.d"),
            name: "50-listen.conf".to_owned(),
            host_address: ip.to_string(),
            address: naming::bracketed(ip),
            port,
            allow: pool.allow.clone(),
        };
        sockets.into_iter().map(dropin).collect()
    }

    fn proxy(&self, proxy: &Proxy) -> HostProxy {
        let tls = proxy.tls.first();
        let host_file = |file: &str| HostFile {
            source: format!("{}/{}/{file}", proxy.engine, proxy.name),
            destination: format!("/etc/{}/{}/{file}", self.project, proxy.name),
            kind: "configuration",
        };
        let config = host_file(proxy.file);
        let rotation = proxy.rotates().then(|| host_file("logrotate.conf"));
        let sysctl = (proxy.kernel_settings == "tcp").then(|| HostFile {
            destination: naming::sysctl(&proxy.unit),
            kind: "kernel_settings",
            ..host_file("sysctl.conf")
        });
        HostProxy {
            name: proxy.name.clone(),
            engine: proxy.engine,
            package: proxy.engine,
            unit: format!("{}.service", proxy.unit),
            socket: format!("{}.socket", proxy.unit),
            config: config.source,
            destination: config.destination,
            extra_files: rotation.into_iter().chain(sysctl).collect(),
            health: format!("http://127.0.0.1:{}/status", proxy.status_port),
            certificate: tls.map(|tls| tls.certificate.clone()).unwrap_or_default(),
            key: tls.map(|tls| tls.key.clone()).unwrap_or_default(),
        }
    }
}

/// The unit files of a pool without its target.
fn pool_units(pool: &Pool) -> Vec<String> {
    let mut units = Vec::new();
    if pool.unit_per == "port" {
        units.push(format!("{}@.service", pool.unit));
        if pool.socket_owner == "systemd" {
            units.push(naming::port_socket(&pool.unit, ""));
        }
    }
    for listener in pool::listeners(pool) {
        units.push(format!("{}.socket", listener.unit));
        units.push(format!("{}@.service", listener.unit));
    }
    units
}
