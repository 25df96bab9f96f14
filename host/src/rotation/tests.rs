use std::path::Path;

use model::Server;

use super::*;
use crate::host::fixture::{bare_spec, endpoint, health_check, proxy};
use crate::observation::fixture::FakeHost;
use crate::systemd::Activity;

const NGINX: &str = "\
    upstream jobs {
        server 192.0.2.2:8090 max_fails=0;
    }
    upstream web {
        server 192.0.2.1:8082 weight=2 max_fails=3 fail_timeout=10s; # app1
        server 192.0.2.2:8082 max_fails=3 fail_timeout=10s; # app2
        server [2001:db8::1]:8082 max_fails=3 fail_timeout=10s; # app
        server 192.0.2.9:8082 max_fails=3 fail_timeout=10s; # app1.example.org
        keepalive 64; # app1
    }
";
const HAPROXY: &str = "\
backend web
    server app1-8082 192.0.2.1:8082 weight 2 # app1
    server app2-8082 192.0.2.2:8082 # app2
backend jobs
    server app1-8090 192.0.2.1:8090
";
const EDGE: &str = "randoms-edge.service";
const PATH: &str = "/etc/randoms/edge/nginx.conf";

/// Lines of `after` that are not in `before`.
fn different<'a>(before: &str, after: &'a str) -> Vec<&'a str> {
    let is_new = |line: &&str| !before.lines().any(|other| other == *line);
    after.lines().filter(is_new).map(str::trim).collect()
}

#[test]
fn only_the_servers_of_one_host_are_marked() {
    let nginx = marked(NGINX, &["app1".to_owned()]);
    let wanted = "server 192.0.2.1:8082 weight=2 max_fails=3 fail_timeout=10s backup; # app1";
    assert_eq!(different(NGINX, &nginx), [wanted]);
    let haproxy = marked(HAPROXY, &["app1".to_owned()]);
    let wanted = "server app1-8082 192.0.2.1:8082 weight 2 backup # app1";
    assert_eq!(different(HAPROXY, &haproxy), [wanted]);
    for marked_once in [nginx, haproxy] {
        assert_eq!(marked(&marked_once, &["app1".to_owned()]), marked_once);
    }
}

#[test]
fn where_nginx_has_no_backup_servers_the_server_is_down() {
    for method in ["ip_hash;", "random two least_conn;"] {
        let web = format!("upstream web {{\n        {method}");
        let text = NGINX.replace("upstream web {", &web);
        let out = marked(&text, &["app1".to_owned()]);
        let wanted = "server 192.0.2.1:8082 weight=2 max_fails=3 fail_timeout=10s down; # app1";
        assert_eq!(different(&text, &out), [wanted], "{method}");
        assert_eq!(marked(&out, &[]), text);
        // In that upstream only.
        let jobs = format!("upstream jobs {{\n        {method}");
        let text = NGINX.replace("upstream jobs {", &jobs);
        assert!(
            marked(&text, &["app1".to_owned()]).contains("backup; # app1\n"),
            "{method}"
        );
    }
}

#[test]
fn a_configuration_without_marks_is_the_one_from_before() {
    for text in [NGINX, HAPROXY, HAPROXY.trim_end(), "", "events {}\n"] {
        for host in ["app1", "app2", "app", "app9"] {
            assert_eq!(marked(&marked(text, &[host.to_owned()]), &[]), text);
        }
    }
}

#[test]
fn a_mark_that_an_interrupted_run_has_left_is_removed() {
    for text in [NGINX, HAPROXY] {
        let left = marked(text, &["app1".to_owned()]);
        assert_eq!(
            marked(&left, &["app2".to_owned()]),
            marked(text, &["app2".to_owned()])
        );
    }
}

/// A host with a proxy that uses the configuration on disk.
async fn host_with(engine: Engine, configuration: &str) -> FakeHost {
    let mut spec = bare_spec();
    let addresses = [
        "192.0.2.1:8082",
        "192.0.2.2:8082",
        "[2001:db8::1]:8082",
        "192.0.2.9:8082",
    ];
    let server = |address: &str| Server {
        endpoint: endpoint(address),
        check: health_check(),
    };
    spec.proxies = vec![proxy("edge")];
    spec.proxies[0].engine = engine;
    spec.proxies[0].servers = addresses.map(server).into();
    let fake = FakeHost::new(spec);
    fake.write(PATH, configuration);
    fake.start(EDGE);
    fake.record(EDGE).await;
    fake
}

/// Proxies that reload, and the lines of the configuration that change.
async fn rotated(fake: &FakeHost, out: &[String]) -> (Vec<String>, Vec<String>) {
    let before = fake.read(Path::new(PATH));
    let reloaded = rotate(fake.context(), out).await.unwrap();
    let after = fake.read(Path::new(PATH));
    let lines = different(&before, &after)
        .into_iter()
        .map(str::to_owned)
        .collect();
    (reloaded, lines)
}

