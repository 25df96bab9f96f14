//! Rendered units and configurations use the paths and addresses of the spec.

use std::collections::BTreeSet;

use genconf::Generated;
use model::{App, Endpoint, HostSpec, Pool, Proxy};

use crate::fixture::{all, directory, file, service_files, specs, unit_file};

#[test]
fn the_units_use_the_paths_and_addresses_of_the_spec() {
    let mut checked = 0;
    for (_, made) in all() {
        for spec in specs(&made) {
            for pool in &spec.pools {
                let app = spec.app(&pool.app).expect("is described");
                checked += assert_services(&made, pool, app);
                assert_sockets(&made, &spec, pool);
            }
            for app in spec.apps.iter().filter(|app| app.watched_file.is_some()) {
                let path = app.watched_file.as_ref().expect("is watched").display();
                let unit = file(
                    &made,
                    &format!("systemd/{}-{}-watch.path", spec.project, app.name),
                );
                assert!(unit.contains(&format!("PathChanged={path}\n")), "{unit}");
            }
            spec.proxies
                .iter()
                .for_each(|proxy| assert_proxy(&made, proxy));
            if let Some(monitor) = &spec.monitor {
                let unit = file(&made, &format!("systemd/{}", monitor.unit));
                let (program, path) = (spec.paths.program.display(), spec.paths.spec.display());
                assert!(
                    unit.contains(&format!("ExecStart={program} monitor {path}\n")),
                    "{unit}"
                );
            }
        }
    }
    assert!(checked > 20, "{checked}");
}

#[test]
fn the_units_start_only_the_genconf_host_of_the_project() {
    let mut commands = BTreeSet::new();
    for (_, made) in all() {
        let program = specs(&made)[0].paths.program.display().to_string();
        let units = made.tree.iter().map(|(path, _)| path.as_str());
        for path in units.filter(|path| path.starts_with("systemd/")) {
            let unit = file(&made, path);
            for line in unit.lines().filter(|line| line.starts_with("Exec")) {
                let mut words = line.split([' ', '=', '"', '+', '-']);
                let count = line.matches("/genconf-host").count();
                assert_eq!(line.matches(&program).count(), count, "{path}: {line}");
                if count > 0 {
                    let names = ["check", "container", "monitor", "watch"];
                    commands.extend(words.find_map(|word| names.into_iter().find(|n| *n == word)));
                }
            }
        }
    }
    let commands: Vec<_> = commands.into_iter().collect();
    assert_eq!(commands, ["check", "container", "monitor", "watch"]);
}

/// Checks the services of a pool and returns their number.
fn assert_services(made: &Generated, pool: &Pool, app: &App) -> usize {
    let files: BTreeSet<String> = pool.listeners.iter().flat_map(service_files).collect();
    for name in &files {
        let unit = file(made, &format!("systemd/{name}"));
        let mut lines = vec![format!(
            "WorkingDirectory={}/current",
            app.directory.display()
        )];
        let env_file = app.env_file.iter().map(|file| file.destination.display());
        lines.extend(env_file.map(|path| format!("EnvironmentFile={path}")));
        lines.push(format!("TimeoutStartSec={}s", app.ready_timeout_ms / 1_000));
        for listener in pool.listeners.iter().filter(|l| l.socket.is_none()) {
            let Endpoint::Tcp(bind) = &listener.bind else {
                panic!("an app does not bind a unix socket");
            };
            lines.push(format!("Environment=HOST={}", bind.ip()));
        }
        for line in lines {
            assert!(unit.contains(&format!("{line}\n")), "{name} has no {line}");
        }
    }
    files.len()
}

/// The socket units listen on the endpoints, and the proxies that route to the pool connect there.
fn assert_sockets(made: &Generated, spec: &HostSpec, pool: &Pool) {
    for listener in &pool.listeners {
        let endpoint = &listener.endpoint;
        if let Some(socket) = &listener.socket {
            let name = unit_file(socket);
            let dropin = format!("systemd/hosts/{}/{name}.d/50-listen.conf", spec.host);
            let has_dropin = made.tree.iter().any(|(path, _)| path.as_str() == dropin);
            let unit = file(
                made,
                &if has_dropin {
                    dropin
                } else {
                    format!("systemd/{name}")
                },
            );
            let instance = socket
                .split_once('@')
                .and_then(|(_, rest)| rest.split_once('.'));
            let unit = unit.replace("%i", instance.map_or("", |(port, _)| port));
            assert!(
                unit.contains(&format!("ListenStream={endpoint}\n")),
                "{socket}: {endpoint}"
            );
            assert_eq!(listener.bind, *endpoint);
        }
        let routing = made.layout.proxies.iter();
        for proxy in routing.filter(|p| p.upstreams.iter().any(|u| u.pool == pool.name)) {
            let path = format!("{}/{}/{}", proxy.engine, proxy.name, proxy.file);
            assert!(
                file(made, &path).contains(&endpoint.to_string()),
                "{path}: {endpoint}"
            );
        }
    }
}

fn assert_proxy(made: &Generated, proxy: &Proxy) {
    let unit = file(made, &format!("systemd/{}", proxy.unit));
    let mut wanted = vec![format!(" {}", proxy.configuration.display())];
    wanted.extend(proxy.tls.iter().flat_map(|tls| {
        let (certificate, key) = (tls.certificate.display(), tls.key.display());
        [
            format!("LoadCredential=certificate:{certificate}\n"),
            format!("LoadCredential=certificate.key:{key}\n"),
        ]
    }));
    wanted.extend(proxy.directories.iter().map(|directory| {
        let kinds = [
            ("/run/", "Runtime"),
            ("/var/cache/", "Cache"),
            ("/var/log/", "Logs"),
        ];
        let directory = directory.to_str().expect("is UTF-8");
        let mut kinds = kinds.iter();
        let found = kinds.find_map(|(root, kind)| Some((directory.strip_prefix(root)?, kind)));
        let (name, kind) = found.expect("has a kind");
        format!("{kind}Directory={name}\n")
    }));
    for text in &wanted {
        assert!(unit.contains(text), "{} has no {text}", proxy.unit);
    }
    let created = unit
        .lines()
        .filter(|l| l.contains("Directory=") && !l.starts_with("Working"));
    assert_eq!(created.count(), proxy.directories.len(), "{}", proxy.unit);
    let name = proxy
        .configuration
        .file_name()
        .and_then(|name| name.to_str());
    let configuration = file(made, &(directory(proxy) + name.expect("is UTF-8")));
    let address = proxy.status_endpoint.to_string();
    assert!(
        configuration.contains(&address),
        "{}: {address}",
        proxy.name
    );
    if let Some(tls) = &proxy.tls {
        let credentials = proxy.credentials.display().to_string();
        assert!(configuration.contains(&credentials), "{tls:?}");
    }
}
