//! Paths: on a host, on the machine where genconf runs, inside an archive, of a URL.

use serde_json::{Value, json};

use super::decode::Leaf;

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
    fn a_file_path_ends_in_a_name() {
        let name = |text| FilePath::read(text).map(|p| p.file_name().to_owned()).ok();
        assert_eq!(name("target/release/randoms").as_deref(), Some("randoms"));
        assert_eq!(name("../app/").as_deref(), Some("app"));
        for wrong in ["", "/", "..", "a/..", "a b", "a\n", "$(x)", "a/-rf"] {
            assert_eq!(name(wrong), None, "{wrong:?}");
        }
    }
}
