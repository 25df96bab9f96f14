//! Values that are one of a few words.

use serde_json::{Value, json};

use super::decode::Leaf;
use crate::diagnostic::nearest;

fn misspelt(text: &str, words: &[&'static str]) -> String {
    match nearest(text, words.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it is one of {}", words.join(", ")),
    }
}

/// `true` and `false` are words to us and booleans to an editor.
fn words_schema(words: &[&'static str]) -> Value {
    if words == ["true", "false"] {
        return json!({ "type": "boolean" });
    }
    json!({ "enum": words })
}

macro_rules! choices {
    ($($(#[doc = $doc:literal])+ $name:ident, $what:literal {
        $($(#[doc = $vdoc:literal])+ $variant:ident = $word:literal,)+
    })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum $name {
            $($(#[doc = $vdoc])+ $variant,)+
        }

        impl $name {
            /// The word a user writes.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl Leaf for $name {
            const WHAT: &'static str = $what;

            fn schema() -> Value {
                words_schema(&[$($word),+])
            }

            fn read(text: &str) -> Result<Self, String> {
                match text.to_ascii_lowercase().as_str() {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(misspelt(text, &[$($word),+])),
                }
            }
        }
    )+};
}

choices! {
    /// How a pool's processes share its ports.
    Mode, "a mode" {
        /// One process for each port.
        Fork = "fork",
        /// N workers behind one shared port.
        Cluster = "cluster",
    }
    /// How a route chooses among the instances of its pool.
    Balance, "a way to balance" {
        /// Each in turn.
        RoundRobin = "round_robin",
        /// The one with the fewest open requests.
        LeastConn = "least_conn",
        /// The same one for the same client address.
        IpHash = "ip_hash",
        /// Two at random, the less busy of them.
        Random = "random",
    }
    /// What runs as the front door.
    Engine, "an engine" {
        /// nginx.
        Nginx = "nginx",
        /// `HAProxy`.
        Haproxy = "haproxy",
    }
    /// What runs the artifact, which decides how it is started and sandboxed.
    Runtime, "a runtime" {
        /// The artifact is a program.
        Native = "native",
        /// Node.js runs it: V8 writes machine code, which the strictest sandbox forbids.
        Node = "node",
        /// Java runs it: as V8.
        Jvm = "jvm",
        /// The artifact is an archive with an image, which Podman or Docker runs.
        Container = "container",
    }
    /// How the health of an instance is checked.
    CheckType, "a type of health check" {
        /// The app tells systemd (`WATCHDOG=1`, `sd_notify(3)`).
        Watchdog = "watchdog",
        /// A timer asks the health path.
        Probe = "probe",
    }
    /// What starts and restarts the workers of a cluster.
    Supervisor, "a supervisor" {
        /// systemd: each worker is a unit.
        Systemd = "systemd",
        /// The app's own master, in one unit.
        App = "app",
    }
    /// Which requests a proxy sends again when the connection to an instance fails.
    Retry, "a retry policy" {
        /// GET, HEAD and OPTIONS (RFC 9110, section 9.2.1).
        Safe = "safe",
        /// PUT and DELETE as well (RFC 9110, section 9.2.2).
        Idempotent = "idempotent",
    }
    /// The operating system of a host, oldest first.
    Os, "an operating system" {
        /// Debian 12: nginx 1.22, `HAProxy` 2.6, systemd 252.
        Debian12 = "debian12",
        /// Debian 13: nginx 1.26, `HAProxy` 3.0, systemd 257.
        Debian13 = "debian13",
    }
    /// What kind of socket a pool listens on.
    Transport, "a kind of socket" {
        /// TCP ports.
        Tcp = "tcp",
        /// Unix sockets, numbered by the ports.
        Unix = "unix",
    }
    /// Yes or no.
    Switch, "a switch" {
        /// Yes.
        Yes = "true",
        /// No.
        No = "false",
    }
}

impl From<Switch> for bool {
    fn from(switch: Switch) -> Self {
        switch == Switch::Yes
    }
}

/// How many workers a cluster has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Workers {
    /// One for each processor of the host it runs on, counted there.
    Max,
    /// So many.
    Count(u16),
}

const MOST_WORKERS: u16 = 1024;

impl Leaf for Workers {
    const WHAT: &'static str = "a number of workers";

    fn schema() -> Value {
        json!({ "anyOf": [{ "const": "max" }, { "type": "integer", "minimum": 1, "maximum": MOST_WORKERS }] })
    }

    fn read(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse() {
            Ok(count @ 1..=MOST_WORKERS) if !text.starts_with(['0', '+']) => Ok(Self::Count(count)),
            _ => Err("write `max` or a whole number from 1 to 1024".to_owned()),
        }
    }
}

/// A whole number of things, at least one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Count(u16);

impl Count {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl Leaf for Count {
    const WHAT: &'static str = "a whole number";

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 1, "maximum": 65535 })
    }

    fn read(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(number @ 1..) if !text.starts_with(['0', '+']) => Ok(Self(number)),
            _ => Err("write a whole number from 1 to 65535".to_owned()),
        }
    }
}

/// A host's share of a pool's requests beside the others: twice the weight, twice the requests.
/// At most 256, which is `HAProxy`'s bound.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Weight(u16);

impl Weight {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl Leaf for Weight {
    const WHAT: &'static str = "a weight";

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 1, "maximum": 256 })
    }

    fn read(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(number @ 1..=256) if !text.starts_with(['0', '+']) => Ok(Self(number)),
            _ => Err("write a whole number from 1 to 256".to_owned()),
        }
    }
}

/// The version of the language.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Version;

impl Leaf for Version {
    const WHAT: &'static str = "a version of the language";

    fn schema() -> Value {
        json!({ "const": 1 })
    }

    fn read(text: &str) -> Result<Self, String> {
        match text {
            "1" => Ok(Self),
            _ => Err("this genconf reads version 1".to_owned()),
        }
    }
}
