//! The codes of diagnostics and their explanations.

/// The text of `genconf explain CODE`.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// Why the rule exists.
    pub cause: &'static str,
    /// A part of a topology that violates the rule.
    pub wrong: &'static str,
    /// The same part without the error.
    pub right: &'static str,
}

macro_rules! codes {
    ($($variant:ident = $name:literal, $summary:literal {
        cause: $cause:literal, wrong: $wrong:literal, right: $right:literal $(,)?
    })+) => {
        /// A rule that a topology can violate. Names of codes are stable across releases.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Code {
            $(#[doc = $summary] $variant,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in kebab case.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// One sentence that describes the error.
            #[must_use]
            pub fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary,)+ }
            }

            /// The cause, an example, and the fix.
            #[must_use]
            pub fn explanation(self) -> Explanation {
                match self {
                    $(Self::$variant => Explanation { cause: $cause, wrong: $wrong, right: $right },)+
                }
            }
        }
    };
}

codes! {
    BadYaml = "bad-yaml", "The file is not valid YAML." {
        cause: "The YAML parser reports a syntax error, such as a wrong indentation or a missing quote or bracket. Other rules are not checked until it is fixed.",
        wrong: "hosts: { node1: { address: 192.0.2.1 }",
        right: "hosts: { node1: { address: 192.0.2.1 } }",
    }
    BadValue = "bad-value", "A value does not have the format that its key requires." {
        cause: "Each key accepts one format, such as a port, a duration with a unit, or one of several words. The message has the expected format.",
        wrong: "pools: { web: { app: web, mode: clutser, ports: [8080] } }",
        right: "pools: { web: { app: web, mode: cluster, ports: [8080] } }",
    }
    OutOfRange = "out-of-range", "A number, size, duration, or length is outside of its limits." {
        cause: "The value has the right format but is smaller than the minimum or larger than the maximum in the message.",
        wrong: "ports: [80820]",
        right: "ports: [8082]",
    }
    EmptyValue = "empty-value", "A list, mapping, or text is empty but must not be." {
        cause: "The key requires at least one entry or character. If nothing is to be set, remove an optional key.",
        wrong: "ports: []",
        right: "ports: [8080]",
    }
    UnsupportedVersion = "unsupported-version", "This genconf does not support the version of the topology." {
        cause: "The key `version` selects the topology format. This genconf supports version 1 only.",
        wrong: "version: 2",
        right: "version: 1",
    }
    ReservedName = "reserved-name", "A name is reserved by systemd, Debian, or Ansible." {
        cause: "Names of projects, pools, and proxies become names of systemd units, and names of hosts become names in the Ansible inventory. A unit with the name of an existing one would override it.",
        wrong: "project: default",
        right: "project: my-default",
    }
    ReservedHeader = "reserved-header", "A header is set by the proxy." {
        cause: "The proxy sets headers for message framing, such as `Connection` and `Content-Length`. Another value would break connections.",
        wrong: "proxies: { edge: { headers: { Connection: close }, routes: [{ path: /, pool: web }] } }",
        right: "proxies: { edge: { headers: { X-Frame-Options: DENY }, routes: [{ path: /, pool: web }] } }",
    }
    ReservedVariable = "reserved-variable", "An environment variable is set by the systemd unit." {
        cause: "The unit of each instance sets `PORT` and variables that start with `GENCONF_`, and `HOST` for an app that binds its own port. Another value would be the same for all instances.",
        wrong: "apps: { web: { artifact: web, env: { PORT: 8080 } } }",
        right: "apps: { web: { artifact: web, env: { LOG_LEVEL: info } } }",
    }
    WrongShape = "wrong-shape", "A value is not the scalar, list, or mapping that its key requires." {
        cause: "Each key accepts a single value, a list, or a mapping. The message has the expected kind.",
        wrong: "routes: { path: /, pool: web }",
        right: "routes: [{ path: /, pool: web }]",
    }
    UnknownKey = "unknown-key", "A key does not exist in the topology format." {
        cause: "The key is not defined at this place. It is an error because a setting with a typo would have no effect.",
        wrong: "pools: { web: { app: web, port: [8080] } }",
        right: "pools: { web: { app: web, ports: [8080] } }",
    }
    RenamedKey = "renamed-key", "A key has a new name." {
        cause: "The key was renamed. Its values and its meaning are unchanged.",
        wrong: "pools: { web: { app: web, mode: cluster, workers_by: systemd, ports: [8080] } }",
        right: "pools: { web: { app: web, mode: cluster, supervisor: systemd, ports: [8080] } }",
    }
    MissingKey = "missing-key", "A required key is missing." {
        cause: "The key has no default.",
        wrong: "pools: { web: { app: web } }",
        right: "pools: { web: { app: web, ports: [8080] } }",
    }
    DuplicateKey = "duplicate-key", "A mapping has the same key twice." {
        cause: "YAML does not define which of two equal keys applies.",
        wrong: "hosts: { a: { address: 192.0.2.1 }, a: { address: 192.0.2.2 } }",
        right: "hosts: { a: { address: 192.0.2.1 }, b: { address: 192.0.2.2 } }",
    }
    UnknownName = "unknown-name", "An app, pool, or host is not defined." {
        cause: "A pool refers to an app, a route to a pool, and a list to hosts by name. Each name must be defined in the same file.",
        wrong: "routes: [{ path: /, pool: wbe }]",
        right: "routes: [{ path: /, pool: web }]",
    }
    Unused = "unused", "An app, pool, or host is not used." {
        cause: "An app without a pool, a pool without a route, and a host without instances have no effect. It is a warning because the result is well defined.",
        wrong: "apps: { web: { artifact: web }, old: { artifact: old } }",
        right: "apps: { web: { artifact: web } }",
    }
    PortClash = "port-clash", "A port is used twice on one host." {
        cause: "Two sockets cannot listen on the same port of the same address; the second one fails to start. A port without an address listens on every IPv4 and IPv6 address.",
        wrong: "pools: { a: { app: web, ports: [8080] }, b: { app: web, ports: [8080] } }",
        right: "pools: { a: { app: web, ports: [8080] }, b: { app: web, ports: [8081] } }",
    }
    AddressClash = "address-clash", "Two hosts have the same address." {
        cause: "Ansible would configure the same machine twice.",
        wrong: "hosts: { a: { address: 192.0.2.1 }, b: { address: 192.0.2.1 } }",
        right: "hosts: { a: { address: 192.0.2.1 }, b: { address: 192.0.2.2 } }",
    }
    DuplicateRoute = "duplicate-route", "Two routes of a proxy have the same path." {
        cause: "A path has one pool. A trailing slash makes no difference, because a route includes all paths below its own.",
        wrong: "routes: [{ path: /, pool: a }, { path: /, pool: b }]",
        right: "routes: [{ path: /, pool: a }, { path: /b, pool: b }]",
    }
    NameClash = "name-clash", "Two systemd units would have the same name." {
        cause: "Pools and proxies become units with the name PROJECT-NAME. genconf adds units with a suffix: -PORT for workers of a cluster, -port, -watch, and -rotate; and the unit PROJECT-monitor.",
        wrong: "pools: { edge: { app: web, ports: [8080] } }\nproxies: { edge: { routes: [{ path: /, pool: edge }] } }",
        right: "pools: { web: { app: web, ports: [8080] } }\nproxies: { edge: { routes: [{ path: /, pool: web }] } }",
    }
    HostTooSmall = "host-too-small", "The instances of a host may use more memory than it has." {
        cause: "The memory limits of all instances must fit in the memory of the host. Otherwise the kernel kills an instance under load.",
        wrong: "hosts: { a: { address: 192.0.2.1, memory: 1GiB } }\napps: { web: { artifact: web, memory: 600MiB } }\npools: { web: { app: web, ports: [8082-8083] } }",
        right: "hosts: { a: { address: 192.0.2.1, memory: 2GiB } }\napps: { web: { artifact: web, memory: 600MiB } }\npools: { web: { app: web, ports: [8082-8083] } }",
    }
    TooManyWorkers = "too-many-workers", "A port has more workers than its host has CPUs." {
        cause: "More workers than CPUs do not increase throughput unless they wait for I/O. It is a warning for that reason.",
        wrong: "hosts: { a: { address: 192.0.2.1, cpus: 2 } }\npools: { web: { app: web, mode: cluster, workers: 4, ports: [8080] } }",
        right: "hosts: { a: { address: 192.0.2.1, cpus: 4 } }\npools: { web: { app: web, mode: cluster, workers: 4, ports: [8080] } }",
    }
    TooManyInstances = "too-many-instances", "A host or all hosts have too many instances." {
        cause: "The limits are 10,000 instances per host and 1,000,000 in total. More is probably a typo in a port range.",
        wrong: "pools: { web: { app: web, mode: cluster, ports: [10000-20000], workers: 2 } }",
        right: "pools: { web: { app: web, mode: cluster, ports: [10000-10002], workers: 2 } }",
    }
    ClusterOnly = "cluster-only", "A key requires `mode: cluster`." {
        cause: "A pool with `mode: fork`, the default, has one process per port. `workers` and `supervisor` apply to clusters only.",
        wrong: "pools: { web: { app: web, mode: fork, ports: [8080], workers: 4 } }",
        right: "pools: { web: { app: web, mode: cluster, ports: [8080], workers: 4 } }",
    }
    ContainerOnly = "container-only", "A key requires `runtime: container`." {
        cause: "`image` and `container_port` apply to containers only.",
        wrong: "apps: { web: { artifact: web.tar, main: web, image: \"web:1\" } }",
        right: "apps: { web: { artifact: web.tar, runtime: container, image: \"web:1\" } }",
    }
    UnsupportedInContainer = "unsupported-in-container", "A key is not supported with `runtime: container`." {
        cause: "Socket activation, sd_notify, and the state directory of systemd do not reach the process in a container. The image defines the program, so `main` does not apply.",
        wrong: "apps: { web: { artifact: web.tar, runtime: container, image: \"web:1\", sd_notify: true } }",
        right: "apps: { web: { artifact: web.tar, runtime: container, image: \"web:1\" } }",
    }
    MissingMain = "missing-main", "An archive has no `main`." {
        cause: "An archive is unpacked on the host. `main` is the path of the program inside it.",
        wrong: "apps: { web: { artifact: web.tar.gz, runtime: node } }",
        right: "apps: { web: { artifact: web.tar.gz, runtime: node, main: server.js } }",
    }
    MainWithoutArchive = "main-without-archive", "`main` is set but the artifact is not an archive." {
        cause: "`main` is a path inside an archive (.tar, .tar.gz, or .tgz). Any other artifact is the program.",
        wrong: "apps: { web: { artifact: web.js, runtime: node, main: server.js } }",
        right: "apps: { web: { artifact: web.tar.gz, runtime: node, main: server.js } }",
    }
    MissingImage = "missing-image", "A container has no `image`." {
        cause: "The artifact of a container is an archive that can have several images. `image` selects one.",
        wrong: "apps: { web: { artifact: web.tar, runtime: container } }",
        right: "apps: { web: { artifact: web.tar, runtime: container, image: \"web:1\" } }",
    }
    MissingTrustedProxies = "missing-trusted-proxies", "`proxy_protocol: true` requires `trusted_proxies`." {
        cause: "Without a list of trusted senders any client could set its own address.",
        wrong: "proxies: { edge: { proxy_protocol: true, routes: [{ path: /, pool: web }] } }",
        right: "proxies: { edge: { proxy_protocol: true, trusted_proxies: [192.0.2.10], routes: [{ path: /, pool: web }] } }",
    }
    RequiresSocketActivation = "requires-socket-activation", "A pool requires an app with `socket_activation: true`." {
        cause: "With `supervisor: systemd` the workers of a cluster share a socket that systemd opens, and systemd opens every Unix socket. The app must accept it (LISTEN_FDS).",
        wrong: "apps: { web: { artifact: web.js, runtime: node } }\npools: { web: { app: web, listen: unix, ports: [8080] } }",
        right: "apps: { web: { artifact: web.js, runtime: node, socket_activation: true } }\npools: { web: { app: web, listen: unix, ports: [8080] } }",
    }
    RequiresSdNotify = "requires-sd-notify", "`type: watchdog` requires an app with `sd_notify: true`." {
        cause: "systemd restarts an instance that does not send WATCHDOG=1 in time.",
        wrong: "apps: { web: { artifact: web, sd_notify: false, health: { type: watchdog } } }",
        right: "apps: { web: { artifact: web, sd_notify: true, health: { type: watchdog } } }",
    }
    RequiresDevelopment = "requires-development", "`watch: true` requires hosts with `development: true`." {
        cause: "With `watch` a file on the host is deployed as soon as it changes, without a check. This is for development hosts only.",
        wrong: "apps: { web: { artifact: web, watch: true } }",
        right: "hosts: { a: { address: 192.0.2.1, development: true } }\napps: { web: { artifact: web, watch: true } }",
    }
    ProbeOnCluster = "probe-on-cluster", "A probe cannot check the workers of a cluster." {
        cause: "All workers accept from the same port, so a request reaches any of them. systemd checks each worker if the app sends WATCHDOG=1.",
        wrong: "apps: { web: { artifact: web, health: { type: probe } } }\npools: { web: { app: web, mode: cluster, ports: [8080] } }",
        right: "apps: { web: { artifact: web, health: { type: watchdog } } }\npools: { web: { app: web, mode: cluster, ports: [8080] } }",
    }
    PathTooLong = "path-too-long", "The path of a Unix socket is too long." {
        cause: "Linux limits the path of a Unix socket to 107 bytes, HAProxy to 97. The path has the names of the project and the pool or proxy.",
        wrong: "project: web-of-the-customer-portal-in-production-north\npools: { web-of-the-customer-portal-in-production-north: { app: web, listen: unix, ports: [8080] } }\nproxies: { edge: { routes: [{ path: /, pool: web-of-the-customer-portal-in-production-north }] } }",
        right: "project: portal\npools: { web: { app: web, listen: unix, ports: [8080] } }\nproxies: { edge: { routes: [{ path: /, pool: web }] } }",
    }
    NoEffect = "no-effect", "A setting has no effect." {
        cause: "The rendered files are the same without this key or value. It is a warning because the result is well defined.",
        wrong: "routes: [{ path: /api, pool: web, rewrite: /api/ }]",
        right: "routes: [{ path: /api, pool: web, rewrite: /v1 }]",
    }
    EngineLimit = "engine-limit", "The engine of a proxy supports a key for some requests only." {
        cause: "nginx and HAProxy differ. It is a warning because other requests are served without the setting.",
        wrong: "proxies: { edge: { engine: haproxy, max_body: 5MiB, routes: [{ path: /, pool: web }] } }",
        right: "proxies: { edge: { engine: nginx, max_body: 5MiB, routes: [{ path: /, pool: web }] } }",
    }
    Unreachable = "unreachable", "A socket or an address cannot be reached from another host." {
        cause: "A Unix socket and a loopback address are reachable on the same host only, a link-local address on the same network segment. A proxy on another host would answer 502.",
        wrong: "hosts: { a: { address: 192.0.2.1 }, b: { address: 192.0.2.2 } }\npools: { web: { app: web, hosts: [b], listen: unix, ports: [8080] } }\nproxies: { edge: { hosts: [a], routes: [{ path: /, pool: web }] } }",
        right: "hosts: { a: { address: 192.0.2.1 }, b: { address: 192.0.2.2 } }\npools: { web: { app: web, hosts: [b], ports: [8080] } }\nproxies: { edge: { hosts: [a], routes: [{ path: /, pool: web }] } }",
    }
    UnsuitableRuntime = "unsuitable-runtime", "An app runs natively, but its program has the extension of another runtime." {
        cause: "Linux starts a `.js` or `.jar` file through Node.js or Java only. It is a warning because a script with a shebang also runs natively.",
        wrong: "apps: { web: { artifact: server.js } }",
        right: "apps: { web: { artifact: server.js, runtime: node } }",
    }
    PrivilegedPort = "privileged-port", "A pool or a status page uses a port below 1024." {
        cause: "Linux requires privileges for ports below 1024. Apps and status pages run without them; a proxy listens on such a port instead.",
        wrong: "pools: { web: { app: web, ports: [80] } }",
        right: "pools: { web: { app: web, ports: [8080] } }",
    }
}

impl Code {
    /// The code with this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|c| c.name() == name)
    }
}
