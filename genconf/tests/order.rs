//! The order in which a person writes things down, and how often they render
//! them, changes no byte.

use std::fs;
use std::path::{Path, PathBuf};

use genconf::diagnostic::Diagnostics;
use genconf::generate;
use genconf::render::{self, Renderer};
use genconf::source::Source;
use genconf::tree::Tree;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_yaml::Value;

fn topologies() -> Vec<PathBuf> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = fs::read_dir(repository.join("topologies")).expect("is readable");
    let mut found: Vec<_> = folder
        .map(|entry| entry.expect("is readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    found.push(repository.join("topology.yaml"));
    found
}

fn rendered(text: &str, renderers: &[Renderer]) -> Tree {
    let source = Source::new("topology.yaml", text);
    let mut faults = Diagnostics::default();
    let made = generate(&source, ".", renderers, &mut faults);
    made.unwrap_or_else(|e| panic!("{e:?} {faults:?}\n{text}"))
        .tree
}

/// Every mapping in another order. Lists keep theirs: of routes and arguments
/// it may mean something.
fn shuffled(value: &Value, dice: &mut StdRng) -> Value {
    match value {
        Value::Mapping(entries) => {
            let mut entries: Vec<_> = entries
                .iter()
                .map(|(key, inner)| (key.clone(), shuffled(inner, dice)))
                .collect();
            entries.shuffle(dice);
            Value::Mapping(entries.into_iter().collect())
        }
        Value::Sequence(items) => items.iter().map(|inner| shuffled(inner, dice)).collect(),
        other => other.clone(),
    }
}

/// What differs, by path: whole trees are too long to be read.
fn assert_same(first: &Tree, second: &Tree, what: &str) {
    let paths = |tree: &Tree| {
        tree.iter()
            .map(|(path, _)| path.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(paths(first), paths(second), "{what}");
    for ((path, first), (_, second)) in first.iter().zip(second.iter()) {
        assert!(first == second, "{what}: {path} differs");
    }
}

#[test]
fn shuffling_the_mappings_of_a_topology_changes_no_byte() {
    let renderers = render::embedded().expect("the embedded templates are sound");
    let mut dice = StdRng::seed_from_u64(20_261_120);
    for path in topologies() {
        let text = fs::read_to_string(&path).expect("is readable");
        let as_written = rendered(&text, &renderers);
        let value: Value = serde_yaml::from_str(&text).expect("is YAML");
        for _ in 0..10 {
            let other = shuffled(&value, &mut dice);
            let other = serde_yaml::to_string(&other).expect("can be written");
            let what = path.display().to_string();
            assert_same(&as_written, &rendered(&other, &renderers), &what);
        }
    }
}

#[test]
fn rendering_again_changes_nothing() {
    for path in topologies() {
        let text = fs::read_to_string(&path).expect("is readable");
        // Renderers of their own, so that nothing one render left behind helps the next.
        let trees = [(); 2].map(|()| {
            let renderers = render::embedded().expect("the embedded templates are sound");
            rendered(&text, &renderers)
        });
        assert_same(&trees[0], &trees[1], &path.display().to_string());
    }
}
