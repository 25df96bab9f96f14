//! Systems under test on several hosts.

use crate::response::Expect::{BodyContains, Header, Status, Tally};
use crate::single_host_systems::DEFAULTS;
use crate::system::{Artifact, HostUnits, NGINX, NONE, ONE, Processes, System};
use crate::tls::Certificate;

/// A proxy host, and two app hosts with one pool.
pub(crate) const THREE_HOSTS: System = System {
    topology: "\
version: 1
project: randoms
hosts:
  front: { address: 192.168.56.10 }
  node1: { address: 192.168.56.11 }
  node2: { address: 192.168.56.12 }
apps:
  randoms: { artifact: target/release/randoms, health: /health }
pools:
  spread: { app: randoms, ports: [8082-8085], hosts: [node1, node2] }
proxies:
  edge:
    engine: nginx
    listen: 80
    hosts: [front]
    routes:
      - { path: /api/randoms, pool: spread }
",
    project: "randoms",
    artifacts: &[("target/release/randoms", Artifact::Server)],
    ..DEFAULTS
};

pub(crate) const TWO_HOSTS: System = System {
    topology: include_str!("../../../topologies/two-hosts.yaml"),
    project: "shop",
    hosts: &[
        HostUnits {
            host: "edge1",
            units: &[
                ("shop.target", NONE),
                ("shop-front.socket", NONE),
                ("shop-front.service", NGINX),
                ("shop-front-rotate.timer", NONE),
            ],
        },
        HostUnits {
            host: "app1",
            units: &[
                ("shop.target", NONE),
                ("shop-web.target", NONE),
                ("shop-web-port@[8082-8083].socket", NONE),
                ("shop-web@[8082-8083].service", ONE),
            ],
        },
        HostUnits {
            host: "app2",
            units: &[
                ("shop.target", NONE),
                ("shop-jobs.target", NONE),
                ("shop-jobs-8090.socket", NONE),
                ("shop-jobs-8090@[1-2].service", ONE),
                ("shop-web.target", NONE),
                ("shop-web-port@[8082-8083].socket", NONE),
                ("shop-web@[8082-8083].service", ONE),
            ],
        },
    ],
    responses: &[
        ("http://192.168.56.20/api/randoms?cant=1000", Tally),
        ("http://192.168.56.20/info", BodyContains("web@808")),
        ("http://192.168.56.20/jobs/api/randoms?cant=1000", Tally),
        ("http://192.168.56.20/jobs/info", BodyContains("jobs-8090@")),
    ],
    host_checks: &[(
        "app2",
        "tr '\\0' '\\n' < /proc/$(systemctl show -P MainPID shop-jobs-8090@1)/environ | grep GREETING",
        "GREETING=50% off; \"today\" $only",
    )],
    url: "http://192.168.56.20/api/randoms",
    instances: &["web@[8082-8083]"],
    ..DEFAULTS
};

/// Apps without `sd_notify`, on the proxy host and on another host.
pub(crate) const PROBED: System = System {
    topology: "\
version: 1
project: probed
hosts:
  front: { address: 192.168.56.10 }
  node1: { address: 192.168.56.11 }
apps:
  activated:
    artifact: target/release/randoms
    sd_notify: false
    health: { path: /health, interval: 500ms, timeout: 1s }
    ready_timeout: 10s
  unactivated:
    artifact: target/release/randoms
    sd_notify: false
    socket_activation: false
    health: { path: /health, interval: 500ms, timeout: 1s }
    ready_timeout: 10s
pools:
  local: { app: activated, hosts: [front], ports: [8070], listen: unix }
  far:   { app: activated, hosts: [node1], ports: [8082-8083] }
  own:   { app: unactivated, hosts: [node1], ports: [8090] }
proxies:
  edge:
    hosts: [front]
    routes:
      - { path: /local, pool: local, rewrite: / }
      - { path: /own, pool: own, rewrite: / }
      - { path: /, pool: far }
",
    project: "probed",
    artifacts: &[("target/release/randoms", Artifact::Server)],
    hosts: &[
        HostUnits {
            host: "front",
            units: &[
                ("probed.target", NONE),
                ("probed-edge.socket", NONE),
                ("probed-edge.service", NGINX),
                ("probed-edge-rotate.timer", NONE),
                ("probed-local.target", NONE),
                ("probed-local-port@8070.socket", NONE),
                ("probed-local@8070.service", ONE),
                ("probed-monitor.service", ONE),
            ],
        },
        HostUnits {
            host: "node1",
            units: &[
                ("probed.target", NONE),
                ("probed-far.target", NONE),
                ("probed-far-port@[8082-8083].socket", NONE),
                ("probed-far@[8082-8083].service", ONE),
                ("probed-own.target", NONE),
                ("probed-own@8090.service", ONE),
                ("probed-monitor.service", ONE),
            ],
        },
    ],
    responses: &[
        ("http://192.168.56.10/api/randoms?cant=1000", Tally),
        ("http://192.168.56.10/info", BodyContains("far@808")),
        (
            "http://192.168.56.10/local/info",
            BodyContains("local@8070"),
        ),
        ("http://192.168.56.10/own/info", BodyContains("own@8090")),
    ],
    ..DEFAULTS
};

