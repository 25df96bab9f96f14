//! Detects the format of a PM2 file and parses it.

use std::path::Path;

use serde_json::Value;

use super::yaml;
use crate::import::ImportError;
use crate::source::{Position, Source};

const FORMATS: &str =
    "supported: .json, .yml, .yaml, .js, .cjs, .mjs (evaluated with node), and ~/.pm2/dump.pm2";

/// Parses a file. Its extension determines the format, otherwise its first character.
pub(super) fn parse(source: &Source) -> Result<Value, ImportError> {
    let text = source.text().trim_start_matches('\u{feff}');
    let extension = Path::new(source.name()).extension().unwrap_or_default();
    match extension.to_str().unwrap_or_default() {
        "json" | "pm2" | "js" | "cjs" | "mjs" => json(text),
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
        Some(extension) => extension == "json",
        None => source.name() == "-" && text.trim_start().starts_with(['{', '[', '(', '/']),
    };
    let read = serde_json::from_str::<Value>(text);
    is_evaluated && read.is_err_and(|error| !error.is_eof())
}

fn json(text: &str) -> Result<Value, ImportError> {
    serde_json::from_str(text).map_err(|e| syntax_error(text, &e))
}

/// A JSON syntax error with help for common mistakes.
fn syntax_error(text: &str, error: &serde_json::Error) -> ImportError {
    let (line, column) = (error.line().max(1), error.column().max(1));
    let line_text = text.lines().nth(line - 1).unwrap_or_default();
    let rest = line_text.get(column - 1..).unwrap_or_default();
    let help = if rest.starts_with('/') || rest.starts_with('#') {
        "remove the comments, JSON has none"
    } else if rest.starts_with(['}', ']']) {
        "remove the comma before the closing bracket"
    } else if rest.starts_with('\'') {
        "use double quotes"
    } else {
        "for JavaScript, use the extension .js"
    };
    let message = error.to_string();
    let message = message
        .rsplit_once(" at line")
        .map_or(message.as_str(), |(message, _)| message);
    ImportError::new(format!("invalid JSON: {message}; {help}")).at(Position { line, column })
}
