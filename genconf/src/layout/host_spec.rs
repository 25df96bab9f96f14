//! The spec of each host: what genconf-host reads.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use model::{
    Artifact, ArtifactKind, Endpoint, Engine, EnvFile, FORMAT, HealthCheck, HostSpec, Listener,
    Paths, Services, TlsFiles,
};

use super::app::App;
use super::placement::Placement;
use super::pool::Pool;
use super::proxy::Proxy;
use super::upstream::instance_address;
use super::{monitor, naming, requirements};
use crate::topology::default;

impl Placement<'_> {
    /// The spec of this host.
    pub(super) fn spec(&self) -> HostSpec {
        HostSpec {
            format: FORMAT,
            project: self.project.to_owned(),
            host: self.name.to_owned(),
            target: naming::target(self.project),
            slice: naming::slice(self.project),
            paths: self.paths(),
            apps: self.spec_apps(),
            pools: self.pools.iter().map(|p| self.spec_pool(p)).collect(),
            proxies: self.proxies.iter().map(|p| self.spec_proxy(p)).collect(),
            triggers: self.triggers(),
            files: self.files(),
            requirements: requirements::resolve(&self.pools, &self.proxies),
            monitor: monitor::resolve(self.project, &self.pools, |pool, port| {
                self.probe_endpoint(pool, port)
            }),
            proxy_hosts: self.upstream_proxies.clone(),
        }
    }

    fn paths(&self) -> Paths {
        let project = self.project;
        Paths {
            spec: naming::spec(project).into(),
            configuration: naming::configuration(project).into(),
            apps: naming::apps(project).into(),
            logs: naming::logs(project).into(),
            state: naming::state(project).into(),
            runtime: naming::runtime(project).into(),
            program: naming::program(project).into(),
        }
    }

    /// Apps with instances on this host, sorted by name.
    fn spec_apps(&self) -> Vec<model::App> {
        let apps = self.pools.iter().map(|pool| (&pool.app.name, &pool.app));
        let apps: BTreeMap<&String, &App> = apps.collect();
        apps.into_values().map(|app| self.spec_app(app)).collect()
    }

    fn spec_app(&self, app: &App) -> model::App {
        let env_file = (!app.env_file.is_empty()).then(|| EnvFile {
            source: app.env_file.clone(),
            destination: naming::env_file(self.project, &app.name).into(),
        });
        let watched_file = (app.update_mode == "watch")
            .then(|| naming::watched_file(self.project, &app.name, &app.file).into());
        model::App {
            name: app.name.clone(),
            directory: naming::app_directory(self.project, &app.name).into(),
            artifact: artifact(app),
            env_file,
            watched_file,
            stop_timeout_ms: app.stop_timeout_seconds * 1_000,
            ready_timeout_ms: app.ready_timeout_seconds * 1_000,
        }
    }

    fn spec_pool(&self, pool: &Pool) -> model::Pool {
        let listeners = pool
            .ports
            .iter()
            .map(|port| self.spec_listener(pool, *port));
        model::Pool {
            name: pool.name.clone(),
            app: pool.app.name.clone(),
            target: pool.target.clone(),
            listeners: listeners.collect(),
        }
    }

    fn spec_listener(&self, pool: &Pool, port: u16) -> Listener {
        let listener = self.listener(pool, port);
        let endpoint = self.endpoint(pool, port);
        let bind = match pool.socket_owner {
            "app" => Endpoint::Tcp(SocketAddr::new(pool.bind_address, port)),
            _ => endpoint.clone(),
        };
        Listener {
            socket: Some(listener.socket).filter(|socket| !socket.is_empty()),
            endpoint,
            bind,
            check: health_check(pool),
            services: if listener.services.is_empty() {
                Services::PerCpu {
                    prefix: listener.service_prefix,
                }
            } else {
                Services::Units(listener.services)
            },
        }
    }

    /// Where proxies and the checks of a deploy reach an instance.
    fn endpoint(&self, pool: &Pool, port: u16) -> Endpoint {
        match pool.listen {
            "unix" => {
                let path = naming::unix_socket(self.project, &pool.name, &port.to_string());
                Endpoint::Unix(path.into())
            }
            _ => Endpoint::Tcp(SocketAddr::new(instance_address(pool, self.host), port)),
        }
    }

    /// Where an instance is probed. An app that binds its port itself listens on loopback in any case.
    fn probe_endpoint(&self, pool: &Pool, port: u16) -> Endpoint {
        match (pool.listen, pool.socket_owner) {
            ("tcp", "app") => Endpoint::Tcp((Ipv4Addr::LOCALHOST, port).into()),
            _ => self.endpoint(pool, port),
        }
    }

    fn spec_proxy(&self, proxy: &Proxy) -> model::Proxy {
        let unit = naming::service(&proxy.unit);
        let kernel_settings = proxy
            .has_kernel_settings()
            .then(|| naming::sysctl(&proxy.unit).into());
        let tls = proxy.tls.first().map(|tls| TlsFiles {
            certificate: tls.certificate.as_str().into(),
            key: tls.key.as_str().into(),
        });
        let mut directories = vec![naming::proxy_runtime(&proxy.unit)];
        // HAProxy has no temporary files, and logs to the journal.
        if proxy.engine == Engine::Nginx {
            directories.push(naming::proxy_cache(&proxy.unit));
            directories.push(naming::proxy_logs(self.project, &proxy.name));
        }
        model::Proxy {
            name: proxy.name.clone(),
            engine: proxy.engine,
            socket: naming::socket_unit(&proxy.unit),
            configuration: self.proxy_configuration(proxy).destination.into(),
            kernel_settings,
            status_endpoint: Endpoint::Tcp((Ipv4Addr::LOCALHOST, proxy.status_port).into()),
            status_check: HealthCheck {
                path: "/status".to_owned(),
                host: default::HEALTH_HOST.to_owned(),
                status: std::iter::once(default::HEALTH_STATUS.into()).collect(),
            },
            tls,
            directories: directories.into_iter().map(Into::into).collect(),
            credentials: naming::credentials(&unit).into(),
            unit,
        }
    }
}

fn artifact(app: &App) -> Artifact {
    Artifact {
        source: app.artifact.clone(),
        build: Some(app.build.clone()).filter(|build| !build.is_empty()),
        executable: app.executable.clone(),
        kind: match app.artifact_type {
            "archive" => ArtifactKind::Archive,
            "image" => ArtifactKind::Image(app.image.clone()),
            _ => ArtifactKind::File,
        },
    }
}

/// The health check of the instances of a pool.
pub(super) fn health_check(pool: &Pool) -> HealthCheck {
    HealthCheck {
        path: pool.app.health_path.clone(),
        host: pool.health_host.clone(),
        status: pool.app.health_status.clone(),
    }
}
