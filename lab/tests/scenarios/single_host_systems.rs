//! Systems under test on one host.

use crate::response::Expect::{BodyContains, Header, Status, Tally};
use crate::system::{Artifact, HostUnits, NGINX, NONE, ONE, Processes, System};
use crate::tls::Certificate;

/// The server at the path that most topologies have.
const SERVER: &[(&str, Artifact)] = &[("../target/release/randoms", Artifact::Server)];

/// Defaults of the systems: an unencrypted listener and the server on one host.
pub(crate) const DEFAULTS: System = System {
    topology: "",
    project: "",
    artifacts: SERVER,
    certificate: None,
    hosts: &[],
    responses: &[],
    host_checks: &[],
    url: "http://192.168.56.11/api/randoms",
    instances: &[],
};

/// The topology at the root of the repository: one host with every pool mode.
pub(crate) const ROOT: System = System {
    topology: include_str!("../../../topology.yaml"),
    project: "randoms",
    artifacts: &[("target/release/randoms", Artifact::Server)],
    hosts: &[HostUnits {
        host: "node1",
        units: &[
            ("randoms.target", NONE),
            ("randoms-single.target", NONE),
            ("randoms-shared.target", NONE),
            ("randoms-spread.target", NONE),
            ("randoms-edge.socket", NONE),
            ("randoms-edge.service", NGINX),
            ("randoms-edge-rotate.timer", NONE),
            ("randoms-single-port@8080.socket", NONE),
            ("randoms-single@8080.service", ONE),
            ("randoms-shared-8081.socket", NONE),
            ("randoms-shared-8081@[1-max].service", ONE),
            ("randoms-spread-port@[8082-8085].socket", NONE),
            ("randoms-spread@[8082-8085].service", ONE),
        ],
    }],
    responses: &[
        ("http://192.168.56.11/api/randoms?cant=1000", Tally),
        ("http://192.168.56.11/api/randoms/?cant=1000", Tally),
        ("http://192.168.56.11/cluster/api/randoms?cant=1000", Tally),
        ("http://192.168.56.11/info", BodyContains("single@8080")),
    ],
    ..DEFAULTS
};

pub(crate) const HAPROXY: System = System {
    topology: include_str!("../../../topologies/haproxy.yaml"),
    project: "randoms",
    hosts: &[HostUnits {
        host: "node1",
        units: &[
            ("randoms.target", NONE),
            ("randoms-single.target", NONE),
            ("randoms-spread.target", NONE),
            ("randoms-edge.socket", NONE),
            // A master process, and a worker process with one thread per CPU.
            ("randoms-edge.service", Processes::Exactly(2)),
            ("randoms-single-port@8080.socket", NONE),
            ("randoms-single@8080.service", ONE),
            ("randoms-spread-port@[8082-8085].socket", NONE),
            ("randoms-spread@[8082-8085].service", ONE),
        ],
    }],
    responses: &[
        ("http://192.168.56.11/api/randoms?cant=1000", Tally),
        ("http://192.168.56.11/cluster/api/randoms?cant=1000", Tally),
        ("http://192.168.56.11/info", BodyContains("single@8080")),
        ("http://192.168.56.11/info", Header("x-frame-options: DENY")),
    ],
    host_checks: &[(
        "node1",
        "python3 -c 'import urllib.request as web; print(web.urlopen(\"http://127.0.0.1:9080/status\").status)'",
        "200",
    )],
    instances: &["spread@[8082-8085]"],
    ..DEFAULTS
};

pub(crate) const SINGLE: System = System {
    topology: include_str!("../../../topologies/single.yaml"),
    project: "single",
    hosts: &[HostUnits {
        host: "node1",
        units: &[
            ("single.target", NONE),
            ("single-web.target", NONE),
            ("single-edge.socket", NONE),
            ("single-edge.service", NGINX),
            ("single-edge-rotate.timer", NONE),
            ("single-web-port@8080.socket", NONE),
            ("single-web@8080.service", ONE),
        ],
    }],
    responses: &[
        ("http://192.168.56.11/api/randoms?cant=1000", Tally),
        ("http://192.168.56.11/info", BodyContains("web@8080")),
    ],
    instances: &["web@8080"],
    ..DEFAULTS
};

/// Ten instances whose health is probed every second.
pub(crate) const TEN_PROBED: System = System {
    topology: "\
version: 1
project: ten
hosts:
  node1: { address: 192.168.56.11 }
apps:
  web:
    artifact: target/release/randoms
    sd_notify: false
    health: { path: /health, interval: 1s }
pools:
  web: { app: web, ports: [8081-8090] }
proxies:
  edge: { routes: [{ path: /, pool: web }] }
",
    project: "ten",
    artifacts: &[("target/release/randoms", Artifact::Server)],
    hosts: &[HostUnits {
        host: "node1",
        units: &[
            ("ten.target", NONE),
            ("ten-web.target", NONE),
            ("ten-edge.socket", NONE),
            ("ten-edge.service", NGINX),
            ("ten-edge-rotate.timer", NONE),
            ("ten-web-port@[8081-8090].socket", NONE),
            ("ten-web@[8081-8090].service", ONE),
            ("ten-monitor.service", ONE),
        ],
    }],
    responses: &[("http://192.168.56.11/info", BodyContains("web@80"))],
    ..DEFAULTS
};

