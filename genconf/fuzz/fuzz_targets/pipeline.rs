//! Text to files: what passes the rules is printed by every renderer.

#![no_main]

use std::sync::LazyLock;

use genconf::diagnostic::Diagnostics;
use genconf::render::{self, Renderer};
use genconf::source::Source;
use genconf::{Refusal, generate};
use judged::told;
use libfuzzer_sys::{Corpus, fuzz_target};

static RENDERERS: LazyLock<Vec<Renderer>> =
    LazyLock::new(|| render::embedded().expect("the embedded templates are sound"));

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Corpus::Reject;
    };
    let source = Source::new("fuzz.yaml", text);
    let mut faults = Diagnostics::default();
    match generate(&source, ".", &RENDERERS, &mut faults) {
        Ok(_) => assert!(!faults.has_errors(), "rendered in spite of errors"),
        Err(Refusal::Faulty) => assert!(faults.has_errors(), "refused without a reason"),
        Err(Refusal::Render(fault)) => panic!("a valid topology was not rendered: {fault}"),
    }
    told(&source, &faults);
    Corpus::Keep
});
