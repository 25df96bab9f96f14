//! Hosts of the tests.

use std::path::PathBuf;

use model::{
    App, Artifact, ArtifactKind, EnvFile, FORMAT, HealthCheck, HostSpec, Listener, Paths, Pool,
    Services,
};

/// The app of the first pool.
pub(crate) const APP: &str = "randoms";

/// One pool of fork instances, each with its own socket.
pub(crate) fn one_app(instances: u16) -> HostSpec {
    let listeners = (0..instances).map(|n| listener(n, vec![service(n)]));
    let pool = pool("spread", APP, listeners.collect());
    spec(vec![app(APP)], vec![pool])
}

/// Two fork instances of the first app; one fork instance and two workers behind a shared socket of the
/// second one.
pub(crate) fn two_apps() -> HostSpec {
    let own = |n| listener(n, vec![service(n)]);
    let workers = (1..=2).map(|n| format!("randoms-web-8085@{n}.service"));
    let shared = Listener {
        socket: Some("randoms-web-8085.socket".to_owned()),
        ..listener(3, workers.collect())
    };
    let pools = vec![
        pool("spread", APP, vec![own(0), own(1)]),
        pool("web", "web", vec![shared, own(2)]),
    ];
    spec(vec![app(APP), app("web")], pools)
}

/// The nth fork instance.
pub(crate) fn service(n: u16) -> String {
    format!("randoms-spread@{}.service", port(n))
}

/// The socket of the nth fork instance.
pub(crate) fn socket(n: u16) -> String {
    format!("randoms-spread-port@{}.socket", port(n))
}

fn port(n: u16) -> u16 {
    8082 + n
}

fn listener(n: u16, services: Vec<String>) -> Listener {
    let endpoint = format!("127.0.0.1:{}", port(n));
    let endpoint: model::Endpoint = endpoint.parse().unwrap();
    Listener {
        socket: Some(socket(n)),
        bind: endpoint.clone(),
        endpoint,
        check: HealthCheck {
            path: "/health".to_owned(),
            host: "localhost".to_owned(),
            status: "200-299".to_owned().try_into().unwrap(),
        },
        services: Services::Units(services),
    }
}

fn pool(name: &str, app: &str, listeners: Vec<Listener>) -> Pool {
    Pool {
        name: name.to_owned(),
        app: app.to_owned(),
        target: format!("randoms-{name}.target"),
        listeners,
    }
}

fn app(name: &str) -> App {
    App {
        name: name.to_owned(),
        directory: PathBuf::from(format!("/opt/randoms/{name}")),
        artifact: Artifact {
            source: format!("target/{name}"),
            build: Some("cargo build".to_owned()),
            executable: name.to_owned(),
            kind: ArtifactKind::File,
        },
        env_file: Some(EnvFile {
            source: format!("{name}.env"),
            destination: PathBuf::from(format!("/etc/randoms/{name}.env")),
        }),
        watched_file: None,
        stop_timeout_ms: 1_000,
        ready_timeout_ms: 30_000,
    }
}

fn spec(apps: Vec<App>, pools: Vec<Pool>) -> HostSpec {
    HostSpec {
        format: FORMAT,
        project: "randoms".to_owned(),
        host: "node1".to_owned(),
        target: "randoms.target".to_owned(),
        slice: "randoms.slice".to_owned(),
        paths: Paths {
            spec: "/etc/randoms/spec.json".into(),
            configuration: "/etc/randoms".into(),
            apps: "/opt/randoms".into(),
            uploads: "/opt/randoms/uploads".into(),
            logs: "/var/log/randoms".into(),
            state: "/var/lib/genconf/randoms".into(),
            runtime: "/run/genconf/randoms".into(),
            program: "/opt/randoms/bin/genconf-host".into(),
        },
        apps,
        pools,
        proxies: Vec::new(),
        triggers: Vec::new(),
        files: Vec::new(),
        requirements: Vec::new(),
        monitor: None,
        proxy_hosts: Vec::new(),
    }
}
