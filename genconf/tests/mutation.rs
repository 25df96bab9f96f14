//! The short form of `fuzz/run`: texts made from good and bad topologies by
//! blind changes, always the same ones, and the same properties asked of them.

#[path = "../fuzz/invariants.rs"]
mod invariants;

use std::fs;
use std::panic;
use std::path::Path;

use genconf::render;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const PARSED: usize = 50_000;
const RENDERED: usize = 5_000;

/// What means something in YAML, in the language, or to a careless program.
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

/// Every topology of the repository that may be changed: the good and the bad.
fn seeds() -> Vec<String> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds = Vec::new();
    for folder in ["../topologies", "tests/diagnostics", "fuzz/seeds"] {
        let mut files: Vec<_> = fs::read_dir(own.join(folder))
            .expect("is readable")
            .map(|entry| entry.expect("is readable").path())
            .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
            .collect();
        files.sort();
        // What is long on purpose says no more when it is changed.
        let texts = files
            .iter()
            .map(|f| fs::read_to_string(f).expect("is text"));
        seeds.extend(texts.filter(|text| text.len() <= 4096));
    }
    seeds
}

/// The nearest place at or before `at` between two characters.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|&place| text.is_char_boundary(place))
        .unwrap_or(0)
}

fn place(text: &str, dice: &mut StdRng) -> usize {
    boundary(text, dice.random_range(0..=text.len()))
}

/// A piece of `text` of at most so many bytes.
fn piece<'t>(text: &'t str, most: usize, dice: &mut StdRng) -> &'t str {
    let start = place(text, dice);
    let end = boundary(text, start + dice.random_range(0..=most)).max(start);
    &text[start..end]
}

/// One blind change of `text`; `other` is where foreign pieces come from.
fn change(text: &mut String, other: &str, dice: &mut StdRng) {
    let at = place(text, dice);
    match dice.random_range(0..4) {
        0 => {
            let end = boundary(text, at + dice.random_range(0..24)).max(at);
            text.replace_range(at..end, "");
        }
        1 => text.insert_str(at, PIECES[dice.random_range(0..PIECES.len())]),
        2 => {
            let copy = piece(text, 80, dice).to_owned();
            text.insert_str(at, &copy);
        }
        _ => text.insert_str(at, piece(other, 80, dice)),
    }
}

/// Gives `count` changed texts to `judge` one by one; says which one made it panic.
fn judge_many(count: usize, judge: impl Fn(&str) -> bool + panic::RefUnwindSafe) -> usize {
    let seeds = seeds();
    let mut dice = StdRng::seed_from_u64(20);
    let mut passed = 0;
    for _ in 0..count {
        let mut text = seeds[dice.random_range(0..seeds.len())].clone();
        let other = &seeds[dice.random_range(0..seeds.len())];
        for _ in 0..dice.random_range(1..6) {
            change(&mut text, other, &mut dice);
        }
        let judged = panic::catch_unwind(|| judge(&text));
        passed += usize::from(judged.unwrap_or_else(|_| panic!("this text does it:\n{text:?}")));
    }
    passed
}

#[test]
fn any_text_is_read_or_refused_with_a_place() {
    let passed = judge_many(PARSED, invariants::parsed);
    // Changes that only ever break a text would try nothing behind the parser.
    assert!(passed > PARSED / 100, "{passed} texts passed");
}

#[test]
fn what_passes_the_rules_is_printed_by_every_renderer() {
    let renderers = render::embedded().expect("the embedded templates are valid");
    let renderers = panic::AssertUnwindSafe(renderers);
    let passed = judge_many(RENDERED, move |text| invariants::rendered(text, &renderers));
    assert!(passed > RENDERED / 200, "{passed} texts passed");
}
