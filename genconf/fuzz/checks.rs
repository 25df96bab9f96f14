//! Assertions about the result of genconf for any text.
//!
//! The fuzz targets use them with a coverage-guided fuzzer, `tests/mutation.rs` with random changes in
//! every test run.

#![forbid(unsafe_code)]
#![allow(
    unreachable_pub,
    reason = "a module of the test and a crate for the targets"
)]

use genconf::diagnostic::{Diagnostics, human, json, line};
use genconf::render::Renderer;
use genconf::source::{Source, Span};
use genconf::{Error, generate, topology};

/// Parses `text` and checks its diagnostics. Returns whether it is a topology.
pub fn parsed(text: &str) -> bool {
    let source = Source::new("fuzz.yaml", text);
    let mut diagnostics = Diagnostics::default();
    let read = topology::parse(&source, &mut diagnostics);
    assert!(
        read.is_some() || diagnostics.has_errors(),
        "rejected without an error"
    );
    check(&source, &diagnostics);
    !diagnostics.has_errors()
}

/// Renders `text` with every renderer and checks its diagnostics. Returns whether it is valid.
pub fn rendered(text: &str, renderers: &[Renderer]) -> bool {
    let source = Source::new("fuzz.yaml", text);
    let mut diagnostics = Diagnostics::default();
    match generate(&source, ".", renderers, &mut diagnostics) {
        Ok(_) => assert!(!diagnostics.has_errors(), "rendered with errors"),
        Err(Error::Invalid) => assert!(diagnostics.has_errors(), "rejected without an error"),
        Err(Error::Render(error)) => panic!("a valid topology was not rendered: {error}"),
    }
    check(&source, &diagnostics);
    !diagnostics.has_errors()
}

/// Panics unless every diagnostic has locations in the text and can be printed in every format.
fn check(source: &Source, diagnostics: &Diagnostics) {
    for diagnostic in diagnostics.sorted() {
        assert!(!diagnostic.help.is_empty(), "{diagnostic:?} has no help");
        assert_within(source, diagnostic.primary.span);
        diagnostic
            .secondary
            .iter()
            .for_each(|label| assert_within(source, label.span));
    }
    let _ = human::render(diagnostics, source, human::Color::Never);
    let _ = line::render(diagnostics, source);
    let _ = json::render(diagnostics, source);
}

fn assert_within(source: &Source, span: Span) {
    let written = source.text().get(span.start..span.end);
    assert!(written.is_some(), "{span:?} is outside of the text");
}
