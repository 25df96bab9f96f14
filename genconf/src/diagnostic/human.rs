//! For people: the lines at fault, with carets.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Severity};
use crate::source::{Source, Span};

/// Whether escape sequences colour the output.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// ANSI colours.
    Always,
}

/// More than this nobody reads with their lines.
const SHOWN: usize = 50;

/// Prints the diagnostics, an empty line between two, and a closing count.
#[must_use]
pub fn render(diagnostics: &Diagnostics, source: &Source, colour: Colour) -> String {
    let renderer = match colour {
        Colour::Never => Renderer::plain(),
        Colour::Always => Renderer::styled(),
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    let all = diagnostics.sorted();
    for diagnostic in all.iter().take(SHOWN) {
        text.push_str(&renderer.render(&groups(diagnostic, source)));
        text.push_str("\n\n");
    }
    if all.len() > SHOWN {
        let more = all.len() - SHOWN;
        text.push_str("... and ");
        text.push_str(&more.to_string());
        text.push_str(" more; `--format line` shows all\n\n");
    }
    text.push_str(&count(diagnostics, source));
    text
}

fn groups<'d>(diagnostic: &'d Diagnostic, source: &'d Source) -> Vec<Group<'d>> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let snippet = Snippet::source(source.text())
        .path(source.name())
        .annotation(
            AnnotationKind::Primary
                .span(range(diagnostic.primary.span, source))
                .label(diagnostic.primary.text.as_str()),
        )
        .annotations(diagnostic.secondary.iter().map(|label| {
            AnnotationKind::Context
                .span(range(label.span, source))
                .label(label.text.as_str())
        }));
    let mut group = level
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code.name())
        .element(snippet);
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    vec![group]
}

/// The part of a span on its first line: a caret under one line says more
/// than a frame around a block.
fn range(span: Span, source: &Source) -> std::ops::Range<usize> {
    let text = source.text();
    let start = span.start.min(text.len());
    let end = span.end.clamp(start, text.len());
    let first = text[start..end].lines().next().map_or(0, str::len);
    start..start + first
}

fn count(diagnostics: &Diagnostics, source: &Source) -> String {
    let plural = |n: usize, word: &str| match n {
        1 => format!("1 {word}"),
        n => format!("{n} {word}s"),
    };
    let errors = diagnostics.count(Severity::Error);
    let warnings = diagnostics.count(Severity::Warning);
    let said = match (errors, warnings) {
        (0, 0) => return String::new(),
        (0, w) => plural(w, "warning"),
        (e, 0) => plural(e, "error"),
        (e, w) => format!("{} and {}", plural(e, "error"), plural(w, "warning")),
    };
    let end = if errors > 0 {
        "; nothing was written"
    } else {
        ""
    };
    format!("{}: {said}{end}\n", source.name())
}
