//! Who may know whom: the `use crate::` edges of each room against the table
//! of `docs/architecture.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Room, and the rooms it may use.
const ROOMS: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("diagnostic", &["source"]),
    ("topology", &["source", "diagnostic"]),
    ("validate", &["source", "diagnostic", "topology"]),
    ("layout", &["source", "diagnostic", "topology", "validate"]),
    ("graph", &["layout"]),
    ("import", &["source", "topology"]),
    ("tree", &["source"]),
    ("render", &["source", "diagnostic", "layout", "tree"]),
    (
        "commands",
        &[
            "cli",
            "source",
            "diagnostic",
            "topology",
            "validate",
            "layout",
            "graph",
            "import",
            "tree",
            "render",
        ],
    ),
];

fn crate_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}

/// The first name after every `crate::` of a file.
fn used(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n").replace('\n', " ");
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let group = rest
            .strip_prefix('{')
            .map(|r| r.split('}').next().unwrap_or_default());
        for part in group.map_or(vec![rest], |g| g.split(',').collect()) {
            let name: String = part
                .trim()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            names.insert(name);
        }
    }
    names
}

#[test]
fn no_room_uses_one_above_it() {
    let rooms: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (room, allowed) in ROOMS {
        for file in rust_files(&crate_folder().join("src").join(room)) {
            let text = fs::read_to_string(&file).expect("is readable");
            for name in used(&text) {
                let is_room = rooms.contains_key(name.as_str()) || name == "cli";
                if is_room && name != *room && !allowed.contains(&name.as_str()) {
                    wrong.push(format!("{} uses {name}", file.display()));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_folder_is_a_room() {
    let folders: BTreeSet<String> = fs::read_dir(crate_folder().join("src"))
        .expect("is readable")
        .map(|e| e.expect("is readable").path())
        .filter(|p| p.is_dir())
        .map(|p| p.file_name().expect("has a name").display().to_string())
        .collect();
    assert_eq!(
        folders,
        ROOMS.iter().map(|(room, _)| (*room).to_owned()).collect()
    );
}

#[test]
fn only_the_tree_writes_and_only_commands_read() {
    let forbidden = [
        ("tree", &["std::process", "std::env"][..]),
        ("commands", &[][..]),
    ];
    let default = &[
        "std::fs",
        "std::process",
        "std::env",
        "SystemTime",
        "Instant",
    ][..];
    let allowed_everywhere = "env!(";
    for (room, _) in ROOMS {
        let words = forbidden
            .iter()
            .find(|(r, _)| r == room)
            .map_or(default, |(_, words)| words);
        for file in rust_files(&crate_folder().join("src").join(room)) {
            let text = fs::read_to_string(&file)
                .expect("is readable")
                .replace(allowed_everywhere, "");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for word in words {
                assert!(!code.contains(word), "{} touches {word}", file.display());
            }
        }
    }
}

#[test]
fn the_page_on_architecture_tells_the_same_table() {
    let page =
        fs::read_to_string(crate_folder().join("../docs/architecture.md")).expect("is readable");
    for (room, allowed) in ROOMS {
        let uses = if allowed.is_empty() {
            "–".to_owned()
        } else {
            allowed.join(", ")
        };
        let row = format!("| {room} | {uses} |");
        assert!(
            page.contains(&row),
            "docs/architecture.md lacks the row: {row}"
        );
    }
}
