//! The output does not depend on the order of mappings or on previous renders.

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
    let mut diagnostics = Diagnostics::default();
    let made = generate(&source, ".", renderers, &mut diagnostics);
    made.unwrap_or_else(|e| panic!("{e:?} {diagnostics:?}\n{text}"))
        .tree
}

/// Shuffles every mapping. Lists keep their order, which has a meaning.
fn shuffled(value: &Value, rng: &mut StdRng) -> Value {
    match value {
        Value::Mapping(entries) => {
            let mut entries: Vec<_> = entries
                .iter()
                .map(|(key, inner)| (key.clone(), shuffled(inner, rng)))
                .collect();
            entries.shuffle(rng);
            Value::Mapping(entries.into_iter().collect())
        }
        Value::Sequence(items) => items.iter().map(|inner| shuffled(inner, rng)).collect(),
        other => other.clone(),
    }
}

/// Compares two trees by path, because the message for whole trees would be too long.
fn assert_same(first: &Tree, second: &Tree, context: &str) {
    let paths = |tree: &Tree| {
        tree.iter()
            .map(|(path, _)| path.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(paths(first), paths(second), "{context}");
    for ((path, first), (_, second)) in first.iter().zip(second.iter()) {
        assert!(first == second, "{context}: {path} differs");
    }
}

#[test]
fn the_order_of_mappings_does_not_change_the_output() {
    let renderers = render::embedded().expect("the embedded templates are valid");
    let mut rng = StdRng::seed_from_u64(20_261_120);
    for path in topologies() {
        let text = fs::read_to_string(&path).expect("is readable");
        let original = rendered(&text, &renderers);
        let value: Value = serde_yaml::from_str(&text).expect("is YAML");
        for _ in 0..10 {
            let other = shuffled(&value, &mut rng);
            let other = serde_yaml::to_string(&other).expect("can be written");
            let context = path.display().to_string();
            assert_same(&original, &rendered(&other, &renderers), &context);
        }
    }
}

#[test]
fn a_second_render_has_the_same_output() {
    for path in topologies() {
        let text = fs::read_to_string(&path).expect("is readable");
        // Separate renderers, so that the renders share no state.
        let trees = [(); 2].map(|()| {
            let renderers = render::embedded().expect("the embedded templates are valid");
            rendered(&text, &renderers)
        });
        assert_same(&trees[0], &trees[1], &path.display().to_string());
    }
}
