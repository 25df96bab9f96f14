//! Renders any text: every renderer accepts a valid topology.

#![no_main]

use std::sync::LazyLock;

use genconf::render::{self, Renderer};
use libfuzzer_sys::{Corpus, fuzz_target};

static RENDERERS: LazyLock<Vec<Renderer>> =
    LazyLock::new(|| render::embedded().expect("the embedded templates are valid"));

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Corpus::Reject;
    };
    checks::rendered(text, &RENDERERS);
    Corpus::Keep
});
