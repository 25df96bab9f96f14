//! Commands that a shell runs: leading variables, and `$PORT`.

use super::port_argument::PLACEHOLDER;
use super::reserved_variable;
use crate::topology::decode::Scalar as _;
use crate::topology::text::{EnvName, Text};

/// Reason to report arguments and variables with `$PORT`.
pub(super) const USES_PORT: &str = "$PORT is replaced with `{port}`, the port of each instance";

/// Why the program of a command with other variables is unknown.
pub(super) const USES_VARIABLES: &str =
    "the command uses shell variables, which units do not expand";

/// Why a variable with other variables in its value is skipped.
const VALUE_USES_VARIABLES: &str =
    "the value uses shell variables, which units do not expand: set it in `env` or `env_file`";

/// Whether `text` contains `$PORT` or `${PORT}`.
pub(super) fn uses_port(text: &str) -> bool {
    with_port(text) != text
}

/// Replaces `$PORT`, `${PORT}`, and `${PORT:-5000}` with [`PLACEHOLDER`].
pub(super) fn with_port(text: &str) -> String {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        replaced.push_str(before);
        if let Some((_, after)) = variable(after) {
            replaced.push_str(PLACEHOLDER);
            rest = after;
        } else {
            replaced.push('$');
            rest = after;
        }
    }
    replaced.push_str(rest);
    replaced
}

/// The port in `${PORT:-5000}`.
pub(super) fn default_port(text: &str) -> Option<u16> {
    let mut parts = text.split('$').skip(1);
    let value = parts.find_map(|part| Some(variable(part)?.0).filter(|value| !value.is_empty()))?;
    value.parse().ok().filter(|port| *port > 0)
}

/// The default value of `PORT` at the start of `text`, which follows a `$`, and the text after it.
fn variable(text: &str) -> Option<(&str, &str)> {
    let Some(inner) = text.strip_prefix("{PORT") else {
        let rest = text.strip_prefix("PORT")?;
        let is_other = rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        return (!is_other).then_some(("", rest));
    };
    let (operator, rest) = inner.split_once('}')?;
    let value = operator.strip_prefix(':').unwrap_or(operator);
    match value.strip_prefix(['-', '=']) {
        Some(value) => Some((value, rest)),
        None => operator.is_empty().then_some(("", rest)),
    }
}

/// The leading `NAME=value` words of a command, and the rest.
#[derive(Clone, Debug, Default)]
pub(super) struct Assignments {
    /// Variables, without PORT.
    pub(super) env: Vec<(String, String)>,
    /// The value of PORT, unless it is `$PORT`.
    pub(super) port: Option<String>,
    /// Variables that are not imported, and the reason.
    pub(super) skipped: Vec<(String, &'static str)>,
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
                split.skipped.push((name, reason));
            } else if value.contains('$') {
                split.skipped.push((name, VALUE_USES_VARIABLES));
            } else {
                split.env.push((name, value));
            }
        }
        split.words = words.collect();
        split
    }

    /// Whether the command contains variables other than PORT. Those in options of java are handled
    /// separately.
    pub(super) fn uses_variables(&self) -> bool {
        let words = &self.words;
        let is_java = words.first().is_some_and(|word| word == "java");
        let jar = words.iter().position(|word| word == "-jar");
        let mut checked = words.iter().skip(jar.filter(|_| is_java).unwrap_or(0));
        checked.any(|word| word.contains('$'))
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
        let line = "env A=1 PORT=3000 HOST=::1 GENCONF_POOL=x B=$A ./b C=2 -p ${PORT:-80}";
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let split = Assignments::split(&words);
        assert_eq!(split.env, [("A".to_owned(), "1".to_owned())]);
        assert_eq!(split.port.as_deref(), Some("3000"));
        let skipped: Vec<_> = split.skipped.iter().map(|(name, _)| name).collect();
        assert_eq!(skipped, ["HOST", "GENCONF_POOL", "B"]);
        assert!(!split.uses_variables());
        assert_eq!(split.words, ["./b", "C=2", "-p", PLACEHOLDER]);
    }

    #[test]
    fn the_port_variable_is_replaced() {
        for (text, replaced, default) in [
            ("-p $PORT", "-p {port}", None),
            ("0.0.0.0:${PORT}/x", "0.0.0.0:{port}/x", None),
            ("${PORT:-3000}", "{port}", Some(3000)),
            ("${PORT-3000} $PORT", "{port} {port}", Some(3000)),
            ("${PORT:=0}", "{port}", None),
            ("$PORTAL ${PORTAL} ${PORT", "$PORTAL ${PORTAL} ${PORT", None),
            ("$$PORT $", "${port} $", None),
        ] {
            assert_eq!(with_port(text), replaced);
            assert_eq!(default_port(text), default, "{text}");
        }
    }
}
