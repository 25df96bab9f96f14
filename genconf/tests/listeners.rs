//! Listeners of a proxy: equal for both engines and their units, for IPv4 and IPv6.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use genconf::diagnostic::Diagnostics;
use genconf::generate;
use genconf::render;
use genconf::source::Source;

const TLS: &str = "tls: { certificate: /etc/a.pem, key: /etc/a.key }";
const IPV6: &str = "2001:db8::1";

/// A topology with one host at `address` and the given proxies.
fn topology(address: &str, proxies: &str) -> String {
    format!(
        "version: 1\nproject: shop\nhosts: {{ a: {{ address: \"{address}\" }} }}\n\
         apps: {{ web: {{ artifact: web, health: {{ timeout: 7s }} }} }}\n\
         pools: {{ web: {{ app: web, ports: [8080] }} }}\nproxies:\n{proxies}"
    )
}

/// A proxy named `edge` with the given keys.
fn proxy(engine: &str, keys: &str) -> String {
    format!("  edge: {{ engine: {engine}, {keys}, routes: [{{ path: /, pool: web }}] }}\n")
}

struct RenderedFiles(BTreeMap<String, String>);

impl RenderedFiles {
    fn of(topology: &str) -> Self {
        let renderers = render::embedded().expect("the embedded templates are valid");
        let mut diagnostics = Diagnostics::default();
        let source = Source::new("topology.yaml", topology);
        let made = generate(&source, ".", &renderers, &mut diagnostics);
        let made = made.unwrap_or_else(|e| panic!("{e:?} {diagnostics:?}\n{topology}"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let files = made.tree.iter();
        Self(
            files
                .map(|(path, file)| (path.to_string(), text(&file.bytes)))
                .collect(),
        )
    }

    fn file(&self, path: &str) -> &str {
        let missing = || panic!("no {path} among {:?}", self.0.keys());
        self.0.get(path).map_or_else(missing, String::as_str)
    }

    /// The rest of each line with the prefix `prefix`.
    fn after<'b>(&'b self, path: &str, prefix: &'b str) -> Vec<&'b str> {
        let lines = self.file(path).lines().map(str::trim);
        lines
            .filter_map(|l| l.strip_prefix(prefix))
            .map(str::trim)
            .collect()
    }

    fn sockets(&self) -> Vec<&str> {
        self.after("systemd/shop-edge.socket", "ListenStream=")
    }
}

#[test]
fn a_port_without_an_address_listens_on_ipv4_and_ipv6() {
    let cases = [
        ("192.0.2.1", "listen: 81", vec!["0.0.0.0:81", "[::]:81"]),
        (IPV6, "listen: 81", vec!["0.0.0.0:81", "[::]:81"]),
        (IPV6, "listen: \"[::]:81\"", vec!["[::]:81"]),
        (IPV6, "listen: \"0.0.0.0:81\"", vec!["0.0.0.0:81"]),
    ];
    for (address, listen, wanted) in cases {
        let nginx = RenderedFiles::of(&topology(address, &proxy("nginx", listen)));
        let haproxy = RenderedFiles::of(&topology(address, &proxy("haproxy", listen)));
        assert_eq!(nginx.sockets(), wanted, "{address}, {listen}");
        assert_eq!(haproxy.sockets(), wanted, "{address}, {listen}");
    }
}

#[test]
fn the_engine_uses_the_file_descriptors_of_the_socket_unit() {
    let keys = format!("{TLS}, server_name: [example.org]");
    let wanted = ["0.0.0.0:443", "[::]:443", "0.0.0.0:80", "[::]:80"];

    let nginx = RenderedFiles::of(&topology(IPV6, &proxy("nginx", &keys)));
    assert_eq!(nginx.sockets(), wanted);
    let descriptors = nginx.after("systemd/shop-edge.service", "Environment=NGINX=");
    assert_eq!(descriptors, ["3;4;5;6;"]);
    let listens = nginx.after("nginx/edge/nginx.conf", "listen ");
    let redirect = ["0.0.0.0:80;", "[::]:80;"];
    let others = [
        "0.0.0.0:443 default_server ssl http2;",
        "[::]:443 default_server ssl http2;",
        "0.0.0.0:80 default_server;",
        "[::]:80 default_server;",
    ];
    let serves = ["0.0.0.0:443 ssl http2;", "[::]:443 ssl http2;"];
    let status = ["127.0.0.1:9080;"];
    let all = [&redirect[..], &others, &serves, &status].concat();
    assert_eq!(listens, all);

    let haproxy = RenderedFiles::of(&topology(IPV6, &proxy("haproxy", &keys)));
    assert_eq!(haproxy.sockets(), wanted);
    let config = haproxy.file("haproxy/edge/haproxy.cfg");
    for (number, socket) in (3..).zip(wanted) {
        let bind = format!("    # {socket}\n    bind \"${{BIND-fd@{number}}}\"");
        assert_eq!(config.matches(&bind).count(), 1, "{bind}\n{config}");
    }
    assert_eq!(config.matches("fd@").count(), wanted.len());
}

#[test]
fn a_redirect_listens_on_the_address_of_its_proxy() {
    for (listen, wanted) in [
        ("\"[::]:443\"", ["[::]:443", "[::]:80"]),
        ("\"192.0.2.1:8443\"", ["192.0.2.1:8443", "192.0.2.1:80"]),
    ] {
        let keys = format!("listen: {listen}, {TLS}");
        for engine in ["nginx", "haproxy"] {
            let files = RenderedFiles::of(&topology("192.0.2.1", &proxy(engine, &keys)));
            assert_eq!(files.sockets(), wanted, "{engine}");
        }
    }
}

#[test]
fn an_ipv4_and_an_ipv6_listener_share_a_port_and_a_forwarded_port() {
    let proxies = "  four: { listen: \"0.0.0.0:81\", routes: [{ path: /, pool: web }] }\n  \
                 six: { listen: \"[::]:81\", routes: [{ path: /, pool: web }] }\n";
    let files = RenderedFiles::of(&topology("192.0.2.1", proxies));
    let forwarded = files.after(
        "vagrant/Vagrantfile",
        "machine.vm.network \"forwarded_port\",",
    );
    assert_eq!(forwarded.len(), 1, "{forwarded:?}");
    let both = RenderedFiles::of(&topology(IPV6, &proxy("nginx", "listen: 81")));
    let printed = both.after("vagrant/Vagrantfile", "#   http://localhost:");
    assert_eq!(printed.len(), 1, "{printed:?}");
}

#[test]
fn a_configured_header_replaces_the_default() {
    let own =
        format!("{TLS}, headers: {{ strict-transport-security: max-age=1, X-REQUEST-ID: none }}");
    for (engine, file) in [
        ("nginx", "nginx/edge/nginx.conf"),
        ("haproxy", "haproxy/edge/haproxy.cfg"),
    ] {
        let header_lines = |keys: &str, header: &str| {
            let files = RenderedFiles::of(&topology("192.0.2.1", &proxy(engine, keys)));
            let text = files.file(file).to_lowercase();
            let adds = ["add_header ", "add-header ", "response set-header "];
            let named = |line: &&str| adds.iter().any(|a| line.contains(&format!("{a}{header} ")));
            // nginx.conf repeats the header in every server block.
            let lines = text.lines().filter(named).map(|l| l.trim().to_owned());
            lines.collect::<BTreeSet<_>>()
        };
        for header in ["strict-transport-security", "x-request-id"] {
            let usual = header_lines(TLS, header);
            assert_eq!(usual.len(), 1, "{engine}: {usual:?}");
            let replaced = header_lines(&own, header);
            assert_eq!(replaced.len(), 1, "{engine}: {replaced:?}");
            assert_ne!(replaced, usual, "{engine}");
        }
    }
}

#[test]
fn haproxy_uses_the_timeout_of_the_health_check() {
    let keys = "timeouts: { connect: 100ms }";
    let files = RenderedFiles::of(&topology("192.0.2.1", &proxy("haproxy", keys)));
    let timeouts = files.after("haproxy/edge/haproxy.cfg", "timeout check");
    assert_eq!(timeouts, ["7000ms"]);
}

/// Verifies listeners that no example has. `verify` skips engines that are not installed.
#[test]
fn the_engines_accept_ipv4_and_ipv6_listeners() {
    let keys = format!("{TLS}, server_name: [example.org], rate_limit: {{ rate: 7/m }}");
    for engine in ["nginx", "haproxy"] {
        let folder = tempfile::TempDir::new().expect("a folder can be made");
        let file = folder.path().join("topology.yaml");
        std::fs::write(&file, topology(IPV6, &proxy(engine, &keys))).expect("can be written");
        let output = Command::new(env!("CARGO_BIN_EXE_genconf"))
            .args(["verify", "--only", engine])
            .arg(&file)
            .output()
            .expect("genconf starts");
        let report = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{engine}: {report}");
    }
}
