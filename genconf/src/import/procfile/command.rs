//! The command of a line of a Procfile.

use crate::import::ports::EACH;
use crate::topology::decode::Leaf as _;
use crate::topology::text::{EnvName, Text};

/// Options of java that name variables are dealt with where java is.
pub(super) fn is_java(words: &[String], word: &String) -> bool {
    let jar = words.iter().position(|w| w == "-jar");
    let at = words.iter().position(|w| w == word);
    words[0] == "java" && at < jar
}

/// `word` with [`EACH`] in place of `$PORT`, `${PORT}` and `${PORT:-5000}`.
fn with_port(word: &str) -> String {
    let mut text = word.to_owned();
    while let Some(start) = text.find("${PORT") {
        let rest = &text[start + 6..];
        let Some(end) = rest.find('}').filter(|_| rest.starts_with(['}', ':', '-'])) else {
            break;
        };
        text.replace_range(start..=start + 6 + end, EACH);
    }
    text.replace("$PORT", EACH)
}

/// Variables, and the words of a command or why there are none.
pub(super) type Split = (Vec<(String, String)>, Result<Vec<String>, &'static str>);

/// Leading `NAME=value` words, and the rest, with [`EACH`] for `$PORT`.
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
