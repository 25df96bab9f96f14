//! The topologies that are booted on several hosts, with what each of them promises.

use crate::catalogue::PLAIN;
use crate::certificate::Certificate;
use crate::reply::Expect::{Header, Says, Status, Tally};
use crate::system::{Artifact, NGINX, NONE, ONE, Processes, Running, System};

/// A proxy host and two app hosts that serve one pool.
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
    ..PLAIN
};

pub(crate) const TWO_HOSTS: System = System {
    topology: include_str!("../../../topologies/two-hosts.yaml"),
    project: "shop",
    runs: &[
        Running {
            host: "edge1",
            units: &[
                ("shop.target", NONE),
                ("shop-front.socket", NONE),
                ("shop-front.service", NGINX),
                ("shop-front-rotate.timer", NONE),
            ],
        },
        Running {
            host: "app1",
            units: &[
                ("shop.target", NONE),
                ("shop-web.target", NONE),
                ("shop-web-port@[8082-8083].socket", NONE),
                ("shop-web@[8082-8083].service", ONE),
            ],
        },
        Running {
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
    answers: &[
        ("http://192.168.56.20/api/randoms?cant=1000", Tally),
        ("http://192.168.56.20/info", Says("web@808")),
        ("http://192.168.56.20/jobs/api/randoms?cant=1000", Tally),
        ("http://192.168.56.20/jobs/info", Says("jobs-8090@")),
    ],
    facts: &[(
        "app2",
        "tr '\\0' '\\n' < /proc/$(systemctl show -P MainPID shop-jobs-8090@1)/environ | grep GREETING",
        "GREETING=50% off; \"today\" $only",
    )],
    door: "http://192.168.56.20/api/randoms",
    served_by: &["web@[8082-8083]"],
    ..PLAIN
};

/// Apps that do not speak `sd_notify`, on the proxy's host and on another.
pub(crate) const PROBED: System = System {
    topology: "\
version: 1
project: probed
hosts:
  front: { address: 192.168.56.10 }
  node1: { address: 192.168.56.11 }
apps:
  taking:
    artifact: target/release/randoms
    sd_notify: false
    health: { path: /health, interval: 500ms, timeout: 1s }
    ready_timeout: 3s
  opening:
    artifact: target/release/randoms
    sd_notify: false
    socket_activation: false
    health: { path: /health, interval: 500ms, timeout: 1s }
    ready_timeout: 3s
pools:
  local: { app: taking, hosts: [front], ports: [8070], listen: unix }
  far:   { app: taking, hosts: [node1], ports: [8082-8083] }
  own:   { app: opening, hosts: [node1], ports: [8090] }
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
    runs: &[
        Running {
            host: "front",
            units: &[
                ("probed.target", NONE),
                ("probed-edge.socket", NONE),
                ("probed-edge.service", NGINX),
                ("probed-edge-rotate.timer", NONE),
                ("probed-local.target", NONE),
                ("probed-local-port@8070.socket", NONE),
                ("probed-local@8070.service", ONE),
                ("probed-local-probe.timer", NONE),
            ],
        },
        Running {
            host: "node1",
            units: &[
                ("probed.target", NONE),
                ("probed-far.target", NONE),
                ("probed-far-port@[8082-8083].socket", NONE),
                ("probed-far@[8082-8083].service", ONE),
                ("probed-far-probe.timer", NONE),
                ("probed-own.target", NONE),
                ("probed-own@8090.service", ONE),
                ("probed-own-probe.timer", NONE),
            ],
        },
    ],
    answers: &[
        ("http://192.168.56.10/api/randoms?cant=1000", Tally),
        ("http://192.168.56.10/info", Says("far@808")),
        ("http://192.168.56.10/local/info", Says("local@8070")),
        ("http://192.168.56.10/own/info", Says("own@8090")),
    ],
    ..PLAIN
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
    runs: &[
        Running {
            host: "edge1",
            units: &[
                ("reference.target", NONE),
                ("reference-edge.socket", NONE),
                ("reference-edge.service", NGINX),
                ("reference-edge-rotate.timer", NONE),
                ("reference-jobs.target", NONE),
                ("reference-jobs@[8090-8091].service", ONE),
                ("reference-jobs-probe.timer", NONE),
                ("reference-shop.target", NONE),
                // The engine's client; the container itself is in a scope of the engine's.
                ("reference-shop@8092.service", ONE),
                ("reference-shop-probe.timer", NONE),
            ],
        },
        Running {
            host: "app1",
            units: REFERENCE_API,
        },
        Running {
            host: "app2",
            units: REFERENCE_API,
        },
    ],
    answers: &[
        ("https://example.org/api?cant=1000", Tally),
        ("https://example.org/", Says("ok")),
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
    facts: &[
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
    door: "https://example.org/api",
    served_by: &["api-8081", "api-[8083-8084]"],
};

const REFERENCE_API: &[(&str, Processes)] = &[
    ("reference.target", NONE),
    ("reference-api.target", NONE),
    ("reference-api-8081.socket", NONE),
    ("reference-api-[8083-8084].socket", NONE),
    ("reference-api-8081@[1-2].service", ONE),
    ("reference-api-[8083-8084]@[1-2].service", ONE),
];
