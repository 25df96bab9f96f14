//! Archives of directories that are deployed as a whole, and the commands that build them.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::draft::{AppDraft, Archive};
use super::shell_split::quoted;

/// Maximum number of archives to exclude from another one.
const MAX_EXCLUDED: usize = 100;

/// Names the archive of each directory after its first app and sets the command that builds it.
pub(super) fn pack(apps: &mut [AppDraft], findings: &mut Vec<Finding>) {
    let mut archives: BTreeMap<String, SharedArchive> = BTreeMap::new();
    for app in apps.iter() {
        if let Some(Archive { directory, .. }) = &app.archive {
            let own = app.env_file.iter().filter_map(|f| inside(directory, f));
            let own: BTreeSet<_> = own.collect();
            let archive = archives
                .entry(directory.clone())
                .or_insert_with(|| SharedArchive {
                    file: format!("{}.tar.gz", app.name),
                    apps: Vec::new(),
                    excluded: own.clone(),
                });
            archive.apps.push(format!("`{}`", app.name));
            archive.excluded.retain(|file| own.contains(file));
        }
    }
    let files: Vec<String> = archives.values().map(|p| p.file.clone()).collect();
    for app in apps {
        if let Some(archive) = &mut app.archive {
            let shared = &archives[&archive.directory];
            app.artifact.clone_from(&shared.file);
            archive.build = command(&archive.directory, shared, &files);
        }
    }
    let reported = archives
        .iter()
        .map(|(directory, archive)| finding(directory, archive));
    findings.extend(reported);
}

/// The archive of a directory.
#[derive(Debug)]
struct SharedArchive {
    file: String,
    /// Apps that use the archive as their artifact.
    apps: Vec<String>,
    /// Environment files to exclude: each app installs its own, readable only by root.
    excluded: BTreeSet<String>,
}

/// Path of `file` in the archive of `directory`, if it is inside.
fn inside(directory: &str, file: &str) -> Option<String> {
    let inside = match directory {
        "." => Some(file).filter(|f| !f.starts_with('/') && !f.starts_with("../")),
        directory => file.strip_prefix(directory)?.strip_prefix('/'),
    };
    inside.map(|f| format!("./{f}"))
}

fn finding(directory: &str, archive: &SharedArchive) -> Finding {
    let directory = match directory {
        "." => "the topology's directory",
        directory => &format!("`{directory}`"),
    };
    let apps = archive.apps.join(", ");
    Finding::adjusted(
        format!("{apps}: `{}` from {directory}", archive.file),
        "Node.js apps are deployed as an archive of their directory with node_modules, readable by every user of the host; move secrets to `env_file`",
    )
}

/// The command that builds the archive. The shell creates the file before tar reads the directory,
/// because tar fails if a file appears while it runs. An existing `node_modules` is kept, because a
/// running app may use it.
fn command(directory: &str, archive: &SharedArchive, files: &[String]) -> String {
    let is_own = directory == ".";
    let inside = |name: &str| {
        let path = if is_own {
            name
        } else {
            &format!("{directory}/{name}")
        };
        quoted(path)
    };
    let command_in = |program: &str, option: &str| {
        let directory = quoted(directory);
        let option = if is_own {
            String::new()
        } else {
            format!(" {option} {directory}")
        };
        format!("{program}{option}")
    };
    let (npm, tar) = (command_in("npm", "--prefix"), command_in("tar", "-C"));
    let (modules, lock) = (inside("node_modules"), inside("package-lock.json"));
    let file = &archive.file;
    let excluded = archives_inside(directory, file, files).chain(&archive.excluded);
    let excluded: Vec<_> = excluded.map(|f| format!(" --exclude={f}")).collect();
    let excluded = excluded.concat();
    format!(
        "(test -d {modules} || test ! -f {lock} || {npm} ci --omit=dev) && {tar} --exclude-vcs{excluded} -czf - . > {file}"
    )
}

/// Archives that can be in `directory`, to exclude from its own archive.
fn archives_inside<'f>(
    directory: &str,
    file: &'f String,
    files: &'f [String],
) -> impl Iterator<Item = &'f String> {
    let is_above = directory.split('/').all(|step| step == ".." || step == ".");
    let is_subdirectory = !directory.starts_with(['/', '.']);
    let own = (!is_above && !is_subdirectory).then_some(file);
    let all = if is_above { files } else { &[] };
    all.iter().take(MAX_EXCLUDED).chain(own)
}
