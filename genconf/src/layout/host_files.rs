//! Rendered files that are installed on each host.

use model::SpecFile;

use super::host::{DropIn, HostFile};
use super::monitor;
use super::naming;
use super::placement::Placement;
use super::pool::{self, Pool};
use super::proxy::Proxy;

impl Placement<'_> {
    /// Unit files, sorted by name.
    pub(super) fn units(&self) -> Vec<String> {
        let mut units = vec![naming::slice(self.project), naming::target(self.project)];
        for pool in &self.pools {
            units.push(pool.target.clone());
            units.extend(pool_units(pool));
        }
        for app in self.watched_apps() {
            units.push(naming::watch(self.project, app, "path"));
            units.push(naming::watch(self.project, app, "service"));
        }
        units.extend(monitor::service(self.project, &self.pools));
        for proxy in &self.proxies {
            units.push(naming::socket_unit(&proxy.unit));
            units.push(naming::service(&proxy.unit));
            if proxy.rotates() {
                units.push(naming::rotate(&proxy.unit, "service"));
                units.push(naming::rotate(&proxy.unit, "timer"));
            }
        }
        units.sort();
        units
    }

    /// Drop-ins of every pool.
    pub(super) fn dropins(&self) -> Vec<DropIn> {
        let of_pools = self.pools.iter().flat_map(|pool| self.pool_dropins(pool));
        of_pools.collect()
    }

    /// Sets this host's address on systemd sockets that other hosts connect to.
    fn pool_dropins(&self, pool: &Pool) -> Vec<DropIn> {
        if pool.loopback || pool.socket_owner == "app" {
            return Vec::new();
        }
        let ip = self.host.address.value.ip();
        let mut sockets: Vec<(String, u16)> = pool::listeners(pool)
            .map(|l| (naming::socket_unit(&l.unit), l.port))
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

    /// The file with the spec of this host.
    pub(super) fn spec_file(&self) -> HostFile {
        HostFile {
            source: format!("hosts/{}.json", self.name),
            destination: naming::spec(self.project),
            kind: "spec",
        }
    }

    /// The configuration of a proxy.
    pub(super) fn proxy_configuration(&self, proxy: &Proxy) -> HostFile {
        self.proxy_file(proxy, proxy.file)
    }

    /// Other files of a proxy.
    pub(super) fn proxy_extra_files(&self, proxy: &Proxy) -> Vec<HostFile> {
        let rotation = proxy
            .rotates()
            .then(|| self.proxy_file(proxy, "logrotate.conf"));
        let sysctl = proxy.has_kernel_settings().then(|| HostFile {
            destination: naming::sysctl(&proxy.unit),
            kind: "kernel_settings",
            ..self.proxy_file(proxy, "sysctl.conf")
        });
        rotation.into_iter().chain(sysctl).collect()
    }

    fn proxy_file(&self, proxy: &Proxy, file: &str) -> HostFile {
        HostFile {
            source: format!("{}/{}/{file}", proxy.engine, proxy.name),
            destination: naming::proxy_file(self.project, &proxy.name, file),
            kind: "configuration",
        }
    }

    /// Every file, sorted by destination.
    pub(super) fn files(&self) -> Vec<SpecFile> {
        let units = self.units().into_iter().map(|unit| SpecFile {
            source: format!("systemd/{unit}"),
            destination: naming::unit_file(&unit).into(),
        });
        let dropins = self.dropins().into_iter().map(|dropin| SpecFile {
            destination: naming::unit_file(&format!("{}/{}", dropin.unit_dir, dropin.name)).into(),
            source: dropin.source,
        });
        let of_proxies = self.proxies.iter().flat_map(|proxy| {
            let extra = self.proxy_extra_files(proxy);
            std::iter::once(self.proxy_configuration(proxy)).chain(extra)
        });
        let others = of_proxies.chain([self.spec_file()]).map(|file| SpecFile {
            source: file.source,
            destination: file.destination.into(),
        });
        let mut files: Vec<SpecFile> = units.chain(dropins).chain(others).collect();
        files.sort_by(|a, b| a.destination.cmp(&b.destination));
        files
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
        units.push(naming::socket_unit(&listener.unit));
        units.push(format!("{}@.service", listener.unit));
    }
    units
}
