//! Files of the manual, the snapshots among them, and commands in a scratch directory.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Markdown page below `docs/`, sorted, as paths relative to the repository.
pub(crate) fn manual() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    let mut directories = vec![PathBuf::from("docs")];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(repository().join(&directory)).expect("is readable");
        for entry in entries {
            let entry = entry.expect("is readable");
            let path = directory.join(entry.file_name());
            if entry.path().is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

/// The text of a file of the repository.
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(repository().join(path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether snapshots are rewritten.
pub(crate) fn is_blessing() -> bool {
    env::var_os("BLESS").is_some()
}

/// Compares a file of the repository with `made`; with `BLESS` set, writes it first.
pub(crate) fn compare(path: &Path, made: &str) {
    let file = repository().join(path);
    if is_blessing() {
        fs::create_dir_all(file.parent().expect("has a parent")).expect("can be created");
        fs::write(&file, made).expect("can be written");
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        made == committed,
        "{} is out of date; run make bless\n{}",
        path.display(),
        similar::TextDiff::from_lines(committed.as_str(), made).unified_diff()
    );
}

/// Runs a shell command in `directory` with the built `genconf` first in `PATH`; standard error goes
/// to standard output.
pub(crate) fn shell(command: &str, directory: &Path, environment: &[(&str, &str)]) -> Output {
    let genconf = Path::new(env!("CARGO_BIN_EXE_genconf"));
    let mut path = genconf
        .parent()
        .expect("has a parent")
        .as_os_str()
        .to_owned();
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    Command::new("bash")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .current_dir(directory)
        .env("PATH", path)
        .env_remove("CI")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("COLUMNS")
        .env_remove("NO_COLOR")
        .envs(environment.iter().copied())
        .output()
        .expect("bash starts")
}

/// The output of `genconf ARGUMENTS` in the root of the repository; it must succeed.
pub(crate) fn genconf(arguments: &str) -> String {
    let output = shell(&format!("genconf {arguments}"), &repository(), &[]);
    let text = String::from_utf8(output.stdout).expect("is UTF-8");
    assert!(output.status.success(), "genconf {arguments}: {text}");
    text
}
