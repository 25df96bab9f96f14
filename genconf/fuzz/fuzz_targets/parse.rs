//! Text to topology: any text is read or refused with a place.

#![no_main]

use genconf::diagnostic::Diagnostics;
use genconf::source::Source;
use genconf::topology;
use judged::told;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Corpus::Reject;
    };
    let source = Source::new("fuzz.yaml", text);
    let mut faults = Diagnostics::default();
    let read = topology::parse(&source, &mut faults);
    assert!(
        read.is_some() || faults.has_errors(),
        "refused without a reason"
    );
    told(&source, &faults);
    Corpus::Keep
});
