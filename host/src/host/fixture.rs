//! Specs of hosts, for tests.

use std::path::PathBuf;

use model::{
    App, Artifact, ArtifactKind, Endpoint, Engine, FORMAT, HealthCheck, HostSpec, Listener, Paths,
    Pool, Proxy, Services,
};

/// Who binds the port of a pool.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Binds {
    /// systemd, with a socket unit.
    Systemd,
    /// The app.
    App,
}

/// The app `randoms` in the pool `spread` on ports 8082 to 8084 of 127.0.0.1, with socket units.
pub(crate) fn spec() -> HostSpec {
    let mut spec = bare_spec();
    spec.apps.push(app("randoms"));
    let listeners = (8082..8085).map(|port| listener("spread", port, Binds::Systemd));
    spec.pools.push(pool("spread", "randoms", listeners));
    spec
}

/// The host `node1` of the project `randoms` with nothing on it.
pub(crate) fn bare_spec() -> HostSpec {
    HostSpec {
        format: FORMAT,
        project: "randoms".to_owned(),
        host: "node1".to_owned(),
        target: "randoms.target".to_owned(),
        slice: "system-randoms.slice".to_owned(),
        paths: Paths {
            spec: "/etc/randoms/spec.json".into(),
            configuration: "/etc/randoms".into(),
            apps: "/opt/randoms".into(),
            uploads: "/opt/randoms/uploads".into(),
            logs: "/var/log/randoms".into(),
            state: "/var/lib/genconf/randoms".into(),
            runtime: "/run/genconf/randoms".into(),
            program: "/usr/local/lib/genconf/randoms/genconf-host".into(),
        },
        apps: Vec::new(),
        pools: Vec::new(),
        proxies: Vec::new(),
        triggers: Vec::new(),
        files: Vec::new(),
        requirements: Vec::new(),
        monitor: Some(model::Monitor {
            unit: "randoms-monitor.service".to_owned(),
            runtime_directory: "/run/randoms-monitor".to_owned(),
            pools: Vec::new(),
        }),
        proxy_hosts: Vec::new(),
    }
}

/// An app in `/opt/randoms/NAME`.
pub(crate) fn app(name: &str) -> App {
    App {
        name: name.to_owned(),
        directory: PathBuf::from("/opt/randoms").join(name),
        artifact: Artifact {
            source: format!("build/{name}"),
            build: None,
            executable: name.to_owned(),
            kind: ArtifactKind::File,
        },
        env_file: None,
        watched_file: None,
        stop_timeout_ms: 10_000,
        ready_timeout_ms: 30_000,
    }
}

/// A pool of an app.
pub(crate) fn pool(name: &str, app: &str, listeners: impl IntoIterator<Item = Listener>) -> Pool {
    Pool {
        name: name.to_owned(),
        app: app.to_owned(),
        target: format!("randoms-{name}.target"),
        listeners: listeners.into_iter().collect(),
    }
}

/// A port on 127.0.0.1 with one instance, `randoms-POOL@PORT.service`.
pub(crate) fn listener(pool: &str, port: u16, binds: Binds) -> Listener {
    let endpoint = endpoint(&format!("127.0.0.1:{port}"));
    Listener {
        socket: (binds == Binds::Systemd).then(|| format!("randoms-{pool}-port@{port}.socket")),
        bind: endpoint.clone(),
        endpoint,
        check: health_check(),
        services: Services::Units(vec![format!("randoms-{pool}@{port}.service")]),
    }
}

/// A port on 127.0.0.1 with one instance for each CPU behind its socket.
pub(crate) fn shared_listener(pool: &str, port: u16) -> Listener {
    Listener {
        socket: Some(format!("randoms-{pool}-{port}.socket")),
        services: Services::PerCpu {
            prefix: format!("randoms-{pool}-{port}@"),
        },
        ..listener(pool, port, Binds::Systemd)
    }
}

/// A proxy, `randoms-NAME.service`, with its status page at port 9000.
pub(crate) fn proxy(name: &str) -> Proxy {
    Proxy {
        name: name.to_owned(),
        engine: Engine::Nginx,
        unit: format!("randoms-{name}.service"),
        socket: format!("randoms-{name}.socket"),
        configuration: PathBuf::from(format!("/etc/randoms/{name}/nginx.conf")),
        kernel_settings: None,
        status_endpoint: endpoint("127.0.0.1:9000"),
        status_check: health_check(),
        tls: None,
        servers: Vec::new(),
        directories: Vec::new(),
        credentials: PathBuf::from(format!("/run/credentials/randoms-{name}.service")),
    }
}

/// `GET /health`, status 200.
pub(crate) fn health_check() -> HealthCheck {
    HealthCheck {
        path: "/health".to_owned(),
        host: "shop.example.org".to_owned(),
        status: "200".to_owned().try_into().unwrap(),
    }
}

/// An address.
pub(crate) fn endpoint(text: &str) -> Endpoint {
    text.parse().unwrap()
}
