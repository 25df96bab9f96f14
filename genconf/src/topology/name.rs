//! Names chosen by the user. They become unit names, file names, upstream names, and host names,
//! so they are limited to the characters that all of these accept.

use serde_json::{Value, json};

use super::decode::Scalar;
use super::invalid::{Invalid, replaced};
use super::reserved::{FIRST_WORDS, GROUPS};
use crate::diagnostic::Code;

/// Maximum length of a name. Three names and a port must fit in a unit name, which systemd limits
/// to 255 bytes (systemd.unit(5)).
const LIMIT: usize = 48;

const NAME: &str = "^[a-z]([a-z0-9-]{0,46}[a-z0-9])?$";

fn is_name(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    text.len() <= LIMIT
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(inner)
        && !text.ends_with('-')
}

/// `text`, if it is a name.
fn name(text: &str) -> Result<String, Invalid> {
    if is_name(text) {
        return Ok(text.to_owned());
    }
    if text.chars().count() > LIMIT {
        let length = text.chars().count();
        let help = format!("use at most {LIMIT} characters");
        return Err(Invalid::too_long(LIMIT, "characters", length, help));
    }
    let plain = replaced(&text.to_lowercase(), |c| {
        c.is_ascii_lowercase() || c.is_ascii_digit()
    });
    let plain = plain.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let help = if is_name(plain) {
        format!("use `{plain}`")
    } else {
        "use a name such as `web-1`".to_owned()
    };
    let expected = "lowercase letters, digits, and inner hyphens, starting with a letter";
    Err(Invalid::expected(expected, help))
}

macro_rules! names {
    ($($(#[doc = $doc:literal])+ $name:ident, $noun:literal;)+) => {$(
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

        impl Scalar for $name {
            const NOUN: &'static str = $noun;
            const EXAMPLE: &'static str = "web";

            fn schema() -> Value {
                json!({ "type": "string", "pattern": NAME })
            }

            fn read(text: &str) -> Result<Self, Invalid> {
                name(text).map(Self)
            }
        }
    )+};
}

/// The name of the project: the prefix of every unit.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ProjectName(String);

impl ProjectName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Scalar for ProjectName {
    const NOUN: &'static str = "a project name";
    const EXAMPLE: &'static str = "shop";

    fn schema() -> Value {
        let first = FIRST_WORDS.join("|");
        json!({
            "type": "string",
            "pattern": NAME,
            "not": { "anyOf": [{ "enum": GROUPS }, { "pattern": format!("^({first})(-|$)|--") }] },
        })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        let help = || format!("use another name, such as `my-{text}`");
        let first = text.split('-').next().unwrap_or_default();
        if GROUPS.contains(&text) {
            let rule = "not be the name of a systemd target or slice";
            return Err(Invalid::must(rule, help()).code(Code::ReservedName));
        }
        if FIRST_WORDS.contains(&first) {
            let rule = format!("not start with `{first}`, a prefix of systemd units");
            return Err(Invalid::must(rule, help()).code(Code::ReservedName));
        }
        let name = name(text)?;
        if text.contains("--") {
            // A slice has this name (systemd.slice(5)).
            let rule = "not have two hyphens in a row";
            let help = format!("use `{}`", replaced(text, |c| c != '-'));
            return Err(Invalid::must(rule, help));
        }
        Ok(Self(name))
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

/// The name of a host: labels of RFC 1123, separated by dots.
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

impl Scalar for HostName {
    const NOUN: &'static str = "a host name";
    const EXAMPLE: &'static str = "node1";

    fn schema() -> Value {
        json!({
            "type": "string",
            "pattern": "^[a-z]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$",
            "maxLength": 253,
        })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        let is_valid = |t: &str| {
            let starts = t.starts_with(|c: char| c.is_ascii_lowercase());
            starts && t.len() <= 253 && t.split('.').all(is_label)
        };
        if text == "localhost" || text == "all" {
            let rule = "not be a name that Ansible reserves";
            let help = "use another name, such as `node1`";
            return Err(Invalid::must(rule, help).code(Code::ReservedName));
        }
        if is_valid(text) {
            return Ok(Self(text.to_owned()));
        }
        if text.len() > 253 {
            let help = "use at most 253 characters";
            return Err(Invalid::too_long(253, "characters", text.len(), help));
        }
        let plain = replaced(&text.to_lowercase(), |c| {
            c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.'
        });
        let help = if is_valid(&plain) {
            format!("use `{plain}`")
        } else {
            "use a name such as `node1` or `web-1.example.org`".to_owned()
        };
        let expected = "lowercase letters, digits, hyphens, and dots, starting with a letter";
        Err(Invalid::expected(expected, help))
    }
}

/// The fix for an internationalized domain name (RFC 5890).
pub(super) const IDN_HELP: &str = "use the punycode form of an internationalized domain name, `xn--…`, such as `xn--bcher-kva.example` for `bücher.example`";

/// A server name of a proxy: a host name, `*.` and a host name, or `_` for any name.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ServerName(String);

impl ServerName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Scalar for ServerName {
    const NOUN: &'static str = "a server name";
    const EXAMPLE: &'static str = "example.org";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^(_|(\\*\\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?)$" })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        let is_valid = |t: &str| {
            let plain = t.strip_prefix("*.").unwrap_or(t);
            t == "_" || (plain.len() <= 253 && plain.split('.').all(is_label))
        };
        if is_valid(text) {
            return Ok(Self(text.to_owned()));
        }
        let host = text.split_once("://").map_or(text, |(_, rest)| rest);
        let host = host.split([':', '/']).next().unwrap_or_default();
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let help = if is_valid(&host) {
            format!("use `{host}`")
        } else if !text.is_ascii() {
            IDN_HELP.to_owned()
        } else {
            "use `example.org`, `\"*.example.org\"`, or `_` for any name".to_owned()
        };
        let expected = "a host name, `*.` and a host name, or `_`";
        Err(Invalid::expected(expected, help))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_does_not_have_the_name_of_a_systemd_unit() {
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
    fn a_name_has_safe_characters_only() {
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
