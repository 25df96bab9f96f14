//! Compares rendered files that should differ in some texts only.

use std::collections::HashMap;
use std::path::Path;

use genconf::tree::Tree;
use serde_json::Value;

use crate::interpreter::{self, Answers};
use crate::token::{self, Swaps, Token, swapped, token};
use crate::{haproxy, json, nginx, unit, yaml};

/// The format of a rendered file.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Format {
    Haproxy,
    Json,
    Lines,
    Nginx,
    Ruby,
    Unit,
    Yaml,
}

impl Format {
    fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or_default();
        match name.rsplit('.').next().unwrap_or_default() {
            _ if name == "nginx.conf" => Some(Self::Nginx),
            _ if name == "haproxy.cfg" => Some(Self::Haproxy),
            _ if name == "Vagrantfile" => Some(Self::Ruby),
            "yml" | "yaml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            // These contain names only, so whole lines are compared.
            "md" => Some(Self::Lines),
            _ if ["logrotate.conf", "sysctl.conf"].contains(&name) => Some(Self::Lines),
            _ if path.starts_with("systemd/") => Some(Self::Unit),
            _ => None,
        }
    }
}

/// Two rendered files that should differ by `swaps` only.
struct Pair {
    case: String,
    format: Format,
    texts: [String; 2],
    swaps: Vec<(String, String)>,
}

/// Collects pairs of rendered files and compares them at the end.
#[derive(Default)]
pub(crate) struct Comparison {
    pairs: Vec<Pair>,
    errors: Vec<String>,
}

impl Comparison {
    /// Adds the trees of a harmless and of a hostile topology, which should differ by `swaps` only.
    pub(crate) fn compare(&mut self, case: &str, trees: [&Tree; 2], swaps: &Swaps) {
        let paths = trees.map(|tree| tree.iter().map(|(path, _)| path.as_str()));
        let [expected, found] = paths.map(Iterator::collect::<Vec<_>>);
        if expected
            .iter()
            .map(|path| swapped(path, swaps))
            .ne(found.iter().copied())
        {
            self.errors.push(format!("{case}: the files are {found:?}"));
            return;
        }
        for ((path, expected), (_, got)) in trees[0].iter().zip(trees[1].iter()) {
            let (path, case) = (path.as_str(), format!("{case}, {path}"));
            if is_copied(path) {
                continue;
            }
            let Some(format) = Format::of(path) else {
                self.errors
                    .push(format!("{case}: this test has no reader for the format"));
                continue;
            };
            let texts = [expected, got].map(|a| String::from_utf8_lossy(&a.bytes).into_owned());
            let swaps = swaps
                .iter()
                .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()));
            self.pairs.push(Pair {
                case,
                format,
                texts,
                swaps: swaps.collect(),
            });
        }
    }

    /// The number of compared files, and all differences with their case.
    pub(crate) fn finish(mut self) -> (usize, Vec<String>) {
        let ruby = Readings::new(&self.pairs, Format::Ruby, interpreter::ripper);
        let serde = |texts: &[String]| Some(texts.iter().map(|text| yaml::read(text)).collect());
        let serde = Readings::new(&self.pairs, Format::Yaml, serde);
        let pyyaml = Readings::new(&self.pairs, Format::Yaml, interpreter::pyyaml);
        for pair in &self.pairs {
            let read = |text: &String| match pair.format {
                Format::Haproxy => Some(haproxy::read(text)),
                Format::Json => Some(json::read(text)),
                Format::Lines => Some(Ok(lines(text))),
                Format::Nginx => Some(nginx::read(text)),
                Format::Unit => Some(unit::read(text)),
                Format::Ruby => ruby.of(text).map(|r| r.map(|value| ruby_tokens(&value))),
                Format::Yaml => serde
                    .of(text)
                    .map(|r| r.and_then(|value| yaml::tokens(&value))),
            };
            let difference = match [read(&pair.texts[0]), read(&pair.texts[1])] {
                [Some(expected), Some(got)] => differs(expected, got, &pair.swaps).err(),
                _ => None,
            };
            let (first, second) = (serde.of(&pair.texts[1]), pyyaml.of(&pair.texts[1]));
            let disagree = second.is_some() && first != second;
            let disagree = disagree.then(|| disagreement([first, second]));
            let errors = difference.into_iter().chain(disagree);
            self.errors
                .extend(errors.map(|error| format!("{}: {error}", pair.case)));
        }
        (self.pairs.len(), self.errors)
    }
}

fn differs(
    expected: Result<Vec<Token>, String>,
    got: Result<Vec<Token>, String>,
    swaps: &[(String, String)],
) -> Result<(), String> {
    let swaps: Vec<_> = swaps
        .iter()
        .map(|(from, to)| (from.as_str(), to.as_str()))
        .collect();
    token::same(&expected?, &got?, &swaps)
}

/// The result of a reader for each text of one format.
struct Readings {
    numbers: HashMap<String, usize>,
    answers: Answers,
}

impl Readings {
    fn new(pairs: &[Pair], format: Format, read: fn(&[String]) -> Answers) -> Self {
        let mut numbers = HashMap::new();
        let mut texts = Vec::new();
        for text in pairs
            .iter()
            .filter(|p| p.format == format)
            .flat_map(|p| &p.texts)
        {
            numbers.entry(text.clone()).or_insert_with(|| {
                texts.push(text.clone());
                texts.len() - 1
            });
        }
        let answers = if texts.is_empty() { None } else { read(&texts) };
        Self { numbers, answers }
    }

    /// `None` if the reader is not installed.
    fn of(&self, text: &str) -> Option<Result<Value, String>> {
        let number = self.numbers.get(text)?;
        Some(self.answers.as_ref()?[*number].clone())
    }
}

fn disagreement(readings: [Option<Result<Value, String>>; 2]) -> String {
    let [first, second] = readings.map(|read| match read {
        Some(Ok(value)) => value.to_string(),
        Some(Err(error)) => error,
        None => String::new(),
    });
    let common = first
        .bytes()
        .zip(second.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let end = |text: &str| {
        text.chars()
            .skip(common.saturating_sub(60))
            .take(120)
            .collect::<String>()
    };
    format!(
        "serde_yaml reads {:?}, PyYAML {:?}",
        end(&first),
        end(&second)
    )
}

fn lines(text: &str) -> Vec<Token> {
    text.lines().map(|line| token("line", line)).collect()
}

fn ruby_tokens(value: &Value) -> Vec<Token> {
    let pairs = value.as_array().into_iter().flatten();
    let text = |pair: &Value, at: usize| pair[at].as_str().unwrap_or_default().to_owned();
    pairs
        .map(|pair| token(&text(pair, 0), text(pair, 1)))
        .collect()
}

/// Whether a renderer copies this file unchanged.
fn is_copied(path: &str) -> bool {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../templates");
    templates.join(path).is_file()
}
