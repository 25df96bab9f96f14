//! Where a proxy listens, and what it says there: the same by both engines and in their units.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use genconf::diagnostic::Diagnostics;
use genconf::generate;
use genconf::render;
use genconf::source::Source;

const SEALED: &str = "tls: { certificate: /etc/a.pem, key: /etc/a.key }";
const SIX: &str = "2001:db8::1";

/// A host at `address` and the doors in front of its pool.
fn topology(address: &str, proxies: &str) -> String {
    format!(
        "version: 1\nproject: shop\nhosts: {{ a: {{ address: \"{address}\" }} }}\n\
         apps: {{ web: {{ artifact: web, health: {{ timeout: 7s }} }} }}\n\
         pools: {{ web: {{ app: web, ports: [8080] }} }}\nproxies:\n{proxies}"
    )
}

/// One door, called `edge`, with these keys.
fn door(engine: &str, keys: &str) -> String {
    format!("  edge: {{ engine: {engine}, {keys}, routes: [{{ path: /, pool: web }}] }}\n")
}

struct Bundle(BTreeMap<String, String>);

impl Bundle {
    fn of(topology: &str) -> Self {
        let renderers = render::embedded().expect("the embedded templates are sound");
        let mut faults = Diagnostics::default();
        let source = Source::new("topology.yaml", topology);
        let made = generate(&source, ".", &renderers, &mut faults);
        let made = made.unwrap_or_else(|e| panic!("{e:?} {faults:?}\n{topology}"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let files = made.tree.iter();
        Self(
            files
                .map(|(path, artifact)| (path.to_string(), text(&artifact.bytes)))
                .collect(),
        )
    }

    fn file(&self, path: &str) -> &str {
        let known = || panic!("no {path} among {:?}", self.0.keys());
        self.0.get(path).map_or_else(known, String::as_str)
    }

    /// What follows `start` on each line that begins with it.
    fn after<'b>(&'b self, path: &str, start: &'b str) -> Vec<&'b str> {
        let lines = self.file(path).lines().map(str::trim);
        lines
            .filter_map(|l| l.strip_prefix(start))
            .map(str::trim)
            .collect()
    }

    fn sockets(&self) -> Vec<&str> {
        self.after("systemd/shop-edge.socket", "ListenStream=")
    }
}

#[test]
fn a_port_alone_listens_on_both_families() {
    let doors = [
        ("192.0.2.1", "listen: 81", vec!["0.0.0.0:81", "[::]:81"]),
        (SIX, "listen: 81", vec!["0.0.0.0:81", "[::]:81"]),
        (SIX, "listen: \"[::]:81\"", vec!["[::]:81"]),
        (SIX, "listen: \"0.0.0.0:81\"", vec!["0.0.0.0:81"]),
    ];
    for (address, listen, wanted) in doors {
        let nginx = Bundle::of(&topology(address, &door("nginx", listen)));
        let haproxy = Bundle::of(&topology(address, &door("haproxy", listen)));
        assert_eq!(nginx.sockets(), wanted, "{address}, {listen}");
        assert_eq!(haproxy.sockets(), wanted, "{address}, {listen}");
    }
}

#[test]
fn descriptors_are_counted_alike_by_the_socket_and_the_engine() {
    let keys = format!("{SEALED}, server_name: [example.org]");
    let wanted = ["0.0.0.0:443", "[::]:443", "0.0.0.0:80", "[::]:80"];

    let nginx = Bundle::of(&topology(SIX, &door("nginx", &keys)));
    assert_eq!(nginx.sockets(), wanted);
    let handed = nginx.after("systemd/shop-edge.service", "Environment=NGINX=");
    assert_eq!(handed, ["3;4;5;6;"]);
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

    let haproxy = Bundle::of(&topology(SIX, &door("haproxy", &keys)));
    assert_eq!(haproxy.sockets(), wanted);
    let config = haproxy.file("haproxy/edge/haproxy.cfg");
    for (number, socket) in (3..).zip(wanted) {
        let bind = format!("    # {socket}\n    bind \"${{BIND-fd@{number}}}\"");
        assert_eq!(config.matches(&bind).count(), 1, "{bind}\n{config}");
    }
    assert_eq!(config.matches("fd@").count(), wanted.len());
}

#[test]
fn a_redirect_listens_at_the_address_of_its_door() {
    for (listen, wanted) in [
        ("\"[::]:443\"", ["[::]:443", "[::]:80"]),
        ("\"192.0.2.1:8443\"", ["192.0.2.1:8443", "192.0.2.1:80"]),
    ] {
        let keys = format!("listen: {listen}, {SEALED}");
        for engine in ["nginx", "haproxy"] {
            let bundle = Bundle::of(&topology("192.0.2.1", &door(engine, &keys)));
            assert_eq!(bundle.sockets(), wanted, "{engine}");
        }
    }
}

#[test]
fn doors_of_two_families_share_a_port_and_one_forwarding() {
    let doors = "  four: { listen: \"0.0.0.0:81\", routes: [{ path: /, pool: web }] }\n  \
                 six: { listen: \"[::]:81\", routes: [{ path: /, pool: web }] }\n";
    let bundle = Bundle::of(&topology("192.0.2.1", doors));
    let forwarded = bundle.after(
        "vagrant/Vagrantfile",
        "machine.vm.network \"forwarded_port\",",
    );
    assert_eq!(forwarded.len(), 1, "{forwarded:?}");
    let both = Bundle::of(&topology(SIX, &door("nginx", "listen: 81")));
    let told = both.after("vagrant/Vagrantfile", "#   http://localhost:");
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_header_of_the_user_s_replaces_ours() {
    let own = format!(
        "{SEALED}, headers: {{ strict-transport-security: max-age=1, X-REQUEST-ID: none }}"
    );
    for (engine, file) in [
        ("nginx", "nginx/edge/nginx.conf"),
        ("haproxy", "haproxy/edge/haproxy.cfg"),
    ] {
        let said = |keys: &str, header: &str| {
            let bundle = Bundle::of(&topology("192.0.2.1", &door(engine, keys)));
            let text = bundle.file(file).to_lowercase();
            let adds = ["add_header ", "add-header ", "response set-header "];
            let named = |line: &&str| adds.iter().any(|a| line.contains(&format!("{a}{header} ")));
            // Several servers of one nginx.conf may say the same.
            let lines = text.lines().filter(named).map(|l| l.trim().to_owned());
            lines.collect::<BTreeSet<_>>()
        };
        for header in ["strict-transport-security", "x-request-id"] {
            let usual = said(SEALED, header);
            assert_eq!(usual.len(), 1, "{engine}: {usual:?}");
            let replaced = said(&own, header);
            assert_eq!(replaced.len(), 1, "{engine}: {replaced:?}");
            assert_ne!(replaced, usual, "{engine}");
        }
    }
}

#[test]
fn haproxy_waits_for_a_health_check_as_long_as_the_app_may_take() {
    let keys = "timeouts: { connect: 100ms }";
    let bundle = Bundle::of(&topology("192.0.2.1", &door("haproxy", keys)));
    let waits = bundle.after("haproxy/edge/haproxy.cfg", "timeout check");
    assert_eq!(waits, ["7000ms"]);
}

/// What nginx and `HAProxy` say of doors that no example has; not asked where they are missing.
#[test]
fn the_engines_take_doors_of_both_families() {
    let keys = format!("{SEALED}, server_name: [example.org], rate_limit: {{ rate: 7/m }}");
    for engine in ["nginx", "haproxy"] {
        let folder = tempfile::TempDir::new().expect("a folder can be made");
        let file = folder.path().join("topology.yaml");
        std::fs::write(&file, topology(SIX, &door(engine, &keys))).expect("can be written");
        let output = Command::new(env!("CARGO_BIN_EXE_genconf"))
            .args(["verify", "--only", engine])
            .arg(&file)
            .output()
            .expect("genconf starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{engine}: {said}");
    }
}
