//! Names a user chooses. They become unit names, file names, upstream names
//! and host names, so what they may hold is what all of those can.

use serde_json::{Value, json};

use super::decode::Leaf;
use super::reserved::{FIRST_WORDS, GROUPS};

/// Longest name of a thing. Three of them and a port must fit a unit name,
/// which systemd limits to 255 bytes (systemd.unit(5)).
const LIMIT: usize = 48;

const NAME: &str = "^[a-z]([a-z0-9-]{0,46}[a-z0-9])?$";
const NAME_HELP: &str =
    "use lower-case letters, digits and inner hyphens, at most 48, a letter first";

fn is_name(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    text.len() <= LIMIT
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(inner)
        && !text.ends_with('-')
}

macro_rules! names {
    ($($(#[doc = $doc:literal])+ $name:ident, $what:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Leaf for $name {
            const WHAT: &'static str = $what;

            fn schema() -> Value {
                json!({ "type": "string", "pattern": NAME })
            }

            fn read(text: &str) -> Result<Self, String> {
                if is_name(text) { Ok(Self(text.to_owned())) } else { Err(NAME_HELP.to_owned()) }
            }
        }
    )+};
}

/// The name of the whole: the prefix of every unit.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ProjectName(String);

impl ProjectName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Leaf for ProjectName {
    const WHAT: &'static str = "a project name";

    fn schema() -> Value {
        let first = FIRST_WORDS.join("|");
        json!({
            "type": "string",
            "pattern": NAME,
            "not": { "anyOf": [{ "enum": GROUPS }, { "pattern": format!("^({first})(-|$)|--") }] },
        })
    }

    fn read(text: &str) -> Result<Self, String> {
        if GROUPS.contains(&text) {
            return Err(format!(
                "systemd has a unit `{text}` of its own; take another name"
            ));
        }
        let first = text.split('-').next().unwrap_or_default();
        if FIRST_WORDS.contains(&first) {
            return Err(format!(
                "systemd has units of its own whose names begin with `{first}`; take another name"
            ));
        }
        if text.contains("--") {
            return Err(
                "a slice is called after it, and systemd takes no slice with two hyphens in a row"
                    .to_owned(),
            );
        }
        if is_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NAME_HELP.to_owned())
        }
    }
}

names! {
    /// The name of an app.
    AppName, "an app name";
    /// The name of a pool.
    PoolName, "a pool name";
    /// The name of a proxy.
    ProxyName, "a proxy name";
}

/// The name of a host: labels of RFC 1123, joined by dots.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HostName(String);

impl HostName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub(super) fn is_label(label: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl Leaf for HostName {
    const WHAT: &'static str = "a host name";

    fn schema() -> Value {
        json!({
            "type": "string",
            "pattern": "^[a-z]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$",
            "maxLength": 253,
        })
    }

    fn read(text: &str) -> Result<Self, String> {
        let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
        if text == "localhost" || text == "all" {
            return Err("Ansible gives this name a meaning of its own; choose another".to_owned());
        }
        if starts && text.len() <= 253 && text.split('.').all(is_label) {
            return Ok(Self(text.to_owned()));
        }
        Err("use lower-case letters, digits, hyphens and dots, a letter first".to_owned())
    }
}

/// What a proxy answers to: a host name, `*.` and a host name, or `_` for any.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ServerName(String);

impl ServerName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Leaf for ServerName {
    const WHAT: &'static str = "a server name";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^(_|(\\*\\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?)$" })
    }

    fn read(text: &str) -> Result<Self, String> {
        let plain = text.strip_prefix("*.").unwrap_or(text);
        if text == "_" || (plain.len() <= 253 && plain.split('.').all(is_label)) {
            return Ok(Self(text.to_owned()));
        }
        Err("write `example.org`, `*.example.org` or `_`".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_called_as_no_slice_of_systemd_s_is() {
        for text in [
            "default",
            "network-online",
            "system",
            "system-getty",
            "systemd",
            "systemd-resolved",
            "user-1000",
            "my--shop",
        ] {
            assert!(ProjectName::read(text).is_err(), "{text:?}");
        }
        for text in ["shop", "users", "time", "my-shop", "systems-online"] {
            assert!(ProjectName::read(text).is_ok(), "{text:?}");
        }
        assert!(PoolName::read("a--b").is_ok());
    }

    #[test]
    fn a_name_that_could_leave_a_file_is_refused() {
        for text in [
            "", "-a", "a-", "A", "a b", "a\n", "a/..", "a;b", "ä", "a@1", "a%i",
        ] {
            assert!(PoolName::read(text).is_err(), "{text:?}");
            assert!(HostName::read(text).is_err(), "{text:?}");
        }
        assert!(PoolName::read("a").is_ok() && HostName::read("web-1.example.org").is_ok());
        assert!(PoolName::read(&"a".repeat(49)).is_err());
    }
}
