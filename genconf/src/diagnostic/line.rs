//! Output for editors and grep: one line per diagnostic.

use std::fmt::Write as _;

use super::Diagnostics;
use crate::source::Source;

/// Prints `file:line:column: severity[code]: message; help` for each diagnostic.
#[must_use]
pub fn render(diagnostics: &Diagnostics, source: &Source) -> String {
    diagnostics
        .sorted()
        .into_iter()
        .fold(String::new(), |mut text, d| {
            let at = source.position(d.primary.span.start);
            // Writing to a String does not fail.
            let _ = writeln!(
                text,
                "{}:{}:{}: {}[{}]: {}; {}",
                source.shown_name(),
                at.line,
                at.column,
                d.severity.name(),
                d.code.name(),
                d.message,
                d.help
            );
            text
        })
}
