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

/// An absolute path on a host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostPath(FilePath);

impl HostPath {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Leaf for HostPath {
    const WHAT: &'static str = "an absolute path on the host";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^/[A-Za-z0-9._/@+=-]*[A-Za-z0-9_@+=-]$" })
    }

    fn read(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') || text.split('/').any(|s| s == "..") {
            return Err("write the whole path, from `/` on".to_owned());
        }
        FilePath::read(text).map(Self)
    }
}

/// A path on the machine where genconf runs: relative to the topology, or absolute.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FilePath(String);

impl FilePath {
    /// The path as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the last slash.
    #[must_use]
    pub fn file_name(&self) -> &str {
        let trimmed = self.0.trim_end_matches('/');
        trimmed.rsplit('/').next().unwrap_or(trimmed)
    }

    /// Whether it is a file of tar(1), plain or by gzip.
    #[must_use]
    pub fn is_archive(&self) -> bool {
        let name = self.file_name();
        [".tar", ".tar.gz", ".tgz"]
            .iter()
            .any(|end| name.ends_with(end))
    }
}

impl Leaf for FilePath {
    const WHAT: &'static str = "a path";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9._/@+=-]*[A-Za-z0-9_@+=-]/?$" })
    }

    fn read(text: &str) -> Result<Self, String> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._/@+=-".contains(&b);
        let path = Self(text.to_owned());
        let named =
            !matches!(path.file_name(), "" | "." | "..") && !path.file_name().starts_with('-');
        if named && text.len() <= 1024 && text.bytes().all(allowed) {
            return Ok(path);
        }
        Err("use letters, digits and `._/@+=-`, and end in a name".to_owned())
    }
}

/// A path inside an archive.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InnerPath(FilePath);

impl InnerPath {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Leaf for InnerPath {
    const WHAT: &'static str = "a path inside an archive";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9._@+=-]([A-Za-z0-9._/@+=-]*[A-Za-z0-9_@+=-])?$" })
    }

    fn read(text: &str) -> Result<Self, String> {
        let odd = |step: &str| matches!(step, "" | "." | "..");
        if text.split('/').any(odd) {
            return Err(
                "write it as it is in the archive: `server.js`, `dist/server.js`".to_owned(),
            );
        }
        FilePath::read(text).map(Self)
    }
}

/// A path of a URL: begins with a slash, no query, nothing a proxy would read as syntax.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UrlPath(String);

impl UrlPath {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Leaf for UrlPath {
    const WHAT: &'static str = "a URL path";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^/[A-Za-z0-9._/@:+=,-]*$", "maxLength": 1024 })
    }

    /// A subset of `path-absolute` of RFC 3986, section 3.3: percent escapes
    /// are left out, because proxies compare paths after decoding them, and so
    /// is what means something in a shell.
    fn read(text: &str) -> Result<Self, String> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._/@:+=,-".contains(&b);
        if !text.starts_with('/') {
            return Err(format!(
                "begin it with a slash: `/{}`",
                text.trim_start_matches('/')
                    .chars()
                    .take(40)
                    .collect::<String>()
            ));
        }
        let steps = |s: &str| s == "." || s == "..";
        if text.contains("//") || text.split('/').any(steps) {
            return Err(
                "write it without `//`, `.` and `..`: proxies resolve those before they compare"
                    .to_owned(),
            );
        }
        if text.len() <= 1024 && text.bytes().all(allowed) {
            return Ok(Self(text.to_owned()));
        }
        Err("use letters, digits and `._/@:+=,-`".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_a_proxy_would_read_as_syntax_is_refused() {
        for wrong in [
            "", "api", "/a b", "/a;b", "/{a}", "/a$b", "/a\"b", "/..", "/a//b", "/a\n", "/%41",
            "/a/./b",
        ] {
            assert!(UrlPath::read(wrong).is_err(), "{wrong:?}");
        }
        assert!(UrlPath::read("/").is_ok() && UrlPath::read("/api/randoms/").is_ok());
    }

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

    #[test]
    fn a_file_path_ends_in_a_name() {
        let name = |text| FilePath::read(text).map(|p| p.file_name().to_owned()).ok();
        assert_eq!(name("target/release/randoms").as_deref(), Some("randoms"));
        assert_eq!(name("../app/").as_deref(), Some("app"));
        for wrong in ["", "/", "..", "a/..", "a b", "a\n", "$(x)", "a/-rf"] {
            assert_eq!(name(wrong), None, "{wrong:?}");
        }
    }
}
