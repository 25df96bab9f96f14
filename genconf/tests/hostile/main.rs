//! Nothing a person types can break out of the file it lands in.
//!
//! Every text of the language is filled with texts that mean something to one
//! format or another. Either a fault with a place comes out, or every artifact,
//! read again by a reader that knows nothing of genconf, says what it says for
//! a harmless text, with the hostile one in its place.

mod arrival;
mod foreign;
mod ground;
mod haproxy;
mod nginx;
mod place;
mod text;
mod token;
mod unit;
mod yaml;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrival::Arrivals;
use genconf::topology::language_schema;
use ground::Ground;
use place::Place;
use token::brief;

/// A text that means nothing to any format; as no place holds it already.
const MARKER: &str = "q0q";

fn nothing_was_lost(arrivals: Arrivals) {
    let (compared, faults) = arrivals.finish();
    assert!(compared > 100, "only {compared} artifacts were compared");
    let shown: Vec<String> = faults
        .iter()
        .take(20)
        .map(|f| f.chars().take(600).collect())
        .collect();
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        shown.join("\n")
    );
}

#[test]
fn every_key_of_the_language_is_tried() {
    let ground = Ground::new();
    let tried: BTreeSet<_> = ground.places().iter().map(|p| p.path.clone()).collect();
    assert_eq!(tried, place::paths(&language_schema()));
}

/// `text` at each of `places`.
fn at_all<'p>(places: &[&'p Place], text: &'p str) -> Vec<(&'p Place, &'p str)> {
    places.iter().map(|place| (*place, text)).collect()
}

/// The places of `places` that are quoted when they are printed.
fn quoted<'p>(places: &[&'p Place]) -> Vec<&'p Place> {
    places
        .iter()
        .filter(|place| !place.is_verbatim())
        .copied()
        .collect()
}

#[test]
fn hostile_texts_are_refused_or_arrive_whole() {
    let ground = Ground::new();
    let mut arrivals = Arrivals::default();
    let mut harmless = HashMap::new();
    let mut taken = BTreeMap::<String, usize>::new();
    for text in text::hostile() {
        let [set, _] = ground.together(ground.places().iter().collect(), &[&text]);
        let set = quoted(&set);
        for place in set.iter().filter(|place| place.takes_free_text()) {
            *taken.entry(place.path.clone()).or_default() += 1;
        }
        let numbers: Vec<_> = set.iter().map(|place| place.number).collect();
        let harmless = harmless
            .entry(numbers)
            .or_insert_with(|| ground.rendered(&at_all(&set, MARKER)));
        let filled = ground.rendered(&at_all(&set, &text));
        arrivals.compare(
            &format!("{text:?}"),
            [harmless, &filled],
            &[(MARKER, &text)],
        );
    }
    // A test that is refused everywhere shows nothing.
    let few: Vec<_> = taken.iter().filter(|(_, count)| **count < 50).collect();
    assert!(
        taken.len() == place::FREE.len() && few.is_empty(),
        "{taken:?}"
    );
    nothing_was_lost(arrivals);
}

#[test]
fn long_texts_are_refused_or_arrive_whole() {
    let ground = Ground::new();
    let mut arrivals = Arrivals::default();
    let samples = quoted(&ground.samples());
    let accepts = |place: &Place, text: &str| ground.refusing(&[place], text).is_empty();
    let short = samples.iter().filter(|place| !place.takes_free_text());
    let endless = "a".repeat(100_000);
    let accepting: Vec<_> = short.filter(|place| accepts(place, &endless)).collect();
    assert!(accepting.is_empty(), "{accepting:?}");
    for text in text::long() {
        let free = samples
            .iter()
            .filter(|place| place.takes_free_text())
            .copied();
        let set: Vec<_> = free.filter(|place| accepts(place, &text)).collect();
        let trees = [MARKER, &text].map(|text| ground.rendered(&at_all(&set, text)));
        arrivals.compare(&brief(&text), [&trees[0], &trees[1]], &[(MARKER, &text)]);
    }
    nothing_was_lost(arrivals);
}