pub(crate) const PM2_FOUR_PORTS: System = System {
    topology: include_str!("../../../topologies/pm2-four-ports.yaml"),
    project: "ports",
    hosts: &[HostUnits {
        host: "node1",
        units: &[
            ("ports.target", NONE),
            ("ports-randoms.target", NONE),
            ("ports-edge.socket", NONE),
            ("ports-edge.service", NGINX),
            ("ports-edge-rotate.timer", NONE),
            ("ports-randoms-port@[8082-8085].socket", NONE),
            ("ports-randoms@[8082-8085].service", ONE),
        ],
    }],
    responses: &[
        ("http://192.168.56.11:8080/api/randoms/?cant=1000", Tally),
        ("http://192.168.56.11:8080/info", Status(404)),
    ],
    url: "http://192.168.56.11:8080/api/randoms/",
    instances: &["randoms@[8082-8085]"],
    ..DEFAULTS
};

pub(crate) const DEVELOPMENT: System = System {
    topology: include_str!("../../../topologies/development.yaml"),
    project: "working",
    hosts: &[HostUnits {
        host: "node1",
        units: &[
            ("working.target", NONE),
            ("working-web.target", NONE),
            ("working-edge.socket", NONE),
            ("working-edge.service", NGINX),
            ("working-edge-rotate.timer", NONE),
            ("working-randoms-watch.path", NONE),
            ("working-web-port@[8082-8085].socket", NONE),
            ("working-web@[8082-8085].service", ONE),
        ],
    }],
    responses: &[
        ("http://192.168.56.11/api/randoms?cant=1000", Tally),
        ("http://192.168.56.11/info", BodyContains("web@808")),
    ],
    instances: &["web@[8082-8085]"],
    ..DEFAULTS
};

pub(crate) const CONTAINERS: System = System {
    topology: include_str!("../../../topologies/containers.yaml"),
    project: "mini",
    artifacts: &[("../target/containers/randoms.tar", Artifact::Image)],
    url: "http://192.168.56.11:3000/api/randoms",
    ..DEFAULTS
};

pub(crate) const PM2_CLUSTERS: System = System {
    topology: include_str!("../../../topologies/pm2-clusters.yaml"),
    project: "clusters",
    hosts: &[HostUnits {
        host: "node1",
        units: &[
            ("clusters.target", NONE),
            ("clusters-randoms.target", NONE),
            ("clusters-edge.socket", NONE),
            ("clusters-edge.service", NGINX),
            ("clusters-edge-rotate.timer", NONE),
            ("clusters-randoms-[8082-8085].socket", NONE),
            ("clusters-randoms-[8082-8085]@[1-3].service", ONE),
        ],
    }],
    responses: &[
        ("http://192.168.56.11:8080/api/randoms/?cant=1000", Tally),
        ("http://192.168.56.11:8080/info", Status(404)),
    ],
    url: "http://192.168.56.11:8080/api/randoms/",
    instances: &["randoms-[8082-8085]"],
    ..DEFAULTS
};

pub(crate) const CLUSTER_AND_SINGLE: System = System {
    topology: include_str!("../../../topologies/cluster-and-single.yaml"),
    project: "both",
    hosts: &[HostUnits {
        host: "node1",
        units: &[
            ("both.target", NONE),
            ("both-cluster.target", NONE),
            ("both-rest.target", NONE),
            ("both-edge.socket", NONE),
            ("both-edge.service", NGINX),
            ("both-edge-rotate.timer", NONE),
            ("both-cluster-8081.socket", NONE),
            ("both-cluster-8081@[1-max].service", ONE),
            ("both-rest-port@8080.socket", NONE),
            ("both-rest@8080.service", ONE),
        ],
    }],
    responses: &[
        ("http://192.168.56.11/api/randoms?cant=1000", Tally),
        ("http://192.168.56.11/info", BodyContains("rest@8080")),
    ],
    instances: &["cluster-8081"],
    ..DEFAULTS
};

pub(crate) const REWRITE: System = System {
    topology: include_str!("../../../topologies/rewrite.yaml"),
    project: "rewrite",
    hosts: &[HostUnits {
        host: "node1",
        units: &[
            ("rewrite.target", NONE),
            ("rewrite-backend.target", NONE),
            ("rewrite-edge.socket", NONE),
            ("rewrite-edge.service", NGINX),
            ("rewrite-edge-rotate.timer", NONE),
            ("rewrite-backend-[8082-8085].socket", NONE),
            ("rewrite-backend-[8082-8085]@[1-2].service", ONE),
        ],
    }],
    responses: &[
        ("http://192.168.56.11:8080/test/random/?cant=1000", Tally),
        ("http://192.168.56.11:8080/api/randoms/", Status(404)),
    ],
    url: "http://192.168.56.11:8080/test/random/",
    instances: &["backend-[8082-8085]"],
    ..DEFAULTS
};

