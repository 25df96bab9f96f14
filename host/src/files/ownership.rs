//! Which project a file belongs to, and files that are unmanaged any more.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::manifest::is_temporary;
use super::{Error, LOGROTATE, Root, SHARED, SYSCTL, UNITS};

/// Precedes the project in the first lines of a file.
const BANNER: &str = "Written by genconf for ";

/// Lines of a file that are searched for the banner.
const BANNER_LINES: usize = 5;

/// The project in the banner of a file, `Written by genconf for PROJECT.`; `None` without one.
pub(crate) fn owner(content: &[u8]) -> Option<&str> {
    let mut lines = content.split(|byte| *byte == b'\n').take(BANNER_LINES);
    lines.find_map(|line| {
        let (_, rest) = str::from_utf8(line).ok()?.split_once(BANNER)?;
        let word = rest.split_whitespace().next()?;
        Some(word.trim_end_matches(['.', ',', ':', ';']))
    })
}

/// Whether a path is directly in a directory that all projects of a host share.
pub(super) fn is_shared(path: &Path) -> bool {
    SHARED
        .iter()
        .any(|shared| path.parent() == Some(Path::new(shared)))
}

/// Files of `project` on the host that are not in `described`, sorted: those with its banner where genconf
/// installs files, and `/etc/PROJECT/host.json`, which earlier versions wrote without one. Links are left out.
pub(crate) fn orphans(
    root: &Root,
    project: &str,
    described: &BTreeSet<PathBuf>,
) -> Result<Vec<PathBuf>, Error> {
    let mut orphans = BTreeSet::new();
    for path in candidates(root, project)? {
        let is_file = root.metadata(&path)?.is_some_and(|m| m.is_file());
        if !is_file || described.contains(&path) || is_temporary(&path) {
            continue;
        }
        let content = root.read(&path)?.unwrap_or_default();
        if path == legacy_spec(project) || owner(&content) == Some(project) {
            orphans.insert(path);
        }
    }
    Ok(orphans.into_iter().collect())
}

/// Drop-ins among the orphans that apply to `units`, which are described.
pub(crate) fn misleading_dropins(
    root: &Root,
    project: &str,
    units: &BTreeSet<String>,
    described: &BTreeSet<PathBuf>,
) -> Result<Vec<PathBuf>, Error> {
    let mut orphans = orphans(root, project, described)?;
    orphans.retain(|path| {
        let directory = path.parent();
        let name = directory.and_then(Path::file_name).and_then(OsStr::to_str);
        let unit = name.and_then(|name| name.strip_suffix(".d"));
        unit.is_some_and(|unit| units.contains(unit))
    });
    Ok(orphans)
}

/// Removes a file if it exists, and its directory if that is empty and not shared.
pub(crate) fn remove(root: &Root, path: &Path) -> Result<(), Error> {
    root.remove(path)?;
    remove_parent(root, path)
}

/// Removes the directory of a file if it is empty and not shared.
pub(super) fn remove_parent(root: &Root, path: &Path) -> Result<(), Error> {
    match path.parent() {
        Some(parent) if !is_shared(path) => root.remove_empty_directory(parent),
        _ => Ok(()),
    }
}

/// Where genconf installs files of a project, and where earlier versions did.
fn candidates(root: &Root, project: &str) -> Result<Vec<PathBuf>, Error> {
    let mut candidates = vec![Path::new(LOGROTATE).join(project), legacy_spec(project)];
    for path in root.entries(&Path::new("/etc").join(project))? {
        if root.is_directory(&path)? {
            candidates.extend(root.entries(&path)?);
        } else if has_extension(&path, "env") {
            candidates.push(path);
        }
    }
    for path in root.entries(Path::new(UNITS))? {
        let rest = name(&path).strip_prefix(project);
        if !rest.is_some_and(|rest| rest.starts_with(['-', '.', '@'])) {
            continue;
        }
        if has_extension(&path, "d") && root.is_directory(&path)? {
            candidates.extend(root.entries(&path)?);
        } else {
            candidates.push(path);
        }
    }
    let prefix = format!("60-{project}-");
    let settings = root.entries(Path::new(SYSCTL))?.into_iter();
    candidates.extend(
        settings.filter(|path| name(path).starts_with(&prefix) && has_extension(path, "conf")),
    );
    Ok(candidates)
}

/// The desired state of a host as earlier versions wrote it, without a banner.
fn legacy_spec(project: &str) -> PathBuf {
    Path::new("/etc").join(project).join("host.json")
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension() == Some(OsStr::new(extension))
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).unwrap_or_default()
}

#[cfg(test)]
mod tests;
