//! Text, environment variable names, and HTTP headers.

use serde_json::{Value, json};

use super::decode::Scalar;
use super::invalid::{Invalid, replaced};
use crate::diagnostic::Code;

/// Maximum length of a text in bytes. The kernel limits one argument to 128 KiB (execve(2)).
const LIMIT: usize = 64 * 1024;

/// A text that a unit file can pass to a process: at most 64 KiB, without control characters other
/// than line feed and tab (systemd rejects others in `Environment=`) and without noncharacters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Text(String);

impl Text {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Scalar for Text {
    const NOUN: &'static str = "a text";
    const EXAMPLE: &'static str = "text";
    const EMPTY: &'static str = "\"\"";

    fn schema() -> Value {
        json!({ "type": ["string", "number", "boolean"] })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        let is_control = |c: &char| c.is_control() && *c != '\n' && *c != '\t';
        let point = |c: char| format!("U+{:04X}", u32::from(c));
        if let Some(control) = text.chars().find(is_control) {
            let rule = "not have control characters other than line feed and tab";
            let help = format!("remove {}", point(control));
            return Err(Invalid::must(rule, help).found(point(control)));
        }
        if let Some(none) = text.chars().find(|c| is_noncharacter(*c)) {
            let rule = "not have Unicode noncharacters";
            let help = format!("remove {}", point(none));
            return Err(Invalid::must(rule, help).found(point(none)));
        }
        if text.len() > LIMIT {
            let help = "move the text to a file and set its path";
            return Err(Invalid::too_long(LIMIT, "bytes", text.len(), help));
        }
        Ok(Self(text.to_owned()))
    }
}

/// One of the 66 noncharacters (Unicode, section 23.7). systemd rejects a file with one as invalid
/// UTF-8 (`unichar_is_valid` in its utf8.c).
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

impl Scalar for EnvName {
    const NOUN: &'static str = "an environment variable name";
    const EXAMPLE: &'static str = "NAME";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,127}$" })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_valid = |t: &str| !t.is_empty() && t.chars().all(is_inner) && !starts_with_digit(t);
        if text.len() > NAME_LIMIT {
            let help = "use a shorter name";
            return Err(Invalid::too_long(NAME_LIMIT, "bytes", text.len(), help));
        }
        if is_valid(text) {
            return Ok(Self(text.to_owned()));
        }
        let plain = replaced(text, is_inner).replace('-', "_");
        let help = if is_valid(&plain) {
            format!("use `{plain}`")
        } else {
            "use a name such as `LOG_LEVEL`".to_owned()
        };
        let expected = "letters, digits, and underscores, not starting with a digit";
        Err(Invalid::expected(expected, help))
    }
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// Maximum length of the name of a variable or a header in bytes.
const NAME_LIMIT: usize = 128;

/// The name of an HTTP header: letters, digits, and hyphens of RFC 9110, section 5.1.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HeaderName(String);

impl HeaderName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Headers that the proxy sets for correct message framing.
const RESERVED_HEADERS: [&str; 6] = [
    "connection",
    "content-length",
    "date",
    "server",
    "transfer-encoding",
    "upgrade",
];

impl Scalar for HeaderName {
    const NOUN: &'static str = "a header name";
    const EXAMPLE: &'static str = "X-Frame-Options";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9-]{0,127}$" })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let is_valid =
            |t: &str| t.chars().all(is_inner) && t.starts_with(|c: char| c.is_ascii_alphabetic());
        if RESERVED_HEADERS.contains(&text.to_ascii_lowercase().as_str()) {
            let rule = format!(
                "not be one that the proxy sets ({})",
                RESERVED_HEADERS.join(", ")
            );
            let help = format!("remove `{text}`");
            return Err(Invalid::must(rule, help).code(Code::ReservedHeader));
        }
        if text.len() > NAME_LIMIT {
            let help = "use a shorter name";
            return Err(Invalid::too_long(NAME_LIMIT, "bytes", text.len(), help));
        }
        if is_valid(text) {
            return Ok(Self(text.to_owned()));
        }
        let plain = replaced(text, is_inner);
        let help = if is_valid(&plain) {
            format!("use `{plain}`")
        } else {
            "use a name such as `X-Frame-Options`".to_owned()
        };
        let expected = "letters, digits, and hyphens, starting with a letter";
        Err(Invalid::expected(expected, help))
    }
}

/// The value of an HTTP header: visible ASCII and spaces (RFC 9110, section 5.5), without `$`, which
/// nginx expands and cannot escape, and `%`, which `HAProxy` expands. At most 2,000 characters:
/// nginx limits a parameter to 4,095 bytes with escapes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderValue(String);

impl HeaderValue {
    /// The value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Scalar for HeaderValue {
    const NOUN: &'static str = "a header value";
    const EXAMPLE: &'static str = "DENY";

    fn schema() -> Value {
        json!({ "type": ["string", "number", "boolean"], "pattern": "^[ -#&-~]+$", "maxLength": 2000 })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        const LIMIT: usize = 2000;
        if text.is_empty() {
            let help = "remove the header, or set a value";
            return Err(Invalid::must("not be empty", help).code(Code::EmptyValue));
        }
        if text.len() > LIMIT {
            let help = "use a shorter value";
            return Err(Invalid::too_long(LIMIT, "bytes", text.len(), help));
        }
        if let Some(variable) = text.chars().find(|c| "$%".contains(*c)) {
            let help = format!("remove `{variable}`; proxies expand it as a variable");
            return Err(Invalid::must("not have `$` or `%`", help));
        }
        if let Some(other) = text.chars().find(|c| !matches!(c, ' '..='~')) {
            let rule = "have visible ASCII characters and spaces only";
            let help = format!("remove U+{:04X}", u32::from(other));
            return Err(Invalid::must(rule, help));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_no_noncharacters() {
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
