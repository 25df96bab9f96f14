//! Output for programs: one JSON array.

use serde_json::{Value, json};

use super::{Diagnostic, Diagnostics, Label};
use crate::source::Source;

/// Prints an array of objects with the keys `code`, `severity`, `message`,
/// `help`, `primary` and `secondary`; lines and columns start at 1.
#[must_use]
pub fn render(diagnostics: &Diagnostics, source: &Source) -> String {
    format!("{:#}\n", Value::Array(objects(diagnostics, source)))
}

/// The objects of that array.
#[must_use]
pub fn objects(diagnostics: &Diagnostics, source: &Source) -> Vec<Value> {
    let all = diagnostics.sorted().into_iter();
    all.map(|d| object(d, source)).collect()
}

/// The object of an error that has no place in a topology, such as a file that cannot be read.
#[must_use]
pub fn error(code: &str, file: Option<&str>, message: &str, help: &str) -> Value {
    let primary = file.map(|file| {
        json!({
            "file": file, "line": 1, "column": 1, "end_line": 1, "end_column": 1, "label": "",
        })
    });
    json!({
        "code": code, "severity": "error", "message": message, "help": help,
        "primary": primary, "secondary": [],
    })
}

fn object(diagnostic: &Diagnostic, source: &Source) -> Value {
    let secondary = diagnostic.secondary.iter();
    json!({
        "code": diagnostic.code.name(),
        "severity": diagnostic.severity.name(),
        "message": diagnostic.message,
        "help": diagnostic.help,
        "primary": location(&diagnostic.primary, source),
        "secondary": secondary.map(|l| location(l, source)).collect::<Vec<_>>(),
    })
}

fn location(label: &Label, source: &Source) -> Value {
    let start = source.position(label.span.start);
    let end = source.position(label.span.end);
    json!({
        "file": source.name(),
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "label": label.text,
    })
}
