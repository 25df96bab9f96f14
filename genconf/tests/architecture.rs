//! `docs/architecture.md` lists every source file of the workspace crates.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Source directories with a table.
const DIRECTORIES: [&str; 5] = [
    "genconf/src",
    "model/src",
    "host/src",
    "server/src",
    "lab/src",
];

/// Most words of a description.
const MAX_WORDS: usize = 8;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Paths of the Rust files below `directory`, relative to `root`.
fn rust_files(root: &Path, directory: &Path) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(directory).expect("is readable") {
        let path = entry.expect("is readable").path();
        if path.is_dir() {
            files.extend(rust_files(root, &path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let relative = path.strip_prefix(root).expect("is below");
            files.insert(relative.display().to_string());
        }
    }
    files
}

/// Files and their descriptions in the table of `directory`.
fn rows(page: &str, directory: &str) -> BTreeMap<String, String> {
    let heading = format!("\n### `{directory}`\n");
    let (_, section) = page
        .split_once(&heading)
        .unwrap_or_else(|| panic!("docs/architecture.md has no section `{directory}`"));
    let section = section.split("\n#").next().unwrap_or_default();
    let row = |line: &str| {
        let (file, contents) = line.strip_prefix("| `")?.split_once("` | ")?;
        Some((file.to_owned(), contents.trim_end_matches(" |").to_owned()))
    };
    section.lines().filter_map(row).collect()
}

#[test]
fn every_source_file_has_a_row() {
    let page = fs::read_to_string(repository().join("docs/architecture.md")).expect("is readable");
    for directory in DIRECTORIES {
        let root = repository().join(directory);
        let files = rust_files(&root, &root);
        let listed: BTreeSet<_> = rows(&page, directory).into_keys().collect();
        let missing: Vec<_> = files.difference(&listed).collect();
        let outdated: Vec<_> = listed.difference(&files).collect();
        assert!(
            missing.is_empty() && outdated.is_empty(),
            "docs/architecture.md, {directory}: files without a row: {missing:?}; rows without a file: {outdated:?}"
        );
    }
}

#[test]
fn descriptions_are_short_and_unique() {
    let page = fs::read_to_string(repository().join("docs/architecture.md")).expect("is readable");
    for directory in DIRECTORIES {
        let mut seen = BTreeSet::new();
        for (file, contents) in rows(&page, directory) {
            let words = contents.split_whitespace().count();
            assert!((1..=MAX_WORDS).contains(&words), "{directory}/{file}");
            assert!(
                seen.insert(contents),
                "{directory}/{file}: same as another row"
            );
        }
    }
}