#[tokio::test]
async fn the_proxy_reloads_its_marked_file_and_reloads_it_again_without_the_mark() {
    for (engine, text) in [(Engine::Nginx, NGINX), (Engine::Haproxy, HAPROXY)] {
        let fake = host_with(engine, text).await;
        assert_eq!(rotated(&fake, &["app1".to_owned()]).await.0, [EDGE]);
        assert_eq!(
            fake.read(Path::new(PATH)),
            marked(text, &["app1".to_owned()])
        );
        // It uses the marked file, so it can be changed again.
        assert_eq!(rotated(&fake, &["app1".to_owned()]).await, (vec![], vec![]));
        assert_eq!(rotated(&fake, &["app2".to_owned()]).await.0, [EDGE]);
        assert_eq!(rotated(&fake, &[]).await.0, [EDGE]);
        assert_eq!(fake.read(Path::new(PATH)), text);
        let reload = format!("reload {EDGE}");
        assert_eq!(fake.systemd.take_requests(), [&*reload, &reload, &reload]);
        let steps = crate::plan::proxies(&fake.host, &fake.observe().await);
        let reloads = |step: &crate::plan::Step| step.to_string() == reload;
        assert!(!steps.iter().any(reloads), "the reload was not recorded");
    }
}

#[tokio::test]
async fn a_host_stays_in_rotation_where_no_other_server_is_healthy() {
    for (engine, text, out, is_spared) in [
        (Engine::Nginx, NGINX, "app2", true),
        (Engine::Haproxy, HAPROXY, "app2", true),
        (Engine::Nginx, NGINX, "app1", true),
        (Engine::Haproxy, HAPROXY, "app1", false),
        (Engine::Nginx, NGINX, "app", true),
    ] {
        let fake = host_with(engine, text).await;
        fake.checker.fail("192.0.2.2:8082", "status 500");
        fake.checker.fail("192.0.2.9:8082", "status 500");
        let (reloaded, _) = rotated(&fake, &[out.to_owned()]).await;
        assert_eq!(!reloaded.is_empty(), is_spared, "{out} with {engine}");
    }
    let fake = host_with(Engine::Nginx, NGINX).await;
    for address in ["192.0.2.2:8082", "[2001:db8::1]:8082", "192.0.2.9:8082"] {
        fake.checker.fail(address, "status 500");
    }
    assert_eq!(rotated(&fake, &["app1".to_owned()]).await, (vec![], vec![]));
    // A server that the spec does not describe cannot be checked.
    let fake = host_with(Engine::Haproxy, &HAPROXY.replace("192.0.2.2", "192.0.2.3")).await;
    assert_eq!(rotated(&fake, &["app1".to_owned()]).await, (vec![], vec![]));
}

#[tokio::test]
async fn a_host_that_cannot_be_spared_returns_the_one_that_was_out() {
    let fake = host_with(Engine::Haproxy, HAPROXY).await;
    rotated(&fake, &["app1".to_owned()]).await;
    fake.checker.fail("192.0.2.1:8082", "status 500");
    assert_eq!(rotated(&fake, &["app2".to_owned()]).await.0, [EDGE]);
    assert_eq!(fake.read(Path::new(PATH)), HAPROXY);
}

#[tokio::test]
async fn a_configuration_that_the_proxy_does_not_use_yet_is_left_as_it_is() {
    let fake = host_with(Engine::Nginx, NGINX).await;
    fake.write(PATH, &format!("# new\n{NGINX}"));
    assert_eq!(rotated(&fake, &["app1".to_owned()]).await, (vec![], vec![]));
    assert_eq!(fake.systemd.take_requests(), [""; 0]);
    // But the mark of an interrupted run is removed from it.
    fake.write(PATH, &marked(NGINX, &["app1".to_owned()]));
    assert_eq!(rotated(&fake, &[]).await.0, [EDGE]);
    assert_eq!(fake.read(Path::new(PATH)), NGINX);
}

#[tokio::test]
async fn a_proxy_that_is_down_cannot_reload_and_does_not_fail_the_run() {
    let fake = host_with(Engine::Nginx, NGINX).await;
    fake.systemd
        .edit(EDGE, |state| state.activity = Activity::Failed);
    assert_eq!(rotated(&fake, &["app1".to_owned()]).await, (vec![], vec![]));
    fake.write(PATH, &marked(NGINX, &["app1".to_owned()]));
    assert_eq!(rotated(&fake, &[]).await.0, [""; 0]);
    assert_eq!(fake.read(Path::new(PATH)), NGINX);
    assert_eq!(fake.systemd.take_requests(), [""; 0]);
}

#[tokio::test]
async fn a_missing_configuration_is_an_error_with_its_path() {
    let fake = host_with(Engine::Nginx, NGINX).await;
    std::fs::remove_file(fake.machine.root.resolve(Path::new(PATH))).unwrap();
    let failure = rotate(fake.context(), &[]).await.unwrap_err();
    assert!(
        failure.to_string().contains("edge/nginx.conf: "),
        "{failure}"
    );
}
