//! Folders that are deployed whole, as archives that a command makes of them.

use std::collections::{BTreeMap, BTreeSet};

use super::Note;
use super::plan::{AppPlan, Archive};
use super::words::quoted;

/// More folders than anybody deploys from one topology.
const MOST: usize = 100;

/// Names the archive of each folder after the first app in it, and writes the
/// command that makes it.
pub(super) fn pack(apps: &mut [AppPlan], notes: &mut Vec<Note>) {
    let mut packed: BTreeMap<String, Packed> = BTreeMap::new();
    for app in apps.iter() {
        if let Some(Archive { folder, .. }) = &app.archive {
            let own = app.env_file.iter().filter_map(|f| inside(folder, f));
            let own: BTreeSet<_> = own.collect();
            let packed = packed.entry(folder.clone()).or_insert_with(|| Packed {
                file: format!("{}.tar.gz", app.name),
                of: Vec::new(),
                left: own.clone(),
            });
            packed.of.push(format!("`{}`", app.name));
            packed.left.retain(|file| own.contains(file));
        }
    }
    let files: Vec<String> = packed.values().map(|p| p.file.clone()).collect();
    for app in apps {
        if let Some(archive) = &mut app.archive {
            let packed = &packed[&archive.folder];
            app.artifact.clone_from(&packed.file);
            archive.build = command(&archive.folder, packed, &files);
        }
    }
    notes.extend(packed.iter().map(|(folder, packed)| told(folder, packed)));
}

/// A folder's archive.
#[derive(Debug)]
struct Packed {
    file: String,
    /// The apps whose artifact it is.
    of: Vec<String>,
    /// Files of variables that reach the host another way for all of them, readable by root alone.
    left: BTreeSet<String>,
}

/// `file` as it is called in the folder.
fn inside(folder: &str, file: &str) -> Option<String> {
    let inside = match folder {
        "." => Some(file).filter(|f| !f.starts_with('/') && !f.starts_with("../")),
        folder => file.strip_prefix(folder)?.strip_prefix('/'),
    };
    inside.map(|f| format!("./{f}"))
}

fn told(folder: &str, packed: &Packed) -> Note {
    let folder = match folder {
        "." => "the topology's folder",
        folder => &format!("the folder `{folder}`"),
    };
    let why = format!(
        "node needs more than one file, so the artifact is `{}`, which `build` makes of {folder} with its node_modules; every user of the host can read it, what is secret belongs into `env_file`",
        packed.file
    );
    Note::changed(packed.of.join(", "), why)
}

/// The shell makes the file before tar looks at the folder: one that appears
/// meanwhile is a change that tar fails with. Modules that are there stay as
/// they are, since what runs there may be using them.
fn command(folder: &str, packed: &Packed, files: &[String]) -> String {
    let own = folder == ".";
    let inside = |name: &str| {
        let path = if own {
            name
        } else {
            &format!("{folder}/{name}")
        };
        quoted(path)
    };
    let told = |program: &str, option: &str| {
        let folder = quoted(folder);
        let option = if own {
            String::new()
        } else {
            format!(" {option} {folder}")
        };
        format!("{program}{option}")
    };
    let (npm, tar) = (told("npm", "--prefix"), told("tar", "-C"));
    let (modules, lock) = (inside("node_modules"), inside("package-lock.json"));
    let file = &packed.file;
    let left = left(folder, file, files).chain(&packed.left);
    let left: Vec<_> = left.map(|f| format!(" --exclude={f}")).collect();
    let left = left.concat();
    format!(
        "(test -d {modules} || test ! -f {lock} || {npm} ci --omit=dev) && {tar} --exclude-vcs{left} -czf - . > {file}"
    )
}

/// The archives that may lie in `folder`: none holds another, or itself.
fn left<'f>(
    folder: &str,
    file: &'f String,
    files: &'f [String],
) -> impl Iterator<Item = &'f String> {
    let above = folder.split('/').all(|step| step == ".." || step == ".");
    let elsewhere = !folder.starts_with(['/', '.']);
    let own = (!above && !elsewhere).then_some(file);
    let all = if above { files } else { &[] };
    all.iter().take(MOST).chain(own)
}
