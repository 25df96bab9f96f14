//! Locations of certificate challenges (ACME), which `raw` keeps.

use super::directive::Directive;
use super::raw_line::raw_line;
use super::reason::without_route;
use crate::import::Finding;

/// Part of the path of a challenge (RFC 8555, section 8.3).
const PATH: &str = "acme-challenge";

/// Directives of a challenge location that a line of `raw` can have.
const KEPT: [&str; 8] = [
    "access_log",
    "alias",
    "allow",
    "auth_basic",
    "default_type",
    "log_not_found",
    "root",
    "try_files",
];

/// The line of `raw.server` for a location that serves challenges from files. `outer` is its server.
pub(super) fn line(location: &Directive, outer: &Directive) -> Option<String> {
    let is_kept = |d: &Directive| KEPT.contains(&d.name.as_str()) && d.block.is_none();
    if !is_challenge(location)
        || without_route(location).is_none()
        || !location.inside().iter().all(is_kept)
    {
        return None;
    }
    let folder = |d: &&Directive| ["root", "alias"].contains(&d.name.as_str());
    let own = location.inside().iter().find(folder);
    let root = own.or_else(|| outer.inside().iter().find(|d| d.name == "root"))?;
    // nginx resolves other paths in a directory that it was built with.
    if !root.arg().starts_with('/') {
        return None;
    }
    let mut location = location.clone();
    if own.is_none() {
        location.block.get_or_insert_default().push(root.clone());
    }
    raw_line(&location)
}

/// Whether a location is for challenges.
pub(super) fn is_challenge(location: &Directive) -> bool {
    location.args.iter().any(|a| a.contains(PATH))
}

/// The finding for a location that `raw` keeps.
pub(super) fn finding(location: &Directive) -> Finding {
    let reason = "the location is kept as a line of `raw`; the proxy runs as an unprivileged user, so all users must be able to read its files";
    Finding::adjusted(location.text(), reason).at(location.position)
}
