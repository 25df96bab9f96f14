//! Commands in a Procfile.

use crate::import::port_argument::PLACEHOLDER;
use crate::import::reserved_variable;
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

/// The leading `NAME=value` words of a command, and the rest.
#[derive(Clone, Debug, Default)]
pub(super) struct Assignments {
    /// Variables, without PORT.
    pub(super) env: Vec<(String, String)>,
    /// The value of PORT, unless it is `$PORT`.
    pub(super) port: Option<String>,
    /// Variables that units set, and the reason to skip each.
    pub(super) reserved: Vec<(String, &'static str)>,
    /// The words of the command.
    pub(super) words: Vec<String>,
}

impl Assignments {
    /// Splits `words`. `$PORT` becomes [`PLACEHOLDER`].
    pub(super) fn split(words: &[String]) -> Self {
        let mut split = Self::default();
        let mut words = words.iter().map(|word| with_port(word)).peekable();
        while words
            .next_if(|word| word == "env" || word == "exec")
            .is_some()
        {}
        while let Some((name, value)) = words.peek().and_then(|word| assigned(word)) {
            words.next();
            if name == "PORT" {
                split.port = Some(value).filter(|value| value != PLACEHOLDER);
            } else if let Some(reason) = reserved_variable::reason(&name) {
                split.reserved.push((name, reason));
            } else {
                split.env.push((name, value));
            }
        }
        split.words = words.collect();
        split
    }
}

/// The name and the value of a word `NAME=value`.
fn assigned(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    EnvName::read(name).ok()?;
    Text::read(value).ok()?;
    Some((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_split_from_the_command() {
        let line = "env A=1 PORT=3000 HOST=::1 GENCONF_POOL=x ./b C=2 -p ${PORT:-80}";
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let split = Assignments::split(&words);
        assert_eq!(split.env, [("A".to_owned(), "1".to_owned())]);
        assert_eq!(split.port.as_deref(), Some("3000"));
        let reserved: Vec<_> = split.reserved.iter().map(|(name, _)| name).collect();
        assert_eq!(reserved, ["HOST", "GENCONF_POOL"]);
        assert_eq!(split.words, ["./b", "C=2", "-p", PLACEHOLDER]);
    }
}
