//! Kernel settings of a proxy whose instances can leave half-open TCP connections.

use genconf::diagnostic::Diagnostics;
use genconf::render;
use genconf::source::Source;
use genconf::{Generated, generate};

/// Renders two hosts with a proxy on the first. The pool `web` is on `hosts`.
fn generated(engine: &str, hosts: &str) -> Generated {
    let topology = format!(
        "version: 1\nproject: shop\n\
         hosts: {{ a: {{ address: 192.0.2.1 }}, b: {{ address: 192.0.2.2 }} }}\n\
         apps: {{ web: {{ artifact: web }} }}\n\
         pools: {{ web: {{ app: web, hosts: {hosts}, ports: [8080] }}, own: {{ app: web, ports: [8081], hosts: [a] }} }}\n\
         proxies:\n  edge:\n    engine: {engine}\n    hosts: [a]\n    routes:\n\
         \x20     - {{ path: /, pool: web }}\n      - {{ path: /least, pool: web, balance: least_conn }}\n\
         \x20     - {{ path: /own, pool: own }}\n"
    );
    let renderers = render::embedded().expect("the embedded templates are valid");
    let mut diagnostics = Diagnostics::default();
    let source = Source::new("topology.yaml", topology.as_str());
    let made = generate(&source, ".", &renderers, &mut diagnostics);
    made.unwrap_or_else(|e| panic!("{e:?} {diagnostics:?}\n{topology}"))
}

fn file(made: &Generated, path: &str) -> Option<String> {
    let (_, file) = made.tree.iter().find(|(p, _)| p.as_str() == path)?;
    Some(String::from_utf8_lossy(&file.bytes).into_owned())
}

/// The specs of all hosts.
fn specs(made: &Generated) -> String {
    let specs = made
        .tree
        .iter()
        .filter(|(path, _)| path.as_str().starts_with("hosts/"));
    specs
        .map(|(_, file)| String::from_utf8_lossy(&file.bytes).into_owned())
        .collect()
}

#[test]
fn a_proxy_with_a_pool_on_several_hosts_has_kernel_settings() {
    for engine in ["nginx", "haproxy"] {
        let made = generated(engine, "[a, b]");
        let path = format!("{engine}/edge/sysctl.conf");
        let text = file(&made, &path).expect(&path);
        assert!(
            text.starts_with("# Written by genconf for shop: "),
            "{text}"
        );
        let settings: Vec<_> = text.lines().filter(|l| l.starts_with("net.")).collect();
        assert_eq!(
            settings,
            [
                "net.ipv4.tcp_keepalive_time = 3",
                "net.ipv4.tcp_keepalive_intvl = 1",
                "net.ipv4.tcp_keepalive_probes = 3",
                "net.ipv4.tcp_retries2 = 4",
            ]
        );
        let sources: Vec<_> = text.lines().filter(|l| l.contains("pools.")).collect();
        assert_eq!(sources, ["#   pools.web"], "{text}");
        let installed = format!("\"source\": \"{path}\"");
        assert_eq!(specs(&made).matches(&installed).count(), 1, "{engine}");
        let destination = "\"kernel_settings\": \"/etc/sysctl.d/60-shop-edge.conf\"";
        assert_eq!(specs(&made).matches(destination).count(), 1, "{engine}");
    }
}

#[test]
fn a_proxy_with_pools_on_one_host_has_no_kernel_settings() {
    for (engine, hosts) in [("nginx", "[a]"), ("haproxy", "[a]"), ("nginx", "[b]")] {
        let made = generated(engine, hosts);
        assert_eq!(file(&made, &format!("{engine}/edge/sysctl.conf")), None);
        assert!(!specs(&made).contains("sysctl"), "{engine} {hosts}");
    }
}

#[test]
fn a_proxy_with_containers_has_kernel_settings() {
    let text = "version: 1\nproject: shop\nhosts: { a: { address: 192.0.2.1 } }\n\
                apps: { web: { artifact: web.tar, runtime: container, image: web } }\n\
                pools: { web: { app: web, ports: [8080] } }\n\
                proxies: { edge: { routes: [{ path: /, pool: web }] } }\n";
    let renderers = render::embedded().expect("the embedded templates are valid");
    let source = Source::new("topology.yaml", text);
    let made = generate(&source, ".", &renderers, &mut Diagnostics::default());
    let made = made.unwrap_or_else(|e| panic!("{e:?}"));
    assert!(file(&made, "nginx/edge/sysctl.conf").is_some());
}
