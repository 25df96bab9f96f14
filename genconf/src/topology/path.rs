//! Paths on a host, on the machine that runs genconf, inside an archive, and in a URL.

use std::ops::Deref;

use serde_json::{Value, json};

use super::decode::Scalar;
use super::image::Image;
use super::invalid::{Invalid, replaced};

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

/// The pattern of an absolute path in the schema.
const ABSOLUTE: &str = "^/[A-Za-z0-9._/@+=-]*[A-Za-z0-9_@+=-]$";

impl Scalar for HostPath {
    const NOUN: &'static str = "an absolute path on the host";
    const EXAMPLE: &'static str = "/etc/ssl/certs/site.pem";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": ABSOLUTE })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        absolute(text, Self::EXAMPLE).map(Self)
    }
}

/// An absolute path without `..`; `example` is for the help.
fn absolute(text: &str, example: &str) -> Result<FilePath, Invalid> {
    if !text.starts_with('/') || text.split('/').any(|s| s == "..") {
        return Err(Invalid::must(
            "be an absolute path without `..`",
            format!("use a path such as `{example}`"),
        ));
    }
    FilePath::read(text)
}

/// The absolute path of a private key on a host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyPath(FilePath);

impl KeyPath {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Scalar for KeyPath {
    const NOUN: &'static str = "an absolute path on the host";
    const EXAMPLE: &'static str = "/etc/ssl/private/site.key";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": ABSOLUTE })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        absolute(text, Self::EXAMPLE).map(Self)
    }
}

/// A path on the machine that runs genconf: relative to the topology, or absolute.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FilePath(String);

impl FilePath {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the last slash.
    #[must_use]
    pub fn file_name(&self) -> &str {
        let trimmed = self.0.trim_end_matches('/');
        trimmed.rsplit('/').next().unwrap_or(trimmed)
    }

    /// Whether it is a tar archive, with or without gzip.
    #[must_use]
    pub fn is_archive(&self) -> bool {
        let name = self.file_name();
        [".tar", ".tar.gz", ".tgz"]
            .iter()
            .any(|end| name.ends_with(end))
    }
}

impl Scalar for FilePath {
    const NOUN: &'static str = "a path";
    const EXAMPLE: &'static str = "web";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9._/@+=-]*[A-Za-z0-9_@+=-]/?$" })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._/@+=-".contains(c);
        let path = Self(text.to_owned());
        if text.len() > MAX_LENGTH {
            let help = "move the file to a shorter path";
            return Err(Invalid::too_long(MAX_LENGTH, "bytes", text.len(), help));
        }
        if !text.chars().all(allowed) {
            let plain = replaced(text, allowed);
            let help = match Self::read(&plain) {
                Ok(_) => format!("rename the file to `{plain}`"),
                Err(_) => format!("use a path such as `{}`", Self::EXAMPLE),
            };
            let rule = "have letters, digits, and `._/@+=-` only";
            return Err(Invalid::must(rule, help));
        }
        let name = path.file_name();
        if matches!(name, "" | "." | "..") || name.starts_with('-') {
            return Err(Invalid::must(
                "end with a file name that does not start with `-`",
                format!("use a path such as `{}`", Self::EXAMPLE),
            ));
        }
        Ok(path)
    }
}

/// The path of a file to deploy, relative to the topology or absolute.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ArtifactPath(FilePath);

impl Deref for ArtifactPath {
    type Target = FilePath;

    fn deref(&self) -> &FilePath {
        &self.0
    }
}

impl Scalar for ArtifactPath {
    const NOUN: &'static str = FilePath::NOUN;
    const EXAMPLE: &'static str = FilePath::EXAMPLE;

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9._/@+=-]*[A-Za-z0-9_@+=-]$" })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        if text.contains(':') && Image::read(text).is_ok() {
            let name = text.rsplit('/').next().unwrap_or_default();
            let name = name.split(':').next().unwrap_or_default();
            return Err(Invalid::must(
                "be a file",
                format!("`artifact` is an image archive: `artifact: {name}.tar`, `image: {text}`"),
            ));
        }
        let path = FilePath::read(text)?;
        if text.ends_with('/') {
            let (directory, name) = (text.trim_end_matches('/'), path.file_name());
            let build = format!("tar -C {directory} -czf {name}.tar.gz .");
            return Err(Invalid::must(
                "be a file, not a directory",
                format!(
                    "deploy an archive of it: `build: {build}`, `artifact: {name}.tar.gz`, and `main`"
                ),
            ));
        }
        Ok(Self(path))
    }
}

