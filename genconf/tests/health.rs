//! All health checks of an app send the same Host header and expect the same status codes.

use genconf::diagnostic::Diagnostics;
use genconf::layout::Layout;
use genconf::render;
use genconf::source::Source;
use genconf::{Generated, generate};

fn generated(health: &str, proxies: &str) -> Generated {
    let topology = format!(
        "version: 1\nproject: shop\nhosts: {{ a: {{ address: 192.0.2.1 }} }}\n\
         apps: {{ web: {{ artifact: web.js, runtime: node, health: {health} }} }}\n\
         pools:\n  web: {{ app: web, ports: [8080] }}\n  spare: {{ app: web, ports: [8090] }}\n\
         proxies:\n{proxies}"
    );
    let renderers = render::embedded().expect("the embedded templates are sound");
    let mut diagnostics = Diagnostics::default();
    let source = Source::new("topology.yaml", topology.as_str());
    let made = generate(&source, ".", &renderers, &mut diagnostics);
    made.unwrap_or_else(|e| panic!("{e:?} {diagnostics:?}\n{topology}"))
}

/// A proxy with this port, these names, and a route to `pool`.
fn proxy(name: &str, port: u16, names: &str, pool: &str) -> String {
    let names = match names {
        "" => String::new(),
        names => format!("server_name: {names}, "),
    };
    format!("  {name}: {{ listen: {port}, {names}routes: [{{ path: /, pool: {pool} }}] }}\n")
}

/// Host header and status codes of each check of the pool `web`, with the program that checks.
fn checks(layout: &Layout) -> Vec<(&'static str, String, String)> {
    let mut checks = Vec::new();
    for pool in layout.pools.iter().filter(|p| p.name == "web") {
        let status = pool.app.health_status.to_string();
        checks.push(("probe", pool.health_host.clone(), status));
    }
    let pools = layout.hosts.iter().flat_map(|h| &h.pools);
    for listener in pools.filter(|p| p.name == "web").flat_map(|p| &p.listeners) {
        let check = &listener.health;
        checks.push(("host", check.host.clone(), check.status.to_string()));
    }
    let upstreams = layout.proxies.iter().flat_map(|p| &p.upstreams);
    for upstream in upstreams.filter(|u| u.pool == "web") {
        let status = upstream.health_status.to_string();
        checks.push(("proxy", upstream.health_host.clone(), status));
    }
    checks
}

fn assert_checks(health: &str, proxies: &str, host: &str, status: &str) {
    let made = generated(health, proxies);
    let checks = checks(&made.layout);
    assert!(checks.len() >= 3, "{checks:?}");
    for (who, sent, expected) in checks {
        assert_eq!((sent.as_str(), expected.as_str()), (host, status), "{who}");
    }
}

#[test]
fn the_default_status_is_200_to_299() {
    let edge = proxy("edge", 80, "", "web");
    for (written, status) in [
        ("/up", "200-299"),
        ("{ path: /up }", "200-299"),
        ("{ status: 204 }", "204"),
        ("{ status: 200-399 }", "200-399"),
        ("{ status: [200-299, 401] }", "200-299,401"),
    ] {
        assert_checks(written, &edge, "localhost", status);
    }
}

#[test]
fn the_default_host_is_a_server_name_of_the_first_proxy_with_a_route() {
    let both = |first: &str, second: &str| {
        let last = proxy("zone", 81, second, "web");
        [last, proxy("edge", 80, first, "web")].concat()
    };
    let names = "[\"*.example.org\", shop.example.org, www.example.org]";
    for (proxies, host) in [
        (both("", ""), "localhost"),
        (both(names, "[other.example]"), "shop.example.org"),
        (both("[_]", names), "shop.example.org"),
        (
            both("[\"*.example.org\"]", "[other.example]"),
            "other.example",
        ),
    ] {
        assert_checks("/up", &proxies, host, "200-299");
    }
    // Server names of proxies without a route to the pool do not apply.
    let elsewhere = proxy("front", 82, "[front.example]", "spare");
    let proxies = [elsewhere, both("", names)].concat();
    assert_checks("/up", &proxies, "shop.example.org", "200-299");
    for written in ["admin.example.org:8443", "127.0.0.1", "\"[::1]:80\""] {
        let host = written.trim_matches('"');
        let health = format!("{{ host: {written} }}");
        assert_checks(&health, &both(names, names), host, "200-299");
    }
}

#[test]
fn every_rendered_check_prints_the_host_and_the_status() {
    let health = "{ path: /up, host: \"[2001:db8::1]:80\", status: [204, 300-399] }";
    let made = generated(health, &proxy("edge", 80, "", "web"));
    let lines = |path: &str, start: &str| {
        let (_, file) = made
            .tree
            .iter()
            .find(|(p, _)| p.as_str() == path)
            .expect(path);
        let text = String::from_utf8_lossy(&file.bytes).into_owned();
        let line = text.lines().find(|line| line.contains(start));
        line.unwrap_or_else(|| panic!("no {start} in {path}"))
            .to_owned()
    };
    let spec = lines("hosts/a.json", "\"host\": \"[");
    assert!(spec.contains("[2001:db8::1]:80"), "{spec}");
    let spec = lines("hosts/a.json", "\"status\":");
    assert!(spec.contains("204,300-399"), "{spec}");
    let command = lines("RUNBOOK.md", "curl -i -H 'Host:");
    assert!(command.contains("'Host: [2001:db8::1]:80'"), "{command}");
}
