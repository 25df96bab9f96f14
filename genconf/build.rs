//! Embeds `templates/` and `topologies/` in the binary.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .unwrap_or_default();
    let root = here.join("../templates").canonicalize()?;
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut table = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?;
        let (name, file) = (name.to_string_lossy(), file.to_string_lossy());
        writeln!(table, "    ({name:?}, include_bytes!({file:?})),").map_err(io::Error::other)?;
    }
    table.push_str("]\n");
    let out = env::var_os("OUT_DIR")
        .map(PathBuf::from)
        .unwrap_or_default();
    fs::write(out.join("templates.rs"), table)?;
    println!("cargo:rerun-if-changed={}", root.display());
    fs::write(out.join("topologies.rs"), examples(&here)?)
}

/// The root topology as `default`, then those of `topologies/`, for `genconf init`.
fn examples(here: &Path) -> io::Result<String> {
    let directory = here.join("../topologies").canonicalize()?;
    let mut files = Vec::new();
    collect(&directory, &mut files)?;
    files.sort();
    println!("cargo:rerun-if-changed={}", directory.display());
    let root = here.join("../topology.yaml").canonicalize()?;
    println!("cargo:rerun-if-changed={}", root.display());
    let mut table = format!(
        "&[\n    (\"default\", include_str!({:?})),\n",
        root.to_string_lossy()
    );
    for file in files
        .iter()
        .filter(|f| f.extension().is_some_and(|e| e == "yaml"))
    {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let file = file.to_string_lossy();
        writeln!(table, "    ({name:?}, include_str!({file:?})),").map_err(io::Error::other)?;
    }
    table.push_str("]\n");
    Ok(table)
}

/// Collects the files below `directory`, except snapshots and tests of renderers.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if !path.is_dir() {
            files.push(path);
        } else if path.file_name().is_some_and(|n| {
            !["golden", "tests", "__pycache__"]
                .iter()
                .any(|excluded| n == *excluded)
        }) {
            collect(&path, files)?;
        }
    }
    Ok(())
}