/// Maximum length of a path in bytes.
const MAX_LENGTH: usize = 1024;

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

impl Scalar for InnerPath {
    const NOUN: &'static str = "a path inside an archive";
    const EXAMPLE: &'static str = "server.js";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9._@+=-]([A-Za-z0-9._/@+=-]*[A-Za-z0-9_@+=-])?$" })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        let is_special = |step: &str| matches!(step, "" | "." | "..");
        if text.split('/').any(is_special) {
            let steps = text.split('/').filter(|step| !is_special(step));
            let plain = steps.collect::<Vec<_>>().join("/");
            let help = match FilePath::read(&plain) {
                Ok(_) => format!("use `{plain}`"),
                Err(_) => "use a path such as `server.js` or `dist/server.js`".to_owned(),
            };
            let rule = "be a relative path without `.` and `..`";
            return Err(Invalid::must(rule, help));
        }
        FilePath::read(text).map(Self)
    }
}

/// The path of a URL: starts with a slash, without a query or characters with a meaning in a proxy
/// configuration.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UrlPath(String);

impl UrlPath {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Scalar for UrlPath {
    const NOUN: &'static str = "a URL path";
    const EXAMPLE: &'static str = "/";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^/[A-Za-z0-9._/@:+=,-]*$", "maxLength": 1024 })
    }

    /// A subset of `path-absolute` of RFC 3986, section 3.3. Percent escapes are not allowed, because
    /// proxies compare decoded paths; neither are characters with a meaning in a shell.
    fn read(text: &str) -> Result<Self, Invalid> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._/@:+=,-".contains(c);
        let is_special = |step: &str| step == "." || step == "..";
        let rule = if text.len() > MAX_LENGTH {
            let help = "use a shorter path: a route includes all paths below it";
            return Err(Invalid::too_long(MAX_LENGTH, "bytes", text.len(), help));
        } else if !text.starts_with('/') {
            "start with `/`"
        } else if text.contains("//") || text.split('/').any(is_special) {
            // Proxies resolve these before they compare paths.
            "not have `//`, `.`, or `..`"
        } else if !text.chars().all(allowed) {
            "have letters, digits, and `._/@:+=,-` only"
        } else {
            return Ok(Self(text.to_owned()));
        };
        let start: String = text.chars().take_while(|c| allowed(*c)).collect();
        let steps = start.split('/').filter(|s| !s.is_empty() && !is_special(s));
        let plain = steps.collect::<Vec<_>>().join("/");
        Err(Invalid::must(rule, format!("use `/{plain}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_path_has_safe_characters_only() {
        for wrong in [
            "", "api", "/a b", "/a;b", "/{a}", "/a$b", "/a\"b", "/..", "/a//b", "/a\n", "/%41",
            "/a/./b",
        ] {
            assert!(UrlPath::read(wrong).is_err(), "{wrong:?}");
        }
        assert!(UrlPath::read("/").is_ok() && UrlPath::read("/api/randoms/").is_ok());
    }

    #[test]
    fn a_file_path_ends_with_a_file_name() {
        let name = |text| FilePath::read(text).map(|p| p.file_name().to_owned()).ok();
        assert_eq!(name("target/release/randoms").as_deref(), Some("randoms"));
        assert_eq!(name("../app/").as_deref(), Some("app"));
        for wrong in ["", "/", "..", "a/..", "a b", "a\n", "$(x)", "a/-rf"] {
            assert_eq!(name(wrong), None, "{wrong:?}");
        }
    }
}
