//! Dependencies between the modules of genconf: the `use crate::` edges must be in the table below,
//! which equals the one in `docs/architecture.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules and the modules they may use.
const MODULES: &[(&str, &[&str])] = &[
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
    ("cli", &["commands", "diagnostic", "topology"]),
    ("main", &["cli"]),
    ("genconf_host", &[]),
];

/// Modules that may access the system, and what they may not use. Others may use none of these.
const EXCEPTIONS: &[(&str, &[&str])] = &[
    ("tree", &["std::process", "std::env"]),
    ("commands", &[]),
    ("cli", &["std::fs", "std::process", "SystemTime", "Instant"]),
    ("main", &["std::fs", "SystemTime", "Instant"]),
    (
        "genconf_host",
        &["std::fs", "std::env", "SystemTime", "Instant"],
    ),
];

/// Access to files, processes, the environment, and the clock.
const SYSTEM: &[&str] = &[
    "std::fs",
    "std::process",
    "std::env",
    "SystemTime",
    "Instant",
];

fn source_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The files of a module: `NAME.rs` and those below `NAME/`.
fn module_files(module: &str) -> Vec<PathBuf> {
    let file = source_directory().join(format!("{module}.rs"));
    let directory = source_directory().join(module);
    let mut files: Vec<_> = Some(file).filter(|f| f.is_file()).into_iter().collect();
    if directory.is_dir() {
        files.extend(rust_files(&directory));
    }
    assert!(!files.is_empty(), "module `{module}` has no file");
    files
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("is readable") {
        let path = entry.expect("is readable").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}

/// The modules after every `crate::` or `genconf::` of a file.
fn used_modules(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join(" ");
    let code = code.replace("genconf::", "crate::");
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
fn modules_use_only_the_modules_in_the_table() {
    let mut violations = Vec::new();
    for (module, allowed) in MODULES {
        for file in module_files(module) {
            let text = fs::read_to_string(&file).expect("is readable");
            for name in used_modules(&text) {
                let is_module = MODULES.iter().any(|(module, _)| *module == name);
                if is_module && name != *module && !allowed.contains(&name.as_str()) {
                    violations.push(format!("{} uses {name}", file.display()));
                }
            }
        }
    }
    assert_eq!(violations, Vec::<String>::new());
}

#[test]
fn every_module_is_in_the_table() {
    let entries = fs::read_dir(source_directory()).expect("is readable");
    let paths = entries.map(|e| e.expect("is readable").path());
    let modules: BTreeSet<String> = paths
        .map(|p| p.file_stem().expect("has a name").display().to_string())
        .filter(|name| name != "lib")
        .collect();
    let listed = MODULES.iter().map(|(module, _)| (*module).to_owned());
    assert_eq!(modules, listed.collect());
}

#[test]
fn only_commands_and_tree_access_the_system() {
    for (module, _) in MODULES {
        let exception = EXCEPTIONS.iter().find(|(name, _)| name == module);
        let forbidden = exception.map_or(SYSTEM, |(_, forbidden)| forbidden);
        for file in module_files(module) {
            let text = fs::read_to_string(&file).expect("is readable");
            // Compile-time variables and exit codes are not access to the system.
            let exempt = ["env!(", "std::process::ExitCode", "std::process::exit"];
            let text = exempt
                .iter()
                .fold(text, |text, name| text.replace(name, ""));
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for name in forbidden {
                assert!(!code.contains(name), "{} uses {name}", file.display());
            }
        }
    }
}

#[test]
fn the_documentation_has_the_same_table() {
    let page = source_directory().join("../../docs/architecture.md");
    let page = fs::read_to_string(page).expect("is readable");
    for (module, allowed) in MODULES {
        let allowed = if allowed.is_empty() {
            "–".to_owned()
        } else {
            allowed.join(", ")
        };
        let row = format!("| {module} | {allowed} |");
        assert!(
            page.contains(&row),
            "docs/architecture.md lacks the row: {row}"
        );
    }
}
