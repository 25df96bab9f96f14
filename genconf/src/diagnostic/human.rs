//! Output for terminals: source lines with underlined spans.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Severity};
use crate::source::{Source, Span};

/// Whether the output contains ANSI color sequences.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Color {
    /// Plain text.
    Never,
    /// ANSI colors.
    Always,
}

/// Diagnostics that are printed with source lines.
const LIMIT: usize = 50;

/// Prints the diagnostics, separated by empty lines, and a summary line.
#[must_use]
pub fn render(diagnostics: &Diagnostics, source: &Source, color: Color) -> String {
    let renderer = match color {
        Color::Never => Renderer::plain(),
        Color::Always => Renderer::styled(),
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    let all = diagnostics.sorted();
    for diagnostic in all.iter().take(LIMIT) {
        text.push_str(&renderer.render(&groups(diagnostic, source)));
        text.push_str("\n\n");
    }
    if all.len() > LIMIT {
        let more = all.len() - LIMIT;
        text.push_str(&more.to_string());
        text.push_str(" more; use `--output line` to print all of them\n\n");
    }
    text.push_str(&summary(diagnostics, source));
    text
}

fn groups<'d>(diagnostic: &'d Diagnostic, source: &'d Source) -> Vec<Group<'d>> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let snippet = Snippet::source(source.text())
        .path(source.shown_name())
        .annotation(
            AnnotationKind::Primary
                .span(first_line(diagnostic.primary.span, source))
                .label(diagnostic.primary.text.as_str()),
        )
        .annotations(diagnostic.secondary.iter().map(|label| {
            AnnotationKind::Context
                .span(first_line(label.span, source))
                .label(label.text.as_str())
        }));
    let group = level
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code.name())
        .element(snippet)
        .element(Level::HELP.message(diagnostic.help.as_str()));
    vec![group]
}

/// The part of a span on its first line; a block is not framed.
fn first_line(span: Span, source: &Source) -> std::ops::Range<usize> {
    let text = source.text();
    let start = span.start.min(text.len());
    let end = span.end.clamp(start, text.len());
    let length = text[start..end].lines().next().map_or(0, str::len);
    start..start + length
}

fn summary(diagnostics: &Diagnostics, source: &Source) -> String {
    let plural = |n: usize, word: &str| match n {
        1 => format!("1 {word}"),
        n => format!("{n} {word}s"),
    };
    let errors = diagnostics.count(Severity::Error);
    let warnings = diagnostics.count(Severity::Warning);
    let counts = match (errors, warnings) {
        (0, 0) => return String::new(),
        (0, w) => plural(w, "warning"),
        (e, 0) => plural(e, "error"),
        (e, w) => format!("{} and {}", plural(e, "error"), plural(w, "warning")),
    };
    format!("{}: {counts}\n", source.shown_name())
}