pub(crate) const IPC_RANDOM: System = System {
    topology: include_str!("../../../topologies/ipc-random.yaml"),
    project: "ipc",
    hosts: &[HostUnits {
        host: "node1",
        units: &[
            ("ipc.target", NONE),
            ("ipc-children.target", NONE),
            ("ipc-edge.socket", NONE),
            ("ipc-edge.service", NGINX),
            ("ipc-edge-rotate.timer", NONE),
            ("ipc-children-port@[8001-8004].socket", NONE),
            ("ipc-children@[8001-8004].service", ONE),
        ],
    }],
    responses: &[
        ("http://192.168.56.11:8000/api/randoms?cant=1000", Tally),
        (
            "http://192.168.56.11:8000/info",
            BodyContains("children@800"),
        ),
    ],
    host_checks: &[
        (
            "node1",
            "ls /run/ipc | tr '\\n' ' '",
            "children-8001.sock children-8002.sock children-8003.sock children-8004.sock",
        ),
        // Only the proxy's port is open, for IPv4 and IPv6.
        (
            "node1",
            "ss -Hltn '( sport >= :8000 and sport <= :8010 )' | awk '{ print $4 }' | sort | tr '\\n' ' '",
            "0.0.0.0:8000 [::]:8000",
        ),
    ],
    url: "http://192.168.56.11:8000/api/randoms",
    instances: &["children@[8001-8004]"],
    ..DEFAULTS
};

pub(crate) const NATIVE_CLUSTER: System = System {
    topology: include_str!("../../../topologies/native-cluster.yaml"),
    project: "native",
    hosts: &[HostUnits {
        host: "node1",
        units: &[
            ("native.target", NONE),
            ("native-cluster.target", NONE),
            ("native-edge.socket", NONE),
            ("native-edge.service", NGINX),
            ("native-edge-rotate.timer", NONE),
            ("native-cluster-port@8000.socket", NONE),
            // A supervisor process and four workers.
            ("native-cluster@8000.service", Processes::Exactly(5)),
        ],
    }],
    responses: &[
        ("http://192.168.56.11/api/randoms?cant=1000", Tally),
        ("http://192.168.56.11/info", BodyContains("cluster@8000")),
    ],
    instances: &["cluster@8000"],
    ..DEFAULTS
};

pub(crate) const NODE_APP: System = System {
    topology: include_str!("../../../topologies/node-app.yaml"),
    project: "express",
    artifacts: &[("node-app/web.tar.gz", Artifact::Express)],
    hosts: &[HostUnits {
        host: "node1",
        units: &[
            ("express.target", NONE),
            ("express-web.target", NONE),
            ("express-edge.socket", NONE),
            ("express-edge.service", NGINX),
            ("express-edge-rotate.timer", NONE),
            ("express-web@[3001-3002].service", ONE),
            ("express-monitor.service", ONE),
        ],
    }],
    responses: &[
        ("http://192.168.56.11/", BodyContains("Hello from 300")),
        ("http://192.168.56.11/", Header("x-powered-by: Express")),
        (
            "http://192.168.56.11/public/hello.txt",
            BodyContains("A file of the app's own."),
        ),
        ("http://192.168.56.11/nowhere", Status(404)),
    ],
    url: "http://192.168.56.11/",
    ..DEFAULTS
};

pub(crate) const TLS: System = System {
    topology: include_str!("../../../topologies/tls.yaml"),
    project: "secure",
    certificate: Some(Certificate {
        name: "randoms.example.org",
        chain: "/etc/ssl/certs/randoms.pem",
        key: "/etc/ssl/private/randoms.key",
    }),
    hosts: &[HostUnits {
        host: "node1",
        units: &[
            ("secure.target", NONE),
            ("secure-web.target", NONE),
            ("secure-edge.socket", NONE),
            ("secure-edge.service", NGINX),
            ("secure-edge-rotate.timer", NONE),
            ("secure-web-port@[8082-8083].socket", NONE),
            ("secure-web@[8082-8083].service", ONE),
        ],
    }],
    responses: &[
        ("https://randoms.example.org/api/randoms?cant=1000", Tally),
        (
            "https://randoms.example.org/info",
            Header("strict-transport-security: max-age=86400"),
        ),
        (
            "https://randoms.example.org/info",
            Header("content-security-policy: default-src 'self'"),
        ),
        (
            "https://randoms.example.org/info",
            Header("x-content-type-options: nosniff"),
        ),
        ("http://randoms.example.org/info?a=b", Status(308)),
        (
            "http://randoms.example.org/info?a=b",
            Header("location: https://randoms.example.org/info?a=b"),
        ),
    ],
    host_checks: &[("node1", "stat -c %a /etc/ssl/private/randoms.key", "600")],
    url: "https://randoms.example.org/api/randoms",
    instances: &["web@[8082-8083]"],
    ..DEFAULTS
};
