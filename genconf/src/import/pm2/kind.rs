//! The kinds of files that PM2 reads, and writes.

use std::path::Path;

use serde_json::Value;

use super::yaml;
use crate::import::Fault;
use crate::source::{Position, Source};

const KINDS: &str = "PM2's files are read as .json, as .yml or .yaml, as .js, .cjs or .mjs, which node runs, and as ~/.pm2/dump.pm2";

/// What the file holds: its name tells the kind, or else its first letter.
pub(super) fn parse(source: &Source) -> Result<Value, Fault> {
    let text = source.text().trim_start_matches('\u{feff}');
    let ending = Path::new(source.name()).extension().unwrap_or_default();
    match ending.to_str().unwrap_or_default() {
        "json" | "pm2" | "js" | "cjs" | "mjs" => json(text),
        "yml" | "yaml" => yaml::read(source),
        _ if text.trim_start().starts_with(['{', '[']) => json(text),
        "" => match yaml::read(source) {
            Ok(value) if value.is_object() || value.is_array() => Ok(value),
            _ => Err(Fault::new(format!("it is neither JSON nor YAML; {KINDS}"))),
        },
        other => Err(Fault::new(format!(".{other} is not read; {KINDS}"))),
    }
}

fn json(text: &str) -> Result<Value, Fault> {
    serde_json::from_str(text).map_err(|e| broken(text, &e))
}

/// serde says where; what is most often wrong is said too.
fn broken(text: &str, error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line().max(1), error.column().max(1));
    let written = text.lines().nth(line - 1).unwrap_or_default();
    let at = written.get(column - 1..).unwrap_or_default();
    let help = if at.starts_with('/') || at.starts_with('#') {
        "JSON has no comments; take them out"
    } else if at.starts_with(['}', ']']) {
        "JSON has no comma before a closing bracket"
    } else if at.starts_with('\'') {
        "JSON has only double quotes"
    } else {
        "a file that is JavaScript is called ecosystem.config.js"
    };
    let said = error.to_string();
    let said = said
        .rsplit_once(" at line")
        .map_or(said.as_str(), |(said, _)| said);
    Fault::new(format!("this is not JSON: {said}; {help}")).at(Position { line, column })
}
