//! The topologies that are booted on one host, with what each of them promises.

use crate::certificate::Certificate;
use crate::reply::Expect::{Header, Says, Status, Tally};
use crate::system::{Artifact, NGINX, NONE, ONE, Processes, Running, System};

/// The path of the server in most topologies of the repository.
const SERVER: &[(&str, Artifact)] = &[("../target/release/randoms", Artifact::Server)];

/// What most of them have in common: one door, no key, one host.
pub(crate) const PLAIN: System = System {
    topology: "",
    project: "",
    artifacts: SERVER,
    certificate: None,
    runs: &[],
    answers: &[],
    facts: &[],
    door: "http://192.168.56.11/api/randoms",
    served_by: &[],
};

/// The root topology: one host with every layout.
pub(crate) const ROOT: System = System {
    topology: include_str!("../../../topology.yaml"),
    project: "randoms",
    artifacts: &[("target/release/randoms", Artifact::Server)],
    runs: &[Running {
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
    answers: &[
        ("http://192.168.56.11/api/randoms?cant=1000", Tally),
        ("http://192.168.56.11/api/randoms/?cant=1000", Tally),
        ("http://192.168.56.11/cluster/api/randoms?cant=1000", Tally),
        ("http://192.168.56.11/info", Says("single@8080")),
    ],
    ..PLAIN
};

pub(crate) const HAPROXY: System = System {
    topology: include_str!("../../../topologies/haproxy.yaml"),
    project: "randoms",
    runs: &[Running {
        host: "node1",
        units: &[
            ("randoms.target", NONE),
            ("randoms-single.target", NONE),
            ("randoms-spread.target", NONE),
            ("randoms-edge.socket", NONE),
            // Its master and the one process that has a thread for each processor.
            ("randoms-edge.service", Processes::Exactly(2)),
            ("randoms-single-port@8080.socket", NONE),
            ("randoms-single@8080.service", ONE),
            ("randoms-spread-port@[8082-8085].socket", NONE),
            ("randoms-spread@[8082-8085].service", ONE),
        ],
    }],
    answers: &[
        ("http://192.168.56.11/api/randoms?cant=1000", Tally),
        ("http://192.168.56.11/cluster/api/randoms?cant=1000", Tally),
        ("http://192.168.56.11/info", Says("single@8080")),
        ("http://192.168.56.11/info", Header("x-frame-options: DENY")),
    ],
    facts: &[(
        "node1",
        "python3 -c 'import urllib.request as web; print(web.urlopen(\"http://127.0.0.1:9080/status\").status)'",
        "200",
    )],
    served_by: &["spread@[8082-8085]"],
    ..PLAIN
};

pub(crate) const SINGLE: System = System {
    topology: include_str!("../../../topologies/single.yaml"),
    project: "single",
    runs: &[Running {
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
    answers: &[
        ("http://192.168.56.11/api/randoms?cant=1000", Tally),
        ("http://192.168.56.11/info", Says("web@8080")),
    ],
    served_by: &["web@8080"],
    ..PLAIN
};

pub(crate) const PM2_FOUR_PORTS: System = System {
    topology: include_str!("../../../topologies/pm2-four-ports.yaml"),
    project: "ports",
    runs: &[Running {
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
    answers: &[
        ("http://192.168.56.11:8080/api/randoms/?cant=1000", Tally),
        ("http://192.168.56.11:8080/info", Status(404)),
    ],
    door: "http://192.168.56.11:8080/api/randoms/",
    served_by: &["randoms@[8082-8085]"],
    ..PLAIN
};

pub(crate) const DEVELOPMENT: System = System {
    topology: include_str!("../../../topologies/development.yaml"),
    project: "working",
    runs: &[Running {
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
    answers: &[
        ("http://192.168.56.11/api/randoms?cant=1000", Tally),
        ("http://192.168.56.11/info", Says("web@808")),
    ],
    served_by: &["web@[8082-8085]"],
    ..PLAIN
};

pub(crate) const CONTAINERS: System = System {
    topology: include_str!("../../../topologies/containers.yaml"),
    project: "mini",
    artifacts: &[("../target/containers/randoms.tar", Artifact::Image)],
    door: "http://192.168.56.11:3000/api/randoms",
    ..PLAIN
};

pub(crate) const PM2_CLUSTERS: System = System {
    topology: include_str!("../../../topologies/pm2-clusters.yaml"),
    project: "clusters",
    runs: &[Running {
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
    answers: &[
        ("http://192.168.56.11:8080/api/randoms/?cant=1000", Tally),
        ("http://192.168.56.11:8080/info", Status(404)),
    ],
    door: "http://192.168.56.11:8080/api/randoms/",
    served_by: &["randoms-[8082-8085]"],
    ..PLAIN
};

pub(crate) const CLUSTER_AND_SINGLE: System = System {
    topology: include_str!("../../../topologies/cluster-and-single.yaml"),
    project: "both",
    runs: &[Running {
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
    answers: &[
        ("http://192.168.56.11/api/randoms?cant=1000", Tally),
        ("http://192.168.56.11/info", Says("rest@8080")),
    ],
    served_by: &["cluster-8081"],
    ..PLAIN
};

pub(crate) const REWRITE: System = System {
    topology: include_str!("../../../topologies/rewrite.yaml"),
    project: "rewrite",
    runs: &[Running {
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
    answers: &[
        ("http://192.168.56.11:8080/test/random/?cant=1000", Tally),
        ("http://192.168.56.11:8080/api/randoms/", Status(404)),
    ],
    door: "http://192.168.56.11:8080/test/random/",
    served_by: &["backend-[8082-8085]"],
    ..PLAIN
};

pub(crate) const IPC_RANDOM: System = System {
    topology: include_str!("../../../topologies/ipc-random.yaml"),
    project: "ipc",
    runs: &[Running {
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
    answers: &[
        ("http://192.168.56.11:8000/api/randoms?cant=1000", Tally),
        ("http://192.168.56.11:8000/info", Says("children@800")),
    ],
    facts: &[
        (
            "node1",
            "ls /run/ipc | tr '\\n' ' '",
            "children-8001.sock children-8002.sock children-8003.sock children-8004.sock",
        ),
        // No port but the proxy's own, which it has for IPv4 and for IPv6.
        (
            "node1",
            "ss -Hltn '( sport >= :8000 and sport <= :8010 )' | awk '{ print $4 }' | sort | tr '\\n' ' '",
            "0.0.0.0:8000 [::]:8000",
        ),
    ],
    door: "http://192.168.56.11:8000/api/randoms",
    served_by: &["children@[8001-8004]"],
    ..PLAIN
};

pub(crate) const NATIVE_CLUSTER: System = System {
    topology: include_str!("../../../topologies/native-cluster.yaml"),
    project: "native",
    runs: &[Running {
        host: "node1",
        units: &[
            ("native.target", NONE),
            ("native-cluster.target", NONE),
            ("native-edge.socket", NONE),
            ("native-edge.service", NGINX),
            ("native-edge-rotate.timer", NONE),
            ("native-cluster-port@8000.socket", NONE),
            // A master and its four workers.
            ("native-cluster@8000.service", Processes::Exactly(5)),
        ],
    }],
    answers: &[
        ("http://192.168.56.11/api/randoms?cant=1000", Tally),
        ("http://192.168.56.11/info", Says("cluster@8000")),
    ],
    served_by: &["cluster@8000"],
    ..PLAIN
};

pub(crate) const NODE_APP: System = System {
    topology: include_str!("../../../topologies/node-app.yaml"),
    project: "express",
    artifacts: &[("node-app/web.tar.gz", Artifact::Express)],
    runs: &[Running {
        host: "node1",
        units: &[
            ("express.target", NONE),
            ("express-web.target", NONE),
            ("express-edge.socket", NONE),
            ("express-edge.service", NGINX),
            ("express-edge-rotate.timer", NONE),
            ("express-web@[3001-3002].service", ONE),
            ("express-web-probe.timer", NONE),
        ],
    }],
    answers: &[
        ("http://192.168.56.11/", Says("Hello from 300")),
        ("http://192.168.56.11/", Header("x-powered-by: Express")),
        (
            "http://192.168.56.11/public/hello.txt",
            Says("A file of the app's own."),
        ),
        ("http://192.168.56.11/nowhere", Status(404)),
    ],
    door: "http://192.168.56.11/",
    ..PLAIN
};

pub(crate) const TLS: System = System {
    topology: include_str!("../../../topologies/tls.yaml"),
    project: "secure",
    certificate: Some(Certificate {
        name: "randoms.example.org",
        chain: "/etc/ssl/certs/randoms.pem",
        key: "/etc/ssl/private/randoms.key",
    }),
    runs: &[Running {
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
    answers: &[
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
    facts: &[("node1", "stat -c %a /etc/ssl/private/randoms.key", "600")],
    door: "https://randoms.example.org/api/randoms",
    served_by: &["web@[8082-8083]"],
    ..PLAIN
};
