//! No text in a topology changes the structure of a rendered file.
//!
//! Every field is set to texts with a meaning in some format. The result is a diagnostic with a
//! location, or rendered files that an independent reader parses as for a harmless text, with the
//! hostile text in its position.

mod comparison;
mod field;
mod fixture;
mod haproxy;
mod interpreter;
mod json;
mod nginx;
mod text;
mod token;
mod unit;
mod yaml;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use comparison::Comparison;
use field::Field;
use fixture::Fixture;
use genconf::topology::language_schema;
use token::excerpt;

/// A text without a meaning in any format that no field has by default.
const MARKER: &str = "q0q";

fn assert_equal(comparison: Comparison) {
    let (compared, errors) = comparison.finish();
    assert!(compared > 100, "only {compared} files were compared");
    let shown: Vec<String> = errors
        .iter()
        .take(20)
        .map(|f| f.chars().take(600).collect())
        .collect();
    assert!(
        errors.is_empty(),
        "{} errors:\n{}",
        errors.len(),
        shown.join("\n")
    );
}

#[test]
fn every_key_is_tested() {
    let fixture = Fixture::new();
    let tested: BTreeSet<_> = fixture.fields().iter().map(|p| p.path.clone()).collect();
    assert_eq!(tested, field::paths(&language_schema()));
}

/// `text` for each of `fields`.
fn at_all<'p>(fields: &[&'p Field], text: &'p str) -> Vec<(&'p Field, &'p str)> {
    fields.iter().map(|field| (*field, text)).collect()
}

/// The fields of `fields` that are rendered with quotes.
fn quoted<'p>(fields: &[&'p Field]) -> Vec<&'p Field> {
    fields
        .iter()
        .filter(|field| !field.is_verbatim())
        .copied()
        .collect()
}

#[test]
fn hostile_texts_are_rejected_or_rendered_completely() {
    let fixture = Fixture::new();
    let mut comparison = Comparison::default();
    let mut harmless = HashMap::new();
    let mut taken = BTreeMap::<String, usize>::new();
    for text in text::hostile() {
        let [set, _] = fixture.together(fixture.fields().iter().collect(), &[&text]);
        let set = quoted(&set);
        for field in set.iter().filter(|field| field.takes_free_text()) {
            *taken.entry(field.path.clone()).or_default() += 1;
        }
        let numbers: Vec<_> = set.iter().map(|field| field.number).collect();
        let harmless = harmless
            .entry(numbers)
            .or_insert_with(|| fixture.rendered(&at_all(&set, MARKER)));
        let filled = fixture.rendered(&at_all(&set, &text));
        comparison.compare(
            &format!("{text:?}"),
            [harmless, &filled],
            &[(MARKER, &text)],
        );
    }
    // Enough texts must be accepted for a meaningful test.
    let few: Vec<_> = taken.iter().filter(|(_, count)| **count < 50).collect();
    assert!(
        taken.len() == field::FREE.len() && few.is_empty(),
        "{taken:?}"
    );
    assert_equal(comparison);
}

#[test]
fn long_texts_are_rejected_or_rendered_completely() {
    let fixture = Fixture::new();
    let mut comparison = Comparison::default();
    let samples = quoted(&fixture.samples());
    let accepts = |field: &Field, text: &str| fixture.rejecting(&[field], text).is_empty();
    let short = samples.iter().filter(|field| !field.takes_free_text());
    let endless = "a".repeat(100_000);
    let accepting: Vec<_> = short.filter(|field| accepts(field, &endless)).collect();
    assert!(accepting.is_empty(), "{accepting:?}");
    for text in text::long() {
        let free = samples
            .iter()
            .filter(|field| field.takes_free_text())
            .copied();
        let set: Vec<_> = free.filter(|field| accepts(field, &text)).collect();
        let trees = [MARKER, &text].map(|text| fixture.rendered(&at_all(&set, text)));
        comparison.compare(&excerpt(&text), [&trees[0], &trees[1]], &[(MARKER, &text)]);
    }
    assert_equal(comparison);
}

