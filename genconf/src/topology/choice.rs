//! Values from a fixed set of words, and counts.

use serde_json::{Value, json};

use super::decode::Scalar;
use super::invalid::{Invalid, not_one_of, whole_number};
use crate::diagnostic::Code;

/// The schema of a set of words; `true` and `false` are a boolean.
fn words_schema(words: &[&'static str]) -> Value {
    if words == ["true", "false"] {
        return json!({ "type": "boolean" });
    }
    json!({ "enum": words })
}

macro_rules! choices {
    ($($(#[doc = $doc:literal])+ $name:ident, $noun:literal {
        $($(#[doc = $vdoc:literal])+ $variant:ident = $word:literal,)+
    })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum $name {
            $($(#[doc = $vdoc])+ $variant,)+
        }

        impl $name {
            /// The word in the topology.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl Scalar for $name {
            const NOUN: &'static str = $noun;
            const EXAMPLE: &'static str = [$($word),+][0];

            fn schema() -> Value {
                words_schema(&[$($word),+])
            }

            fn read(text: &str) -> Result<Self, Invalid> {
                match text.to_ascii_lowercase().as_str() {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(not_one_of(text, &[$($word),+])),
                }
            }
        }
    )+};
}

choices! {
    /// How the processes of a pool share its ports.
    Mode, "a mode" {
        /// One process for each port.
        Fork = "fork",
        /// Several workers for each port.
        Cluster = "cluster",
    }
    /// How a route selects an instance of its pool.
    Balance, "a load balancing method" {
        /// Every instance in turn.
        RoundRobin = "round_robin",
        /// The instance with the fewest open requests.
        LeastConn = "least_conn",
        /// The same instance for each client address.
        IpHash = "ip_hash",
        /// Of two random instances, the one with fewer open requests.
        Random = "random",
    }
    /// The program that runs as the proxy.
    Engine, "an engine" {
        /// nginx.
        Nginx = "nginx",
        /// `HAProxy`.
        Haproxy = "haproxy",
    }
    /// The program that runs the artifact; it determines the start command and the sandbox.
    Runtime, "a runtime" {
        /// The artifact is a program.
        Native = "native",
        /// Node.js. The sandbox allows the machine code that V8 generates.
        Node = "node",
        /// Java. The sandbox allows generated machine code.
        Jvm = "jvm",
        /// Podman or Docker. The artifact is an image archive.
        Container = "container",
    }
    /// How the health of an instance is checked.
    CheckType, "a type of health check" {
        /// The app sends `WATCHDOG=1` to systemd (`sd_notify(3)`).
        Watchdog = "watchdog",
        /// A timer requests the health path.
        Probe = "probe",
    }
    /// The process that starts and restarts the workers of a cluster.
    Supervisor, "a supervisor" {
        /// systemd: each worker is a unit.
        Systemd = "systemd",
        /// The app: one unit has the app and its workers.
        App = "app",
    }
    /// Requests that a proxy retries when the connection to an instance fails.
    Retry, "a retry policy" {
        /// GET, HEAD and OPTIONS (RFC 9110, section 9.2.1).
        Safe = "safe",
        /// Also PUT and DELETE (RFC 9110, section 9.2.2).
        Idempotent = "idempotent",
    }
    /// The operating system of a host, oldest first.
    Os, "an operating system" {
        /// Debian 12: nginx 1.22, `HAProxy` 2.6, systemd 252.
        Debian12 = "debian12",
        /// Debian 13: nginx 1.26, `HAProxy` 3.0, systemd 257.
        Debian13 = "debian13",
    }
    /// The kind of socket that a pool listens on.
    Transport, "a socket type" {
        /// TCP ports.
        Tcp = "tcp",
        /// Unix sockets, named by the port numbers.
        Unix = "unix",
    }
    /// A boolean.
    Switch, "`true` or `false`" {
        /// `true`.
        Yes = "true",
        /// `false`.
        No = "false",
    }
}

impl From<Switch> for bool {
    fn from(switch: Switch) -> Self {
        switch == Switch::Yes
    }
}

impl From<Engine> for model::Engine {
    fn from(engine: Engine) -> Self {
        match engine {
            Engine::Nginx => Self::Nginx,
            Engine::Haproxy => Self::Haproxy,
        }
    }
}

/// The number of workers per port of a cluster.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Workers {
    /// One per CPU of the host.
    Max,
    /// A fixed number.
    Count(u16),
}

const MAX_WORKERS: u16 = 1024;

impl Scalar for Workers {
    const NOUN: &'static str = "a number of workers";
    const EXAMPLE: &'static str = "max";

    fn schema() -> Value {
        json!({ "anyOf": [{ "const": "max" }, { "type": "integer", "minimum": 1, "maximum": MAX_WORKERS }] })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        if text == "max" {
            return Ok(Self::Max);
        }
        if text.parse::<i128>().is_err() {
            return Err(Invalid::expected(
                format!("`max` or a whole number from 1 to {MAX_WORKERS}"),
                "use `max` for one worker per CPU, or a number such as `2`",
            ));
        }
        count(text, MAX_WORKERS).map(Self::Count)
    }
}

/// A whole number from 1 to 65535.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Count(u16);

impl Count {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl Scalar for Count {
    const NOUN: &'static str = "a whole number";
    const EXAMPLE: &'static str = "2";

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 1, "maximum": 65535 })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        count(text, u16::MAX).map(Self)
    }
}

/// A number from 1 to `max`.
fn count(text: &str, max: u16) -> Result<u16, Invalid> {
    let number = whole_number(text, 1..=max.into())?;
    Ok(u16::try_from(number).unwrap_or(max))
}

/// The share of requests that a host gets: twice the weight is twice the requests. At most 256,
/// the limit of `HAProxy`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Weight(u16);

impl Weight {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl Scalar for Weight {
    const NOUN: &'static str = "a weight";
    const EXAMPLE: &'static str = "1";

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 1, "maximum": 256 })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        count(text, 256).map(Self)
    }
}

/// The version of the topology format.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Version;

impl Scalar for Version {
    const NOUN: &'static str = "a format version";
    const EXAMPLE: &'static str = "1";

    fn schema() -> Value {
        json!({ "const": 1 })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        if text == "1" {
            return Ok(Self);
        }
        let invalid = Invalid::must("be `1`", "use `version: 1`");
        Err(invalid.code(Code::UnsupportedVersion))
    }
}
