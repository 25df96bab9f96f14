//! The stable names of faults, and what each means.

/// What `genconf explain CODE` tells.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// Why this is a fault.
    pub cause: &'static str,
    /// A piece of a topology that has it.
    pub wrong: &'static str,
    /// The same piece, mended.
    pub right: &'static str,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal {
        cause: $cause:literal, wrong: $wrong:literal, right: $right:literal $(,)?
    })+) => {
        /// A kind of fault. Its name never changes once released.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The kebab-case name people see.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// One sentence for the list of codes.
            #[must_use]
            pub fn summary(self) -> &'static str {
                self.explanation().cause
            }

            /// Cause, example and cure.
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
    /// The text is not YAML that can be read.
    BadYaml = "bad-yaml" {
        cause: "The file is not YAML: an indentation, a quote or a bracket does not fit. Nothing else can be checked until it does.",
        wrong: "hosts: { node1: { address: 192.0.2.1 }",
        right: "hosts: { node1: { address: 192.0.2.1 } }",
    }
    /// A value that cannot be what its key asks for.
    BadValue = "bad-value" {
        cause: "The value can be judged by itself and is not what its key asks for: a port above 65535, a name with a space, an address that is none.",
        wrong: "ports: [80820]",
        right: "ports: [8082]",
    }
    /// A list where a mapping should be, and the like.
    WrongShape = "wrong-shape" {
        cause: "The key asks for a single value, a list or a mapping, and another of the three stands there.",
        wrong: "routes: { path: /, pool: web }",
        right: "routes: [{ path: /, pool: web }]",
    }
    /// A key the language does not have.
    UnknownKey = "unknown-key" {
        cause: "The language has no such key at this place. An ignored key would be a setting that silently does nothing.",
        wrong: "pools: { web: { app: web, port: [8080] } }",
        right: "pools: { web: { app: web, ports: [8080] } }",
    }
    /// A key under its old name.
    RenamedKey = "renamed-key" {
        cause: "The key has a new name. Its values and its meaning are unchanged.",
        wrong: "pools: { web: { app: web, mode: cluster, workers_by: systemd, ports: [8080] } }",
        right: "pools: { web: { app: web, mode: cluster, supervisor: systemd, ports: [8080] } }",
    }
    /// A key that must be there and is not.
    MissingKey = "missing-key" {
        cause: "This key has no default: genconf cannot know what you mean without it.",
        wrong: "pools: { web: { app: web } }",
        right: "pools: { web: { app: web, ports: [8080] } }",
    }
    /// The same key twice in one mapping.
    DuplicateKey = "duplicate-key" {
        cause: "YAML readers disagree about which of two equal keys counts, so none may be repeated.",
        wrong: "hosts: { a: { address: 192.0.2.1 }, a: { address: 192.0.2.2 } }",
        right: "hosts: { a: { address: 192.0.2.1 }, b: { address: 192.0.2.2 } }",
    }
    /// A reference to something the topology does not describe.
    UnknownName = "unknown-name" {
        cause: "A pool names an app, a route names a pool, or a list names a host that is not described anywhere in this file.",
        wrong: "routes: [{ path: /, pool: wbe }]",
        right: "routes: [{ path: /, pool: web }]",
    }
    /// Something described that nothing refers to.
    Unused = "unused" {
        cause: "An app without a pool, a pool without a route or a host without work is probably a forgotten line. It is a warning because the result is well defined.",
        wrong: "apps: { web: { artifact: web }, old: { artifact: old } }",
        right: "apps: { web: { artifact: web } }",
    }
    /// A port taken twice on one host.
    PortClash = "port-clash" {
        cause: "Two sockets of one host cannot listen on one port of one address: the second would fail to start. A port alone is that of every IPv4 and every IPv6 address.",
        wrong: "pools: { a: { app: web, ports: [8080] }, b: { app: web, ports: [8080] } }",
        right: "pools: { a: { app: web, ports: [8080] }, b: { app: web, ports: [8081] } }",
    }
    /// One address given to two hosts.
    AddressClash = "address-clash" {
        cause: "Two hosts cannot have one address: playbooks would describe both on the same machine.",
        wrong: "hosts: { a: { address: 192.0.2.1 }, b: { address: 192.0.2.1 } }",
        right: "hosts: { a: { address: 192.0.2.1 }, b: { address: 192.0.2.2 } }",
    }
    /// Two routes of one proxy with one path.
    DuplicateRoute = "duplicate-route" {
        cause: "A proxy can send a path to one pool only.",
        wrong: "routes: [{ path: /, pool: a }, { path: /, pool: b }]",
        right: "routes: [{ path: /, pool: a }, { path: /b, pool: b }]",
    }
    /// Names that collide once they become unit names.
    NameClash = "name-clash" {
        cause: "Pools and proxies become systemd units named PROJECT-NAME; two things cannot share a unit name, and none may have that of a unit which the host has already.",
        wrong: "pools: { edge: { app: web, ports: [8080] } }\nproxies: { edge: { routes: [{ path: /, pool: edge }] } }",
        right: "pools: { web: { app: web, ports: [8080] } }\nproxies: { edge: { routes: [{ path: /, pool: web }] } }",
    }
    /// More memory or processors asked for than a host has.
    HostTooSmall = "host-too-small" {
        cause: "The instances of this host together may use more memory than the host has; the kernel would kill one of them under load.",
        wrong: "hosts: { a: { address: 192.0.2.1, memory: 1GiB } }\napps: { web: { artifact: web, memory: 600MiB } }\npools: { web: { app: web, ports: [8082-8083] } }",
        right: "hosts: { a: { address: 192.0.2.1, memory: 2GiB } }\napps: { web: { artifact: web, memory: 600MiB } }\npools: { web: { app: web, ports: [8082-8083] } }",
    }
    /// More instances than anybody runs.
    TooManyInstances = "too-many-instances" {
        cause: "A host may have 10,000 instances and all hosts together 1,000,000; more is a slip of the pen, such as a range of ports with a digit too many.",
        wrong: "pools: { web: { app: web, mode: cluster, ports: [10000-20000], workers: 2 } }",
        right: "pools: { web: { app: web, mode: cluster, ports: [10000-10002], workers: 2 } }",
    }
    /// Keys that contradict each other.
    Contradiction = "contradiction" {
        cause: "Two keys cannot both be meant: workers belong to a cluster, a fork pool has one process for each port.",
        wrong: "pools: { web: { app: web, mode: fork, ports: [8080], workers: 4 } }",
        right: "pools: { web: { app: web, mode: cluster, ports: [8080], workers: 4 } }",
    }
    /// A setting that changes nothing.
    NoEffect = "no-effect" {
        cause: "The result would be the same without this line; what it was meant to do does not happen. It is a warning because the result is well defined.",
        wrong: "routes: [{ path: /api, pool: web, rewrite: /api/ }]",
        right: "routes: [{ path: /api, pool: web, rewrite: /v1 }]",
    }
    /// A key that an engine can honor in part only.
    EngineLimit = "engine-limit" {
        cause: "The engine of this proxy honors the key for some requests only. It is a warning because the others are served without it.",
        wrong: "proxies: { door: { engine: haproxy, max_body: 5MiB, routes: [{ path: /, pool: web }] } }",
        right: "proxies: { door: { engine: nginx, max_body: 5MiB, routes: [{ path: /, pool: web }] } }",
    }
    /// A socket that a proxy cannot reach.
    Unreachable = "unreachable" {
        cause: "A unix socket and a loopback address are met on their own host only, a link-local address on its own wire; a proxy on another host would answer 502 to everything.",
        wrong: "hosts: { a: { address: 192.0.2.1 }, b: { address: 192.0.2.2 } }\npools: { web: { app: web, hosts: [b], listen: unix, ports: [8080] } }\nproxies: { door: { hosts: [a], routes: [{ path: /, pool: web }] } }",
        right: "hosts: { a: { address: 192.0.2.1 }, b: { address: 192.0.2.2 } }\npools: { web: { app: web, hosts: [b], ports: [8080] } }\nproxies: { door: { hosts: [a], routes: [{ path: /, pool: web }] } }",
    }
    /// A port below 1024 for an app.
    PrivilegedPort = "privileged-port" {
        cause: "Ports below 1024 are for the doors of proxies: an app there would be reached around them, and a status page is opened without the privilege that such a port takes.",
        wrong: "pools: { web: { app: web, ports: [80] } }",
        right: "pools: { web: { app: web, ports: [8080] } }",
    }
}

impl Code {
    /// The code called `name`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|c| c.name() == name)
    }
}
