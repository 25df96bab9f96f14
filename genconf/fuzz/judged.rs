//! What must hold for whatever genconf says of a text, however odd the text.

#![forbid(unsafe_code)]

use genconf::diagnostic::{Diagnostics, human, json, line};
use genconf::source::{Source, Span};

/// Panics unless every fault points into the text and can be printed for every reader.
pub fn told(source: &Source, faults: &Diagnostics) {
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
