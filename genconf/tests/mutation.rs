//! A short version of `fuzz/run`: random but reproducible changes of valid and invalid topologies,
//! with the same assertions.

#[path = "../fuzz/checks.rs"]
mod checks;

use std::fs;
use std::panic;
use std::path::Path;

use genconf::render;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const PARSED: usize = 50_000;
const RENDERED: usize = 5_000;

/// Texts with a meaning in YAML or in a topology.
const PIECES: [&str; 24] = [
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "\n",
    "\n  ",
    "\t",
    "\"",
    "'",
    "&a ",
    "*a",
    "|\n",
    "#",
    "---\n",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "é",
    "0",
    "99999999999999999999",
    "-1",
    "~",
];

/// Every topology of the repository, valid or invalid.
fn seeds() -> Vec<String> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds = Vec::new();
    for directory in ["../topologies", "tests/diagnostics", "fuzz/seeds"] {
        let mut files: Vec<_> = fs::read_dir(own.join(directory))
            .expect("is readable")
            .map(|entry| entry.expect("is readable").path())
            .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
            .collect();
        files.sort();
        // Long topologies test limits only.
        let texts = files
            .iter()
            .map(|f| fs::read_to_string(f).expect("is text"));
        seeds.extend(texts.filter(|text| text.len() <= 4096));
    }
    seeds
}

/// The character boundary at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0)
}

fn position(text: &str, random: &mut StdRng) -> usize {
    boundary(text, random.random_range(0..=text.len()))
}

/// A piece of `text` of at most `limit` bytes.
fn piece<'t>(text: &'t str, limit: usize, random: &mut StdRng) -> &'t str {
    let start = position(text, random);
    let end = boundary(text, start + random.random_range(0..=limit)).max(start);
    &text[start..end]
}

/// One random change of `text`, which can insert a piece of `other`.
fn change(text: &mut String, other: &str, random: &mut StdRng) {
    let at = position(text, random);
    match random.random_range(0..4) {
        0 => {
            let end = boundary(text, at + random.random_range(0..24)).max(at);
            text.replace_range(at..end, "");
        }
        1 => text.insert_str(at, PIECES[random.random_range(0..PIECES.len())]),
        2 => {
            let copy = piece(text, 80, random).to_owned();
            text.insert_str(at, &copy);
        }
        _ => text.insert_str(at, piece(other, 80, random)),
    }
}

/// Checks `count` changed texts; panics with the text that fails. Returns the number of valid ones.
fn check_many(count: usize, check: impl Fn(&str) -> bool + panic::RefUnwindSafe) -> usize {
    let seeds = seeds();
    let mut random = StdRng::seed_from_u64(20);
    let mut passed = 0;
    for _ in 0..count {
        let mut text = seeds[random.random_range(0..seeds.len())].clone();
        let other = &seeds[random.random_range(0..seeds.len())];
        for _ in 0..random.random_range(1..6) {
            change(&mut text, other, &mut random);
        }
        let valid = panic::catch_unwind(|| check(&text));
        passed += usize::from(valid.unwrap_or_else(|_| panic!("failed for this text:\n{text:?}")));
    }
    passed
}

#[test]
fn any_text_is_parsed_or_has_a_located_error() {
    let passed = check_many(PARSED, checks::parsed);
    // Enough texts must be valid YAML to test more than the parser.
    assert!(passed > PARSED / 100, "{passed} texts passed");
}

#[test]
fn every_valid_topology_is_rendered() {
    let renderers = render::embedded().expect("the embedded templates are sound");
    let renderers = panic::AssertUnwindSafe(renderers);
    let passed = check_many(RENDERED, move |text| checks::rendered(text, &renderers));
    assert!(passed > RENDERED / 200, "{passed} texts passed");
}
