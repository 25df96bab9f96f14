//! The command of a line of a Procfile.

use crate::topology::decode::Leaf as _;
use crate::topology::text::{EnvName, Text};

/// Options of java that name variables are dealt with where java is.
pub(super) fn is_java(words: &[String], word: &String) -> bool {
    let jar = words.iter().position(|w| w == "-jar");
    let at = words.iter().position(|w| w == word);
    words[0] == "java" && at < jar
}

/// The command with the port in place of `$PORT`, `${PORT}` and `${PORT:-5000}`.
pub(super) fn with_port(command: &str, port: u16) -> (String, bool) {
    let mut text = command.to_owned();
    while let Some(start) = text.find("${PORT") {
        let rest = &text[start + 6..];
        let Some(end) = rest.find('}').filter(|_| rest.starts_with(['}', ':', '-'])) else {
            break;
        };
        text.replace_range(start..=start + 6 + end, &port.to_string());
    }
    let text = text.replace("$PORT", &port.to_string());
    let told = text != command;
    (text, told)
}

/// Variables, and the words of a command or why there are none.
pub(super) type Split = (Vec<(String, String)>, Result<Vec<String>, &'static str>);

/// Leading `NAME=value` words, and the rest.
pub(super) fn assignments(mut words: Vec<String>) -> Split {
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