/// Each word is compared with a neighbor in sort order. A field that rejects the neighbor accepts a
/// fixed set of words only.
#[test]
fn words_with_another_meaning_are_rendered_as_words() {
    let fixture = Fixture::new();
    let mut comparison = Comparison::default();
    for word in text::WORDS {
        let neighbor = format!("{word}q");
        let mut left: Vec<_> = fixture.fields().iter().collect();
        loop {
            let [set, rest] = fixture.together(left, &[word, &neighbor]);
            if set.is_empty() {
                break;
            }
            let trees =
                [&neighbor, word].map(|text| fixture.rendered(&at_all(&quoted(&set), text)));
            comparison.compare(
                word,
                [&trees[0], &trees[1]],
                &[(
                    neighbor.trim_start_matches('/'),
                    word.trim_start_matches('/'),
                )],
            );
            left = rest;
        }
    }
    assert_equal(comparison);
}

#[test]
fn random_texts_are_rejected_or_rendered_completely() {
    let fixture = Fixture::new();
    let mut comparison = Comparison::default();
    let mut texts = text::random(20_261_120);
    for round in 0..30 {
        let mut swaps = Vec::new();
        for field in fixture.fields().iter().filter(|p| p.takes_free_text()) {
            let text = texts.next().expect("the iterator is infinite");
            if field.path != "proxies.*.headers.*" || fixture.rejecting(&[field], &text).is_empty()
            {
                swaps.push((field, format!("q{}q", field.number), text));
            }
        }
        let filled: Vec<_> = swaps
            .iter()
            .map(|(field, _, text)| (*field, text.as_str()))
            .collect();
        let markers: Vec<_> = swaps
            .iter()
            .map(|(field, marker, _)| (*field, marker.as_str()))
            .collect();
        let trees = [fixture.rendered(&markers), fixture.rendered(&filled)];
        let swaps: Vec<_> = swaps
            .iter()
            .map(|(_, marker, text)| (marker.as_str(), text.as_str()))
            .collect();
        comparison.compare(&format!("round {round}"), [&trees[0], &trees[1]], &swaps);
    }
    assert_equal(comparison);
}

/// Raw lines are rendered as one line each.
#[test]
fn a_verbatim_line_stays_one_line() {
    let fixture = Fixture::new();
    let verbatim: Vec<_> = fixture
        .fields()
        .iter()
        .filter(|p| p.is_verbatim())
        .collect();
    let harmless = fixture.rendered(&at_all(&verbatim, MARKER));
    for text in text::hostile() {
        if !fixture.rejecting(&verbatim, &text).is_empty() {
            continue;
        }
        for ((path, expected), (_, got)) in harmless
            .iter()
            .zip(fixture.rendered(&at_all(&verbatim, &text)).iter())
        {
            let expected = String::from_utf8_lossy(&expected.bytes).into_owned();
            let got = String::from_utf8_lossy(&got.bytes);
            assert!(got == expected.replace(MARKER, &text), "{path}: {text:?}");
            assert_eq!(
                got.lines().count(),
                expected.lines().count(),
                "{path}: {text:?}"
            );
        }
    }
}

/// Vagrantfiles have no free text; this tests their filter.
#[test]
fn a_ruby_string_holds_any_text() {
    let fixture = Fixture::with(&[
        (
            "toy/renderer.yaml",
            "{ summary: s, language: ruby, files: [{ template: t.tera, path: t, each: once }] }",
        ),
        ("toy/t.tera", "{{ apps[0].build | ruby }}"),
    ]);
    let build = fixture
        .fields()
        .iter()
        .find(|p| p.path == "apps.*.build")
        .expect("is a field");
    let texts = text::hostile().into_iter().chain(text::random(3).take(100));
    let texts: Vec<_> = texts
        .filter(|text| fixture.rejecting(&[build], text).is_empty())
        .collect();
    let printed = |text: &String| {
        let tree = fixture.rendered(&[(build, text)]);
        tree.iter()
            .map(|(_, artifact)| String::from_utf8_lossy(&artifact.bytes).into_owned())
            .collect()
    };
    let Some(read) = interpreter::evaluated(&texts.iter().map(printed).collect::<Vec<String>>())
    else {
        return;
    };
    for (text, read) in texts.iter().zip(read) {
        assert_eq!(read.expect("is a Ruby string"), serde_json::json!(text));
    }
}