/// A word has a neighbour of the same kind that sorts beside it. Where the
/// neighbour is refused, the place takes a few words only, and no text.
#[test]
fn words_that_look_like_something_else_stay_words() {
    let ground = Ground::new();
    let mut arrivals = Arrivals::default();
    for word in text::WORDS {
        let beside = format!("{word}q");
        let mut left: Vec<_> = ground.places().iter().collect();
        loop {
            let [set, rest] = ground.together(left, &[word, &beside]);
            if set.is_empty() {
                break;
            }
            let trees = [&beside, word].map(|text| ground.rendered(&at_all(&quoted(&set), text)));
            arrivals.compare(
                word,
                [&trees[0], &trees[1]],
                &[(beside.trim_start_matches('/'), word.trim_start_matches('/'))],
            );
            left = rest;
        }
    }
    nothing_was_lost(arrivals);
}

#[test]
fn random_texts_are_refused_or_arrive_whole() {
    let ground = Ground::new();
    let mut arrivals = Arrivals::default();
    let mut texts = text::random(20_261_120);
    for round in 0..30 {
        let mut swaps = Vec::new();
        for place in ground.places().iter().filter(|p| p.takes_free_text()) {
            let text = texts.next().expect("there is always another");
            if place.path != "proxies.*.headers.*" || ground.refusing(&[place], &text).is_empty() {
                swaps.push((place, format!("q{}q", place.number), text));
            }
        }
        let filled: Vec<_> = swaps
            .iter()
            .map(|(place, _, text)| (*place, text.as_str()))
            .collect();
        let markers: Vec<_> = swaps
            .iter()
            .map(|(place, marker, _)| (*place, marker.as_str()))
            .collect();
        let trees = [ground.rendered(&markers), ground.rendered(&filled)];
        let swaps: Vec<_> = swaps
            .iter()
            .map(|(_, marker, text)| (marker.as_str(), text.as_str()))
            .collect();
        arrivals.compare(&format!("round {round}"), [&trees[0], &trees[1]], &swaps);
    }
    nothing_was_lost(arrivals);
}

/// What is printed as written is still one line, whatever it says.
#[test]
fn a_verbatim_line_stays_one_line() {
    let ground = Ground::new();
    let verbatim: Vec<_> = ground.places().iter().filter(|p| p.is_verbatim()).collect();
    let harmless = ground.rendered(&at_all(&verbatim, MARKER));
    for text in text::hostile() {
        if !ground.refusing(&verbatim, &text).is_empty() {
            continue;
        }
        for ((path, wanted), (_, got)) in harmless
            .iter()
            .zip(ground.rendered(&at_all(&verbatim, &text)).iter())
        {
            let wanted = String::from_utf8_lossy(&wanted.bytes).into_owned();
            let got = String::from_utf8_lossy(&got.bytes);
            assert!(got == wanted.replace(MARKER, &text), "{path}: {text:?}");
            assert_eq!(
                got.lines().count(),
                wanted.lines().count(),
                "{path}: {text:?}"
            );
        }
    }
}

/// Vagrantfiles hold no free text yet; their filter must be able to.
#[test]
fn a_ruby_string_holds_any_text() {
    let ground = Ground::with(&[
        (
            "toy/renderer.yaml",
            "{ summary: s, language: ruby, artifacts: [{ template: t.tera, path: t, each: once }] }",
        ),
        ("toy/t.tera", "{{ apps[0].build | ruby }}"),
    ]);
    let build = ground
        .places()
        .iter()
        .find(|p| p.path == "apps.*.build")
        .expect("is a place");
    let texts = text::hostile().into_iter().chain(text::random(3).take(100));
    let texts: Vec<_> = texts
        .filter(|text| ground.refusing(&[build], text).is_empty())
        .collect();
    let printed = |text: &String| {
        let tree = ground.rendered(&[(build, text)]);
        tree.iter()
            .map(|(_, artifact)| String::from_utf8_lossy(&artifact.bytes).into_owned())
            .collect()
    };
    let Some(read) = foreign::evaluated(&texts.iter().map(printed).collect::<Vec<String>>()) else {
        return;
    };
    for (text, read) in texts.iter().zip(read) {
        assert_eq!(read.expect("is a Ruby string"), serde_json::json!(text));
    }
}
