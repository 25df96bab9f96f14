//! Invariants that hold for any input text.
//!
//! The fuzz targets check them for generated texts, and `tests/mutation.rs` for mutated topologies in
//! every test run.

#![forbid(unsafe_code)]
#![allow(
    unreachable_pub,
    reason = "a module in the test, a crate in the fuzz targets"
)]

use genconf::diagnostic::{Diagnostics, human, json, line};
use genconf::render::Renderer;
use genconf::source::{Source, Span};
use genconf::{Error, generate, topology};

/// Parses `text`, which must succeed or have an error with a position. Returns whether it succeeds.
pub fn parsed(text: &str) -> bool {
    let source = Source::new("fuzz.yaml", text);
    let mut diagnostics = Diagnostics::default();
    let read = topology::parse(&source, &mut diagnostics);
    assert!(
        read.is_some() || diagnostics.has_errors(),
        "rejected without an error"
    );
    assert_printable(&source, &diagnostics);
    !diagnostics.has_errors()
}

/// Renders `text`. Every renderer must succeed for a valid topology. Returns whether it is valid.
pub fn rendered(text: &str, renderers: &[Renderer]) -> bool {
    let source = Source::new("fuzz.yaml", text);
    let mut diagnostics = Diagnostics::default();
    match generate(&source, ".", renderers, &mut diagnostics) {
        Ok(_) => assert!(!diagnostics.has_errors(), "rendered despite errors"),
        Err(Error::Invalid) => assert!(diagnostics.has_errors(), "rejected without an error"),
        Err(Error::Render(error)) => panic!("cannot render a valid topology: {error}"),
    }
    assert_printable(&source, &diagnostics);
    !diagnostics.has_errors()
}

/// Panics unless every diagnostic has a span in the text and can be printed in every format.
fn assert_printable(source: &Source, diagnostics: &Diagnostics) {
    for diagnostic in diagnostics.sorted() {
        assert_in_text(source, diagnostic.primary.span);
        diagnostic
            .secondary
            .iter()
            .for_each(|label| assert_in_text(source, label.span));
    }
    let _ = human::render(diagnostics, source, human::Colour::Never);
    let _ = line::render(diagnostics, source);
    let _ = json::render(diagnostics, source);
}

fn assert_in_text(source: &Source, span: Span) {
    let spanned = source.text().get(span.start..span.end);
    assert!(spanned.is_some(), "{span:?} is outside the text");
}
