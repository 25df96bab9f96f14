//! Values of a spec.

use model::{ArtifactKind, HostSpec};

use crate::fixture::{generated, specs};

/// The spec of the first host.
fn first(topology: &str) -> HostSpec {
    specs(&generated(topology)).remove(0)
}

const SERVICES: &str = "\
version: 1
project: p
hosts: { a: { address: 'fd00::1', os: debian13 }, b: { address: 'fd00::2', os: debian13 } }
apps:
  jar: { artifact: a-1.tar.gz, main: lib/a.jar, runtime: jvm, build: make jar, env_file: a.env }
  box: { artifact: b.tar, image: 'b:1', runtime: container }
pools:
  jar: { app: jar, ports: [8080], hosts: [a] }
  box: { app: box, ports: [8090] }
proxies:
  edge: { hosts: [a], routes: [{ path: /, pool: jar }, { path: /box, pool: box }] }
  internal: { engine: haproxy, hosts: [b], listen: 81, routes: [{ path: /, pool: box }] }
";

#[test]
fn an_app_that_binds_its_port_is_reached_at_the_address_of_its_host() {
    let spec = first(SERVICES);
    let endpoints: Vec<_> = spec.pools.iter().flat_map(|pool| &pool.listeners).collect();
    let texts: Vec<_> = endpoints
        .iter()
        .map(|l| (l.endpoint.to_string(), l.bind.to_string(), l.socket.clone()))
        .collect();
    let wanted = [
        ("[fd00::1]:8090", "[::]:8090"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
    ];
    let wanted = wanted.map(|(endpoint, bind)| (endpoint.to_owned(), bind.to_owned(), None));
    assert_eq!(texts, wanted);
    assert_eq!(spec.proxy_hosts, ["a", "b"]);
}

#[test]
fn an_artifact_has_its_source_and_type() {
    let [image, archive] = &first(SERVICES).apps[..] else {
        panic!("there are two apps");
    };
    assert_eq!(image.artifact.kind, ArtifactKind::Image("b:1".to_owned()));
    assert_eq!(
        (image.artifact.build.as_ref(), image.env_file.as_ref()),
        (None, None)
    );
    assert_eq!(archive.artifact.kind, ArtifactKind::Archive);
    assert_eq!(archive.artifact.source, "a-1.tar.gz");
    assert_eq!(archive.artifact.executable, "lib/a.jar");
    assert_eq!(archive.artifact.build.as_deref(), Some("make jar"));
    let env_file = archive.env_file.as_ref().expect("is set");
    assert_eq!(
        (env_file.source.as_str(), env_file.destination.to_str()),
        ("a.env", Some("/etc/p/jar.env"))
    );
}

#[test]
fn a_host_needs_only_the_programs_of_what_runs_on_it() {
    let needed = |spec: &HostSpec| -> Vec<String> {
        let requirements = spec.requirements.iter();
        requirements
            .map(|r| {
                format!(
                    "{} {} {}",
                    r.any_of[0].display(),
                    r.packages[0],
                    r.masked.join(" ")
                )
            })
            .collect()
    };
    let made = generated(SERVICES);
    let [a, b] = &specs(&made)[..] else {
        panic!("there are two hosts");
    };
    let on_a = [
        "/run/dbus/system_bus_socket dbus ",
        "/usr/bin/java default-jre-headless ",
        "/usr/bin/podman podman ",
        "/usr/sbin/logrotate logrotate ",
        "/usr/sbin/nginx nginx nginx.service",
    ];
    assert_eq!(needed(a), on_a);
    let on_b = [
        "/run/dbus/system_bus_socket dbus ",
        "/usr/bin/podman podman ",
        "/usr/sbin/haproxy haproxy haproxy.service",
    ];
    assert_eq!(needed(b), on_b);
    assert_eq!(b.apps.len(), 1, "the other app has no instances there");
}
