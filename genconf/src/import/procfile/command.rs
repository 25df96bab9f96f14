//! Commands in a Procfile.

use crate::import::ports::PLACEHOLDER;
use crate::topology::decode::Scalar as _;
use crate::topology::text::{EnvName, Text};

/// Whether `word` is an option of java, where variables are handled separately.
pub(super) fn is_java(words: &[String], word: &String) -> bool {
    let jar = words.iter().position(|w| w == "-jar");
    let at = words.iter().position(|w| w == word);
    words[0] == "java" && at < jar
}

/// Replaces `$PORT`, `${PORT}`, and `${PORT:-5000}` with [`PLACEHOLDER`].
fn with_port(word: &str) -> String {
    let mut text = word.to_owned();
    while let Some(start) = text.find("${PORT") {
        let rest = &text[start + 6..];
        let Some(end) = rest.find('}').filter(|_| rest.starts_with(['}', ':', '-'])) else {
            break;
        };
        text.replace_range(start..=start + 6 + end, PLACEHOLDER);
    }
    text.replace("$PORT", PLACEHOLDER)
}

/// Variables, and the words of a command or an error.
pub(super) type Split = (Vec<(String, String)>, Result<Vec<String>, &'static str>);

/// Splits leading `NAME=value` words from the rest. `$PORT` becomes [`PLACEHOLDER`].
pub(super) fn assignments(words: &[String]) -> Split {
    let mut words: Vec<String> = words.iter().map(|w| with_port(w)).collect();
    if words.first().is_some_and(|w| w == "env" || w == "exec") {
        words.remove(0);
    }
    let assigned = |w: &String| {
        let (name, value) = w.split_once('=')?;
        EnvName::read(name).ok()?;
        Text::read(value).ok()?;
        Some((name.to_owned(), value.to_owned()))
    };
    let env: Vec<_> = words
        .iter()
        .map_while(assigned)
        .filter(|(name, _)| name != "PORT")
        .collect();
    let count = words.iter().map_while(assigned).count();
    words.drain(..count);
    (env, Ok(words))
}
