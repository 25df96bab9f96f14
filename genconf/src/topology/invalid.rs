//! Why a text is not a valid value.

use std::fmt;
use std::ops::RangeInclusive;

use super::decoder::excerpt;
use crate::diagnostic::{Code, nearest};

/// The violated constraint of a value, and a fix.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Invalid {
    code: Code,
    constraint: Constraint,
    help: String,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Constraint {
    /// The format that was expected.
    Expected(String),
    /// A rule, and what was found instead if it is not the text.
    Must(String, Option<String>),
}

/// The key or the kind of name that has the text.
#[derive(Clone, Debug)]
pub enum Subject {
    /// The value of a key, by its path.
    Value(String),
    /// An entry of a list, by the path of the list.
    Entry(String),
    /// A key chosen by the user, by its noun with an article: "a pool name".
    Name(&'static str),
}

impl Invalid {
    /// A text that does not have the expected format.
    #[must_use]
    pub fn expected(format: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Code::BadValue, Constraint::Expected(format.into()), help)
    }

    /// A text that violates a rule: the words after "must".
    #[must_use]
    pub fn must(rule: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Code::BadValue, Constraint::Must(rule.into(), None), help)
    }

    /// A number that is too small or too large.
    #[must_use]
    pub fn out_of_range(rule: impl Into<String>, help: impl Into<String>) -> Self {
        Self::must(rule, help).code(Code::OutOfRange)
    }

    /// A text with more than `limit` characters or bytes.
    #[must_use]
    pub fn too_long(limit: usize, unit: &str, found: usize, help: impl Into<String>) -> Self {
        Self::out_of_range(format!("have at most {limit} {unit}"), help).found(found.to_string())
    }

    fn new(code: Code, constraint: Constraint, help: impl Into<String>) -> Self {
        Self {
            code,
            constraint,
            help: help.into(),
        }
    }

    /// The same with another code.
    #[must_use]
    pub fn code(mut self, code: Code) -> Self {
        self.code = code;
        self
    }

    /// The same with another description of the found value.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Self {
        if let Constraint::Must(_, text) = &mut self.constraint {
            *text = Some(found.into());
        }
        self
    }

    /// The code, the message and the help of a diagnostic about `text`.
    #[must_use]
    pub fn describe(self, subject: &Subject, text: &str) -> (Code, String, String) {
        let message = match (&self.constraint, subject) {
            (Constraint::Expected(format), subject) => {
                let (noun, of) = match subject {
                    Subject::Value(path) | Subject::Entry(path) => ("value", Some(path)),
                    Subject::Name(noun) => (noun.split_once(' ').map_or(*noun, |n| n.1), None),
                };
                let of = of.map_or_else(String::new, |path| format!(" for `{path}`"));
                match text {
                    "" => format!("invalid empty {noun}{of}: expected {format}"),
                    text => format!("invalid {noun} `{}`{of}: expected {format}", excerpt(text)),
                }
            }
            (Constraint::Must(rule, found), subject) => {
                let subject = match subject {
                    Subject::Value(path) => format!("`{path}`"),
                    Subject::Entry(path) => format!("an entry of `{path}`"),
                    Subject::Name(noun) => (*noun).to_owned(),
                };
                let found = found.clone().unwrap_or_else(|| match text {
                    "" => "an empty value".to_owned(),
                    text => format!("`{}`", excerpt(text)),
                });
                format!("{subject} must {rule}, found {found}")
            }
        };
        (self.code, message, self.help)
    }
}

impl fmt::Display for Invalid {
    /// The constraint and the fix, as the end of a sentence about the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.constraint {
            Constraint::Expected(format) => write!(f, "expected {format}")?,
            Constraint::Must(rule, _) => write!(f, "it must {rule}")?,
        }
        write!(f, "; {}", self.help)
    }
}

