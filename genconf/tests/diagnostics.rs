//! Each kind of fault: one input, its exact output.
//!
//! `diagnostics/CODE.yaml` or `diagnostics/CODE--detail.yaml` is a topology,
//! the `.txt` beside it what people are told. `make bless` rewrites the latter.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use genconf::diagnostic::human::Colour;
use genconf::diagnostic::{Code, Diagnostics, human};
use genconf::generate;
use genconf::source::Source;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

fn files(extension: &str) -> BTreeSet<PathBuf> {
    fs::read_dir(folder())
        .expect("the folder is readable")
        .map(|entry| entry.expect("the folder is readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect()
}

fn told(path: &Path) -> String {
    let name = path.file_name().expect("has a name").display().to_string();
    let source = Source::new(name, fs::read_to_string(path).expect("is readable"));
    let mut faults = Diagnostics::default();
    // Only faults are asked for here; what becomes of a warning's topology is not.
    let _ = generate(&source, ".", &[], &mut faults);
    human::render(&faults, &source, Colour::Never)
}

fn code_of(path: &Path) -> Code {
    let stem = path.file_stem().expect("has a name").display().to_string();
    let name = stem.split("--").next().unwrap_or_default();
    Code::by_name(name).unwrap_or_else(|| panic!("{stem}: no fault is called `{name}`"))
}

#[test]
fn each_wrong_topology_is_told_exactly() {
    for path in files("yaml") {
        let (made, golden) = (told(&path), path.with_extension("txt"));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&golden, &made).expect("a file can be written");
        }
        let wanted = fs::read_to_string(&golden).unwrap_or_default();
        assert!(
            made == wanted,
            "{}: told\n{made}\nwanted\n{wanted}",
            path.display()
        );
        let code = format!("[{}]", code_of(&path).name());
        assert!(
            made.contains(&code),
            "{} does not show {code}",
            path.display()
        );
        for told in made.split("\n\n").filter(|t| t.contains("]: ")) {
            assert!(
                told.contains(".yaml:"),
                "{} tells a fault without a place:\n{told}",
                path.display()
            );
        }
    }
}

#[test]
fn every_code_has_a_pair_and_every_pair_a_code() {
    let with_pair: BTreeSet<_> = files("yaml").iter().map(|p| code_of(p).name()).collect();
    let all: BTreeSet<_> = Code::ALL.iter().map(|c| c.name()).collect();
    assert_eq!(with_pair, all);
    let stems = |e| {
        files(e)
            .into_iter()
            .map(|p| p.with_extension(""))
            .collect::<Vec<_>>()
    };
    assert_eq!(stems("yaml"), stems("txt"));
}

#[test]
fn the_examples_of_explain_are_wrong_and_right() {
    for code in Code::ALL {
        let told = |piece: &str| {
            let source = Source::new("t", whole(piece));
            let mut faults = Diagnostics::default();
            let _ = generate(&source, ".", &[], &mut faults);
            faults
                .sorted()
                .into_iter()
                .map(|d| d.code)
                .collect::<Vec<_>>()
        };
        let explanation = code.explanation();
        assert!(
            told(explanation.wrong).contains(code),
            "{}: {}",
            code.name(),
            explanation.wrong
        );
        assert!(
            !told(explanation.right).contains(code),
            "{}: {}",
            code.name(),
            explanation.right
        );
    }
}

/// A topology around `piece`, whose top-level keys replace those of a sound one.
fn whole(piece: &str) -> String {
    let sound = [
        ("version", "version: 1"),
        ("project", "project: p"),
        ("hosts", "hosts: { a: { address: 192.0.2.1 } }"),
        ("apps", "apps: { web: { artifact: web } }"),
        (
            "pools",
            "pools: { web: { app: web, ports: [8080] }, a: { app: web, ports: [8090] }, b: { app: web, ports: [8091] } }",
        ),
        (
            "proxies",
            "proxies: { door: { routes: [{ path: /, pool: web }, { path: /a, pool: a }, { path: /b, pool: b }] } }",
        ),
    ];
    let key = piece.split(':').next().unwrap_or_default();
    let piece = match key {
        "ports" => format!("pools: {{ web: {{ app: web, {piece} }} }}"),
        "routes" => format!("proxies: {{ door: {{ {piece} }} }}"),
        _ => piece.to_owned(),
    };
    let has = |key: &str| piece.lines().any(|l| l.starts_with(&format!("{key}:")));
    let rest = sound
        .iter()
        .filter(|(key, _)| !has(key))
        .map(|(_, line)| *line);
    rest.chain([piece.as_str()]).collect::<Vec<_>>().join("\n")
}
