//! Digests of what an instance is started with.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{Error, Root};

/// Lines of a unit without comments and blank lines, systemd.syntax(7).
pub(crate) fn statements(unit: &str) -> Vec<&str> {
    let mut statements: Vec<&str> = Vec::new();
    for line in unit.lines() {
        let line = line.trim_start();
        // After a backslash that ends a line, comments are skipped, and a blank line ends the statement.
        let is_continued = statements.last().is_some_and(|last| last.ends_with('\\'));
        if line.starts_with(['#', ';']) || line.is_empty() && !is_continued {
            continue;
        }
        let trimmed = line.trim_end();
        // A backslash before white space does not end a line.
        statements.push(if trimmed.ends_with('\\') {
            line
        } else {
            trimmed
        });
    }
    statements
}

/// SHA-256 in hexadecimal of what an instance would be started with: the paths and statements of its unit
/// files and drop-ins, in any order, and the content of its file of environment variables. Files may be missing.
pub(crate) fn digest_of_inputs(
    root: &Root,
    unit_files: &[PathBuf],
    env_file: Option<&Path>,
) -> Result<String, Error> {
    let mut hasher = Sha256::new();
    let mut paths: Vec<&PathBuf> = unit_files.iter().collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        add(&mut hasher, path.as_os_str().as_encoded_bytes());
        let content = root.read(path)?;
        let text = content.as_deref().map(str::from_utf8);
        match (content.as_deref(), text) {
            (_, Some(Ok(text))) => {
                let statements = statements(text);
                hasher.update(b"statements");
                add_count(&mut hasher, statements.len());
                for line in statements {
                    add(&mut hasher, line.as_bytes());
                }
            }
            (content, _) => add_optional(&mut hasher, content),
        }
    }
    match env_file {
        None => hasher.update(b"none"),
        Some(path) => add_optional(&mut hasher, root.read(path)?.as_deref()),
    }
    Ok(format!("{:x}", hasher.finalize()))
}

/// With its length: the same bytes in other files, or divided into other lines, have another digest.
fn add(hasher: &mut Sha256, bytes: &[u8]) {
    add_count(hasher, bytes.len());
    hasher.update(bytes);
}

fn add_optional(hasher: &mut Sha256, content: Option<&[u8]>) {
    match content {
        None => hasher.update(b"missing"),
        Some(content) => {
            hasher.update(b"content");
            add(hasher, content);
        }
    }
}

fn add_count(hasher: &mut Sha256, count: usize) {
    hasher.update(count.to_le_bytes());
}

#[cfg(test)]
mod tests;