/// A whole number in `range`, without a sign or leading zeros.
pub(super) fn whole_number(text: &str, range: RangeInclusive<u64>) -> Result<u64, Invalid> {
    let (min, max) = (*range.start(), *range.end());
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Invalid::expected(
            format!("a whole number from {min} to {max}"),
            format!("use a number from `{min}` to `{max}`"),
        ));
    }
    let plain = match digits.trim_start_matches('0') {
        "" => "0",
        plain => plain,
    };
    let rule = format!("be from {min} to {max}");
    let number: u64 = plain.parse().unwrap_or(u64::MAX);
    if number > max && !text.starts_with('-') {
        return Err(Invalid::out_of_range(rule, format!("use `{max}` or less")));
    }
    if number < min || text.starts_with('-') {
        return Err(Invalid::out_of_range(rule, format!("use `{min}` or more")));
    }
    if text != plain {
        return Err(Invalid::expected(
            "a whole number without a sign or leading zeros",
            format!("use `{plain}`"),
        ));
    }
    Ok(number)
}

/// A text that is not one of `words`.
pub(super) fn not_one_of(text: &str, words: &[&str]) -> Invalid {
    let quoted: Vec<_> = words.iter().map(|w| format!("`{w}`")).collect();
    let expected = match quoted.as_slice() {
        [one] => one.clone(),
        [one, two] => format!("{one} or {two}"),
        [first @ .., last] => format!("one of {}, or {last}", first.join(", ")),
        [] => "nothing".to_owned(),
    };
    let meant = match (words, text.to_ascii_lowercase().as_str()) {
        (["true", "false"], "yes" | "on" | "y" | "1" | "enabled") => Some("true"),
        (["true", "false"], "no" | "off" | "n" | "0" | "disabled") => Some("false"),
        _ => nearest(text, words.iter().copied()),
    };
    let help = match meant {
        Some(word) => format!("use `{word}`"),
        None => format!("use {}", expected.trim_start_matches("one of ")),
    };
    Invalid::expected(expected, help)
}

/// The characters of `text` that are allowed, others as a hyphen; for suggestions.
pub(super) fn replaced(text: &str, allowed: impl Fn(char) -> bool) -> String {
    let mut plain = String::new();
    for c in text.chars().take(200) {
        if allowed(c) {
            plain.push(c);
        } else if !plain.ends_with('-') {
            plain.push('-');
        }
    }
    plain.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_digits_only_and_is_in_its_range() {
        assert_eq!(whole_number("7", 1..=9), Ok(7));
        assert_eq!(whole_number("0", 0..=9), Ok(0));
        for (text, code, help) in [
            ("0", Code::OutOfRange, "use `1` or more"),
            ("-1", Code::OutOfRange, "use `1` or more"),
            ("10", Code::OutOfRange, "use `9` or less"),
            (
                "99999999999999999999999",
                Code::OutOfRange,
                "use `9` or less",
            ),
            ("07", Code::BadValue, "use `7`"),
            ("+7", Code::BadValue, "use `7`"),
            ("", Code::BadValue, "use a number from `1` to `9`"),
            ("7.0", Code::BadValue, "use a number from `1` to `9`"),
            ("0x7", Code::BadValue, "use a number from `1` to `9`"),
            ("٧", Code::BadValue, "use a number from `1` to `9`"),
        ] {
            let invalid = whole_number(text, 1..=9).expect_err(text);
            assert_eq!(
                (invalid.code, invalid.help.as_str()),
                (code, help),
                "{text}"
            );
        }
    }

    #[test]
    fn a_message_has_the_key_the_constraint_and_the_found_value() {
        let value = Subject::Value("timeouts.read".to_owned());
        let limit = Invalid::out_of_range("be at most `24h`", "use `24h`");
        let (_, message, _) = limit.describe(&value, "25h");
        assert_eq!(
            message,
            "`timeouts.read` must be at most `24h`, found `25h`"
        );
        let (_, message, help) = not_one_of("yes", &["true", "false"]).describe(&value, "yes");
        assert_eq!(
            message,
            "invalid value `yes` for `timeouts.read`: expected `true` or `false`"
        );
        assert_eq!(help, "use `true`");
        let name = Subject::Name("a pool name");
        let (_, message, _) = Invalid::must("start with a letter", "").describe(&name, "1");
        assert_eq!(message, "a pool name must start with a letter, found `1`");
    }
}
