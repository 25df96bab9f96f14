//! Directives as lines of `raw`.

use super::directive::Directive;
use super::token::quoted;
use crate::topology::decode::Scalar as _;
use crate::topology::verbatim;

/// The directory of relative paths in the configuration of nginx. genconf uses another one.
const CONFIGURATION_FOLDER: &str = "/etc/nginx";

/// The directive and its block on one line; `None` if `raw` cannot contain it.
pub(super) fn raw_line(directive: &Directive) -> Option<String> {
    checked(printed(directive))
}

/// A line that `raw` can contain.
pub(super) fn checked(line: String) -> Option<String> {
    verbatim::Directive::read(&line).is_ok().then_some(line)
}

/// Adds the line of a location, unless there is one for the same paths.
pub(super) fn add_location(lines: &mut Vec<String>, line: String) -> Added {
    if lines.iter().any(|l| key(l) == key(&line)) {
        return Added::No;
    }
    lines.push(line);
    Added::Yes
}

/// Whether a line was added.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Added {
    /// It was added.
    Yes,
    /// There is a line for the same paths.
    No,
}

/// The modifier and path of a location; `^~` is not part of the identity of a prefix.
fn key(line: &str) -> Option<&str> {
    let pattern = line
        .strip_prefix("location ")?
        .rsplit_once(" {")
        .map(|(p, _)| p)?;
    let pattern = pattern.split(" {").next()?;
    Some(pattern.strip_prefix("^~ ").unwrap_or(pattern))
}

/// The path as nginx resolves it.
pub(super) fn absolute(path: &str) -> String {
    if path.starts_with(['/', '$']) {
        path.to_owned()
    } else {
        format!("{CONFIGURATION_FOLDER}/{path}")
    }
}

fn printed(directive: &Directive) -> String {
    let words = std::iter::once(&directive.name).chain(&directive.args);
    let words = words.map(|w| quoted(w)).collect::<Vec<_>>().join(" ");
    match &directive.block {
        None => format!("{words};"),
        Some(block) if block.is_empty() => format!("{words} {{ }}"),
        Some(block) => {
            let inner: Vec<_> = block.iter().map(printed).collect();
            format!("{words} {{ {} }}", inner.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::directive::{self, Directive};
    use super::raw_line;
    use crate::source::Source;

    fn read(text: &str) -> Directive {
        let source = Source::new("n", text);
        let mut found = directive::read(&source, &(0..text.len())).expect("is valid");
        found.remove(0)
    }

    #[test]
    fn a_line_is_read_back_as_the_same_directive() {
        for text in [
            "deny all;",
            "location ~ /\\. { return 403; }",
            "if ($http_x = \"\") { return 403; }",
            "if ($http_user_agent ~* \"a b|\\\\d{2}\") { return 444; }",
            "map $a $b { default 0; '' 1; \"x;y\" \"#1\"; }",
        ] {
            let before = read(text);
            let line = raw_line(&before).expect("can be printed");
            let after = read(&line);
            assert_eq!(raw_line(&after), Some(line), "{text}");
            assert_eq!((before.args, before.name), (after.args, after.name));
        }
    }

    #[test]
    fn control_characters_are_rejected() {
        assert_eq!(raw_line(&read("auth_basic \"a\\nb\";")), None);
    }
}
