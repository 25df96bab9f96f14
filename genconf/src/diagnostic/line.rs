//! For editors and grep: one line for each diagnostic.

use std::fmt::Write as _;

use super::Diagnostics;
use crate::source::Source;

/// Prints `file:line:column: severity[code]: message; help` for each.
#[must_use]
pub fn render(diagnostics: &Diagnostics, source: &Source) -> String {
    diagnostics
        .sorted()
        .into_iter()
        .fold(String::new(), |mut text, d| {
            let at = source.position(d.primary.span.start);
            let help = d.help.as_ref().map_or(String::new(), |h| format!("; {h}"));
            // A String takes any text.
            let _ = writeln!(
                text,
                "{}:{}:{}: {}[{}]: {}{help}",
                source.name(),
                at.line,
                at.column,
                d.severity.word(),
                d.code.name(),
                d.message
            );
            text
        })
}
