//! Snapshots of diagnostics.
//!
//! `diagnostics/CODE.yaml` or `diagnostics/CODE--detail.yaml` is a topology, the `.txt` file with
//! the same name its human-readable output. `make bless` updates the `.txt` files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use genconf::diagnostic::human::Color;
use genconf::diagnostic::{Code, Diagnostic, Diagnostics, human, line};
use genconf::generate;
use genconf::source::Source;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

fn files(extension: &str) -> BTreeSet<PathBuf> {
    fs::read_dir(directory())
        .expect("the directory is readable")
        .map(|entry| entry.expect("the directory is readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect()
}

/// The source and its diagnostics.
fn check(name: &str, text: String) -> (Source, Diagnostics) {
    let source = Source::new(name, text);
    let mut diagnostics = Diagnostics::default();
    let _ = generate(&source, ".", &[], &mut diagnostics);
    (source, diagnostics)
}

fn check_file(path: &Path) -> (Source, Diagnostics) {
    let name = path.file_name().expect("has a name").display().to_string();
    check(&name, fs::read_to_string(path).expect("is readable"))
}

fn code_of(path: &Path) -> Code {
    let stem = path.file_stem().expect("has a name").display().to_string();
    let name = stem.split("--").next().unwrap_or_default();
    Code::by_name(name).unwrap_or_else(|| panic!("{stem}: no code has the name `{name}`"))
}

#[test]
fn the_output_is_that_of_the_snapshot() {
    for path in files("yaml") {
        let (source, diagnostics) = check_file(&path);
        let output = human::render(&diagnostics, &source, Color::Never);
        let snapshot = path.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&snapshot, &output).expect("a file can be written");
        }
        let expected = fs::read_to_string(&snapshot).unwrap_or_default();
        assert!(
            output == expected,
            "{}: expected\n{expected}\nfound\n{output}",
            path.display()
        );
        let code = format!("[{}]", code_of(&path).name());
        assert!(
            output.contains(&code),
            "{} does not show {code}",
            path.display()
        );
    }
}

/// Phrases without the expected and the found value, and metaphors.
const AVOIDED: &[&str] = &[
    " is not a ",
    " is no ",
    " is called ",
    "told",
    "says",
    "whatever",
    "whoever",
    "nobody",
    "fault ",
    "beside",
    " ours ",
    " lies ",
];

#[test]
fn every_diagnostic_has_a_location_and_a_fix() {
    for path in files("yaml") {
        let (source, diagnostics) = check_file(&path);
        for diagnostic in diagnostics.sorted() {
            let at = format!("{}: {diagnostic:?}", path.display());
            let span = diagnostic.primary.span;
            assert!(source.text().get(span.start..span.end).is_some(), "{at}");
            assert!(diagnostic.help.len() > 5, "no help in {at}");
            let text = format!("{}; {}", diagnostic.message, diagnostic.help);
            for word in AVOIDED {
                assert!(!text.contains(word), "`{word}` in {at}");
            }
            assert!(!diagnostic.message.ends_with('.'), "a full stop in {at}");
        }
        let lines = line::render(&diagnostics, &source);
        assert_eq!(lines.lines().count(), diagnostics.sorted().len());
    }
}

/// The value that a help text proposes for the text at the location: "use `VALUE`" or
/// "write `KEY: VALUE`".
fn proposed(help: &str) -> Option<&str> {
    let rest = ["use `", "write `"]
        .iter()
        .find_map(|start| help.strip_prefix(start))?;
    let value = rest.strip_suffix('`').filter(|v| !v.contains('`'))?;
    let is_key = |c: char| c.is_ascii_alphanumeric() || c == '_';
    Some(match value.split_once(": ") {
        Some((key, value)) if key.chars().all(is_key) => value,
        _ => value,
    })
}

/// Replaces the text at the location of each diagnostic with the proposed value.
#[test]
fn a_proposed_value_is_valid() {
    let (mut count, mut wrong) = (0, Vec::new());
    for path in files("yaml") {
        let (source, diagnostics) = check_file(&path);
        for diagnostic in diagnostics.sorted() {
            let replaced = [Code::BadValue, Code::WrongShape, Code::OutOfRange];
            let value = proposed(&diagnostic.help);
            let Some(value) = value.filter(|_| replaced.contains(&diagnostic.code)) else {
                continue;
            };
            let (span, text) = (diagnostic.primary.span, source.text());
            // The location of no value is the colon after its key.
            let is_colon = span.start == span.end && text[span.start..].starts_with(':');
            let (start, space) = if is_colon {
                (span.start + 1, " ")
            } else {
                (span.start, "")
            };
            let fixed = format!(
                "{}{space}{value}{}",
                &text[..start],
                &text[start.max(span.end)..]
            );
            let (_, after) = check("t", fixed);
            let place = start..=start + value.len();
            let is_left = |d: &&Diagnostic| {
                let is_here = place.contains(&d.primary.span.start);
                d.code == Code::BadYaml || (replaced.contains(&d.code) && is_here)
            };
            if let Some(left) = after.sorted().into_iter().find(is_left) {
                let name = path.display();
                wrong.push(format!("{name}: {diagnostic:?}\n  leaves {left:?}"));
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 60, "only {count} help texts propose a value");
}

#[test]
fn standard_input_has_a_name() {
    let (source, diagnostics) = check("-", String::new());
    let output = human::render(&diagnostics, &source, Color::Never);
    for part in ["--> <stdin>:1:1", "genconf check - <", "<stdin>: 1 error\n"] {
        assert!(output.contains(part), "{output}");
    }
}

#[test]
fn every_code_has_a_summary() {
    for code in Code::ALL {
        let summary = code.summary();
        assert!(summary.ends_with('.'), "{}: {summary}", code.name());
        assert!(!summary.contains(". "), "{}: {summary}", code.name());
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
        let codes = |part: &str| {
            let (_, diagnostics) = check("t", completed(part));
            let sorted = diagnostics.sorted();
            sorted.into_iter().map(|d| d.code).collect::<Vec<_>>()
        };
        let explanation = code.explanation();
        assert!(
            codes(explanation.wrong).contains(code),
            "{}: {}",
            code.name(),
            explanation.wrong
        );
        assert!(
            !codes(explanation.right).contains(code),
            "{}: {}",
            code.name(),
            explanation.right
        );
    }
}

/// A valid topology with the top-level keys of `part`.
fn completed(part: &str) -> String {
    let valid = [
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
            "proxies: { edge: { routes: [{ path: /, pool: web }, { path: /a, pool: a }, { path: /b, pool: b }] } }",
        ),
    ];
    let key = part.split(':').next().unwrap_or_default();
    let part = match key {
        "ports" => format!("pools: {{ web: {{ app: web, {part} }} }}"),
        "routes" => format!("proxies: {{ edge: {{ {part} }} }}"),
        _ => part.to_owned(),
    };
    let has = |key: &str| part.lines().any(|l| l.starts_with(&format!("{key}:")));
    let rest = valid
        .iter()
        .filter(|(key, _)| !has(key))
        .map(|(_, line)| *line);
    rest.chain([part.as_str()]).collect::<Vec<_>>().join("\n")
}
