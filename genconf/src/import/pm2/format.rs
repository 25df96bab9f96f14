//! Detects the format of a PM2 file and parses it.

use std::path::Path;

use serde_json::Value;

use super::yaml;
use crate::import::ImportError;
use crate::source::{Position, Source, read as nodes};

const FORMATS: &str =
    "supported: .json, .yml, .yaml, .js, .cjs, .mjs (evaluated with node), and ~/.pm2/dump.pm2";

/// Parses a file. Its extension determines the format, otherwise its first character.
pub(super) fn parse(source: &Source) -> Result<Value, ImportError> {
    let text = source.text().trim_start_matches('\u{feff}');
    let extension = Path::new(source.name()).extension().unwrap_or_default();
    match extension.to_str().unwrap_or_default() {
        "json" | "json5" | "jsonc" | "pm2" | "js" | "cjs" | "mjs" => json(text),
        "yml" | "yaml" => yaml::read(source),
        _ if text.trim_start().starts_with(['{', '[']) => json(text),
        "" => match yaml::read(source) {
            Ok(value) if value.is_object() || value.is_array() => Ok(value),
            _ => Err(ImportError::new(format!(
                "the file is neither JSON nor YAML; {FORMATS}"
            ))),
        },
        other => Err(ImportError::new(format!(
            "unsupported extension `.{other}`; {FORMATS}"
        ))),
    }
}

/// Whether PM2 evaluates the file as a JavaScript expression, and it is not JSON. A file that ends too
/// early is not an expression either.
#[must_use]
pub fn is_expression(source: &Source) -> bool {
    let text = source.text().trim_start_matches('\u{feff}');
    let is_evaluated = match Path::new(source.name()).extension() {
        Some(extension) => ["json", "json5", "jsonc"].iter().any(|e| extension == *e),
        None => source.name() == "-" && text.trim_start().starts_with(['{', '[', '(', '/']),
    };
    let read = serde_json::from_str::<Value>(text);
    is_evaluated && read.is_err_and(|error| !error.is_eof())
}

/// The position of `key` in the entry with this index, or that of the entry; `None` if the file is not
/// JSON or YAML. Every JSON file is also YAML.
pub(super) fn position(source: &Source, index: usize, key: &str) -> Option<Position> {
    let root = nodes(source).ok()?;
    let list = root.get("apps").or_else(|| root.get("pm2"));
    let list = list.unwrap_or(&root);
    let entry = list.elements().get(index).map_or(list, |entry| entry);
    let node = entry.get(key).unwrap_or(entry);
    Some(source.position(node.span.start))
}

fn json(text: &str) -> Result<Value, ImportError> {
    serde_json::from_str(text).map_err(|e| syntax_error(text, &e))
}

/// A JSON syntax error with help for common mistakes.
fn syntax_error(text: &str, error: &serde_json::Error) -> ImportError {
    let (line, column) = (error.line().max(1), error.column().max(1));
    let line_text = text.lines().nth(line - 1).unwrap_or_default();
    let rest = line_text.get(column - 1..).unwrap_or_default();
    let help = if error.is_eof() {
        "add the missing brackets and quotes at the end of the file"
    } else if rest.starts_with('/') || rest.starts_with('#') {
        "remove the comments, or install node, which evaluates them"
    } else if rest.starts_with(['}', ']']) {
        "remove the comma before the closing bracket"
    } else if rest.starts_with('\'') {
        "use double quotes"
    } else {
        "put every key and every text in double quotes, or install node, which evaluates JavaScript"
    };
    let message = error.to_string();
    let message = message
        .rsplit_once(" at line")
        .map_or(message.as_str(), |(message, _)| message);
    ImportError::new(format!("invalid JSON: {message}; {help}")).at(Position { line, column })
}
