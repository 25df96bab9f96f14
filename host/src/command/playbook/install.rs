//! Installs the files of a configuration, all or none.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::super::site::Site;
use super::request::{Configuration, Reply};
use crate::files::{self, File, Transaction};
use crate::proxy::configuration_test;

/// Mode of configuration files.
const MODE: u32 = 0o644;
/// Mode of files with secrets.
const SECRET_MODE: u32 = 0o600;

/// The files to install, with the record of them.
fn described(site: &Site, configuration: &Configuration) -> Result<Vec<File>, String> {
    let file = |path: &Path, content: &str, mode| File {
        path: path.to_owned(),
        content: content.as_bytes().to_vec(),
        mode,
    };
    let mut files: Vec<File> = configuration
        .files
        .iter()
        .map(|(path, text)| file(path, text, MODE))
        .collect();
    files.push(file(&site.host.paths.spec, &configuration.spec, MODE));
    // The first line names the project: files that are unmanaged any more are found by it.
    let banner = format!("# Written by genconf for {}.\n", site.host.project);
    files.extend(
        configuration
            .env_files
            .iter()
            .map(|(path, text)| file(path, &format!("{banner}{text}"), SECRET_MODE)),
    );
    let record = files::record_of(&site.host.project, &files).map_err(|error| error.to_string())?;
    files.push(record);
    Ok(files)
}

/// Installs the files. Returns the paths that changed.
pub(super) fn install(site: &Site, configuration: &Configuration) -> Result<Vec<String>, String> {
    let root = &site.machine.root;
    let mut changed = make_directories(site)?;
    let files = described(site, configuration)?;
    let removed = misleading(site, &files)?;
    let differing = files::differing(root, &files).map_err(|error| error.to_string())?;
    changed.extend(differing.iter().map(|file| file.path.display().to_string()));
    changed.extend(removed.iter().map(|path| path.display().to_string()));
    let transaction = Transaction::stage(root, &site.host.paths.state, &differing, &removed);
    let transaction = transaction.map_err(|error| error.to_string())?;
    for proxy in &site.host.proxies {
        if differing
            .iter()
            .any(|file| file.path == proxy.configuration)
        {
            let candidate = transaction.candidate(&proxy.configuration);
            // Dropped, the transaction removes its files.
            configuration_test::test_configuration(proxy, &candidate).map_err(|e| e.to_string())?;
        }
    }
    transaction.commit().map_err(|error| error.to_string())?;
    Ok(changed)
}

/// Whether the directories and files of the project have the modes with which they are installed.
pub(super) fn has_modes(site: &Site) -> bool {
    let root = &site.machine.root;
    let host = &site.host;
    let has = |path: &Path, mode: u32| {
        let found = root.target_metadata(path);
        found.is_ok_and(|found| found.is_some_and(|m| m.permissions().mode() & 0o7777 == mode))
    };
    let env_files = host.apps.iter().filter_map(|app| app.env_file.as_ref());
    let is_open = |directories: &[PathBuf]| {
        files::closed_directories(root, directories).is_ok_and(|closed| closed.is_empty())
    };
    host.files.iter().all(|file| has(&file.destination, MODE))
        && env_files
            .into_iter()
            .all(|file| has(&file.destination, SECRET_MODE))
        && directories(site).is_ok_and(|directories| is_open(&directories))
}

/// Adds what an installation would change to a reply.
pub(super) async fn preview(
    site: &Site,
    configuration: &Configuration,
    reply: &mut Reply,
) -> Result<(), String> {
    let root = &site.machine.root;
    let files = described(site, configuration)?;
    let differing = files::differing(root, &files).map_err(|error| error.to_string())?;
    for file in &differing {
        let path = file.path.display().to_string();
        reply.log.push(format!("write {path}"));
        if file.mode == SECRET_MODE {
            continue;
        }
        let before = std::fs::read(root.resolve(&file.path)).unwrap_or_default();
        let (before, after) = (
            String::from_utf8_lossy(&before),
            String::from_utf8_lossy(&file.content),
        );
        let diff = TextDiff::from_lines(before.as_ref(), after.as_ref());
        reply
            .diff
            .push_str(&diff.unified_diff().header(&path, &path).to_string());
    }
    for path in misleading(site, &files)? {
        reply.log.push(format!("remove {}", path.display()));
    }
    reply.changed = !reply.log.is_empty();
    super::apply::preview(site, &files, reply).await
}

fn misleading(site: &Site, files: &[File]) -> Result<Vec<PathBuf>, String> {
    let described = files.iter().map(|file| file.path.clone()).collect();
    let units = files
        .iter()
        .filter_map(|file| file.path.file_name()?.to_str().map(str::to_owned));
    let units = units.collect();
    files::misleading_dropins(&site.machine.root, &site.host.project, &units, &described)
        .map_err(|error| error.to_string())
}

/// Creates directories that units expect, and lets other users enter those that a run with another
/// umask(2) has left.
fn make_directories(site: &Site) -> Result<Vec<String>, String> {
    let made = files::make_directories(&site.machine.root, &directories(site)?);
    let made = made.map_err(|error| error.to_string())?;
    Ok(made.iter().map(|path| path.display().to_string()).collect())
}

/// Directories of the project that units of other users enter.
fn directories(site: &Site) -> Result<Vec<PathBuf>, String> {
    let host = &site.host;
    let parent = |path: &PathBuf| path.parent().map(Path::to_owned);
    let mut directories = vec![
        host.paths.logs.clone(),
        host.paths.configuration.clone(),
        host.paths.apps.clone(),
    ];
    directories.extend(
        host.proxies
            .iter()
            .filter_map(|proxy| parent(&proxy.configuration)),
    );
    for app in &host.apps {
        directories.extend([app.directory.clone(), app.directory.join("releases")]);
        directories.extend(app.watched_file.iter().filter_map(parent));
        let releases = site.machine.store(&app.directory).releases();
        for release in releases.map_err(|error| error.to_string())? {
            directories.push(app.directory.join("releases").join(release));
        }
    }
    Ok(directories)
}
