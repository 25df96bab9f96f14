//! Free text, and the texts that are not quite free.

use serde_json::{Value, json};

use super::decode::Leaf;

/// Longest free text: more than any argument a kernel takes in one piece is
/// no setting but a file (execve(2): 128 KiB for one string).
const LIMIT: usize = 64 * 1024;

/// Any text that a unit file can give to a process: no control character but
/// line feed and tab (systemd refuses others in `Environment=`), nothing that
/// Unicode reserves for no character at all, at most 64 KiB.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Text(String);

impl Text {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Leaf for Text {
    const WHAT: &'static str = "a text";

    fn schema() -> Value {
        json!({ "type": ["string", "number", "boolean"] })
    }

    fn read(text: &str) -> Result<Self, String> {
        let control = |c: char| c.is_control() && c != '\n' && c != '\t';
        if text.contains(control) {
            return Err(
                "control characters, save line feed and tab, do not survive unit files".to_owned(),
            );
        }
        if let Some(none) = text.chars().find(|c| is_noncharacter(*c)) {
            return Err(format!(
                "U+{:04X} is no character, and systemd refuses a unit that holds it",
                u32::from(none)
            ));
        }
        if text.len() > LIMIT {
            return Err("at most 64 KiB; put longer settings in a file".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

/// One of the 66 code points that are never assigned (Unicode, section 23.7): systemd reads a file
/// with one as not UTF-8 (`unichar_is_valid` of its utf8.c).
fn is_noncharacter(c: char) -> bool {
    matches!(u32::from(c), 0xFDD0..=0xFDEF) || u32::from(c) & 0xFFFE == 0xFFFE
}

/// The name of an environment variable.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EnvName(String);

impl EnvName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Leaf for EnvName {
    const WHAT: &'static str = "the name of an environment variable";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,127}$" })
    }

    fn read(text: &str) -> Result<Self, String> {
        let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if starts && text.len() <= 128 && text.bytes().all(inner) {
            return Ok(Self(text.to_owned()));
        }
        Err("use letters, digits and underscores, no digit first".to_owned())
    }
}

/// The name of an HTTP header field: RFC 9110, section 5.1, without the
/// rarer punctuation of `token`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HeaderName(String);

impl HeaderName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Fields that the proxy itself must set for messages to stay whole.
const OWN_HEADERS: [&str; 6] = [
    "connection",
    "content-length",
    "date",
    "server",
    "transfer-encoding",
    "upgrade",
];

impl Leaf for HeaderName {
    const WHAT: &'static str = "the name of a header";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9-]{0,127}$" })
    }

    fn read(text: &str) -> Result<Self, String> {
        let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
        if OWN_HEADERS.contains(&text.to_ascii_lowercase().as_str()) {
            return Err("the proxy sets this one itself".to_owned());
        }
        if starts && text.len() <= 128 && text.bytes().all(inner) {
            return Ok(Self(text.to_owned()));
        }
        Err("use letters, digits and hyphens, a letter first".to_owned())
    }
}

/// The value of an HTTP header field that every engine can be told to send:
/// visible ASCII and spaces (RFC 9110, section 5.5), without `$`, which names
/// a variable in nginx and cannot be escaped there, and `%`, the same in `HAProxy`;
/// at most 2,000 characters, since nginx takes words of 4,095 with their escapes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderValue(String);

impl HeaderValue {
    /// The value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Leaf for HeaderValue {
    const WHAT: &'static str = "the value of a header";

    fn schema() -> Value {
        json!({ "type": ["string", "number", "boolean"], "pattern": "^[ -#&-~]+$", "maxLength": 2000 })
    }

    fn read(text: &str) -> Result<Self, String> {
        let visible = |b: u8| matches!(b, b' '..=b'~') && b != b'$' && b != b'%';
        if !text.is_empty() && text.len() <= 2000 && text.bytes().all(visible) {
            return Ok(Self(text.to_owned()));
        }
        Err(
            "use visible ASCII and spaces, at most 2000, without `$` and `%`, which proxies read as variables"
                .to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_holds_what_a_unit_file_can_hold() {
        for wrong in [
            "a\u{FDD0}",
            "\u{FDEF}",
            "\u{FFFE}",
            "\u{FFFF}",
            "\u{1FFFE}",
            "\u{10FFFF}",
            "\u{85}",
        ] {
            assert!(Text::read(wrong).is_err(), "{wrong:?}");
        }
        for right in [
            "",
            "a\n\tb",
            "\u{FDCF}",
            "\u{FDF0}",
            "\u{FFFD}",
            "\u{10FFFD}",
            "é😀",
        ] {
            assert!(Text::read(right).is_ok(), "{right:?}");
        }
    }
}
