//! What must hold for whatever genconf says of a text, however odd the text.
//!
//! The fuzz targets ask it of texts that a coverage-guided fuzzer makes, and
//! `tests/mutation.rs` of simpler ones in every test run.

#![forbid(unsafe_code)]
#![allow(
    unreachable_pub,
    reason = "the test has this file as a module, the targets as a crate"
)]

use genconf::diagnostic::{Diagnostics, human, json, line};
use genconf::render::Renderer;
use genconf::source::{Source, Span};
use genconf::{Refusal, generate, topology};

/// Text to topology: any text is read, or refused with a place. Tells which.
pub fn parsed(text: &str) -> bool {
    let source = Source::new("fuzz.yaml", text);
    let mut faults = Diagnostics::default();
    let read = topology::parse(&source, &mut faults);
    assert!(
        read.is_some() || faults.has_errors(),
        "refused without a reason"
    );
    told(&source, &faults);
    !faults.has_errors()
}

/// Text to files: what passes the rules is printed by every renderer. Tells whether it passed.
pub fn rendered(text: &str, renderers: &[Renderer]) -> bool {
    let source = Source::new("fuzz.yaml", text);
    let mut faults = Diagnostics::default();
    match generate(&source, ".", renderers, &mut faults) {
        Ok(_) => assert!(!faults.has_errors(), "rendered in spite of errors"),
        Err(Refusal::Faulty) => assert!(faults.has_errors(), "refused without a reason"),
        Err(Refusal::Render(fault)) => panic!("a valid topology was not rendered: {fault}"),
    }
    told(&source, &faults);
    !faults.has_errors()
}

/// Panics unless every fault points into the text and can be printed for every reader.
fn told(source: &Source, faults: &Diagnostics) {
    for fault in faults.sorted() {
        within(source, fault.primary.span);
        fault
            .secondary
            .iter()
            .for_each(|label| within(source, label.span));
    }
    let _ = human::render(faults, source, human::Colour::Never);
    let _ = line::render(faults, source);
    let _ = json::render(faults, source);
}

fn within(source: &Source, span: Span) {
    let written = source.text().get(span.start..span.end);
    assert!(written.is_some(), "{span:?} is no piece of the text");
}