pub(crate) const REFERENCE: System = System {
    topology: include_str!("../../../topologies/reference.yaml"),
    project: "reference",
    artifacts: &[
        ("../target/release/randoms", Artifact::Server),
        (
            "reference/jobs.tar",
            Artifact::Packed(
                "jobs.js",
                include_str!("../../../topologies/reference/jobs.js"),
            ),
        ),
        (
            "reference/jobs.env",
            Artifact::File(include_str!("../../../topologies/reference/jobs.env")),
        ),
        ("../target/containers/randoms.tar", Artifact::Image),
    ],
    certificate: Some(Certificate {
        name: "example.org",
        chain: "/etc/ssl/certs/reference.pem",
        key: "/etc/ssl/private/reference.key",
    }),
    hosts: &[
        HostUnits {
            host: "edge1",
            units: &[
                ("reference.target", NONE),
                ("reference-edge.socket", NONE),
                ("reference-edge.service", NGINX),
                ("reference-edge-rotate.timer", NONE),
                ("reference-jobs.target", NONE),
                ("reference-jobs@[8090-8091].service", ONE),
                ("reference-shop.target", NONE),
                // The engine's client; the container's processes are in a scope unit of the engine.
                ("reference-shop@8092.service", ONE),
                ("reference-monitor.service", ONE),
            ],
        },
        HostUnits {
            host: "app1",
            units: REFERENCE_API,
        },
        HostUnits {
            host: "app2",
            units: REFERENCE_API,
        },
    ],
    responses: &[
        ("https://example.org/api?cant=1000", Tally),
        ("https://example.org/", BodyContains("ok")),
        ("https://example.org/shop", Status(404)),
        (
            "https://example.org/",
            Header("strict-transport-security: max-age=86400"),
        ),
        (
            "https://example.org/",
            Header("referrer-policy: no-referrer"),
        ),
        ("http://example.org/api", Status(308)),
        (
            "http://example.org/api",
            Header("location: https://example.org/api"),
        ),
    ],
    host_checks: &[
        (
            "edge1",
            "tr '\\0' '\\n' < /proc/$(systemctl show -P MainPID reference-jobs@8090)/environ | grep TOKEN",
            "TOKEN=example",
        ),
        (
            "edge1",
            "user() { stat -c %u /proc/$(systemctl show -P MainPID reference-jobs@$1); }; \
             nsenter --target $(systemctl show -P MainPID reference-jobs@8090) --mount --setuid $(user 8090) \
             touch /var/lib/reference/jobs/kept && test $(user 8091) = $(stat -c %u /var/lib/reference/jobs/kept) \
             && echo kept for both",
            "kept for both",
        ),
        (
            "edge1",
            "stat -c '%a %U' /etc/reference/jobs.env",
            "600 root",
        ),
        (
            "app1",
            "tr '\\0' '\\n' < /proc/$(systemctl show -P MainPID reference-api-8081@1)/environ | grep GREETING",
            "GREETING=hello; it costs 5% or $5",
        ),
        (
            "app1",
            "tr '\\0' ' ' < /proc/$(systemctl show -P MainPID reference-api-8081@1)/cmdline | cut -d ' ' -f 2-",
            "--log json --drain 8s",
        ),
    ],
    url: "https://example.org/api",
    instances: &["api-8081", "api-[8083-8084]"],
};

const REFERENCE_API: &[(&str, Processes)] = &[
    ("reference.target", NONE),
    ("reference-api.target", NONE),
    ("reference-api-8081.socket", NONE),
    ("reference-api-[8083-8084].socket", NONE),
    ("reference-api-8081@[1-2].service", ONE),
    ("reference-api-[8083-8084]@[1-2].service", ONE),
];
