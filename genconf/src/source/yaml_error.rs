//! Errors of the YAML parser as expected and found, with a fix.

use super::Span;

/// Why a text cannot be read as YAML.
#[derive(Clone, Debug)]
pub struct YamlError {
    /// The location.
    pub span: Span,
    /// What the parser expected or found: lower case, no full stop.
    pub message: String,
    /// A fix to copy.
    pub help: String,
}

pub(super) fn error(span: Span, message: impl Into<String>, help: impl Into<String>) -> YamlError {
    YamlError {
        span,
        message: message.into(),
        help: help.into(),
    }
}

/// Parts of the parser's messages and the fix for each; the first match applies.
const FIXES: &[(&str, &str)] = &[
    ("tab", "replace tabs with spaces"),
    (
        "unclosed quote",
        "close the quote on the same line: `artifact: \"web\"`",
    ),
    ("bracket", "close every `[` with `]` and every `{` with `}`"),
    ("flow sequence", "close the list: `ports: [8080, 8081]`"),
    (
        "flow mapping",
        "close the mapping: `node1: { address: 192.0.2.1 }`",
    ),
    (
        "anchor",
        "define the anchor before its alias: `web: &name { … }`, then `*name`",
    ),
    (
        "recursion limit",
        "remove nested brackets; a topology has at most 8 levels",
    ),
    (
        "unexpected character",
        "remove the character, or write it as an escape in double quotes: `\"\\u0085\"`",
    ),
    (
        "mapping values are not allowed",
        "quote text that contains `: `: `args: [\"a: b\"]`",
    ),
    (
        "block mapping",
        "indent all keys of a mapping by the same number of spaces",
    ),
    (
        "block",
        "indent all entries of a list or mapping by the same number of spaces",
    ),
];

pub(super) const DEFAULT_FIX: &str =
    "check the indentation and quote text with special characters: `key: \"a: b\"`";

/// The fix for an error of the parser.
pub(super) fn fix(message: &str) -> &'static str {
    let found = FIXES.iter().find(|(part, _)| message.contains(part));
    found.map_or(DEFAULT_FIX, |(_, fix)| fix)
}

/// Maximum number of nested lists and mappings, the default of the parser.
const LEVELS: usize = 255;

/// A message of the parser with the expected and the found text; `rest` is the text from the
/// location. `None` for other messages.
pub(super) fn translated(message: &str, rest: &str) -> Option<String> {
    let has = |part: &str| message.contains(part);
    let found = || match rest.chars().next() {
        None => "the end of the file".to_owned(),
        Some('\n' | '\r') => "the end of the line".to_owned(),
        Some(c) => format!("`{c}`"),
    };
    let first = rest.chars().next();
    let translated = if has("recursion limit") {
        format!("expected at most {LEVELS} levels of lists and mappings, found more")
    } else if has("unclosed quote") {
        "expected a closing quote, found the end of the file".to_owned()
    } else if let Some(c) = first.filter(|c| has("unexpected character") && is_unprintable(*c)) {
        format!(
            "expected printable characters, found U+{:04X}",
            u32::from(c)
        )
    } else if has("unknown anchor") {
        let name = alias_name(rest)?;
        format!("alias `*{name}` has no anchor `&{name}` before it")
    } else if message.starts_with("tab") || has("found a tab") || has("start with a tab") {
        "expected spaces for indentation, found a tab".to_owned()
    } else if has("did not find expected key") {
        "expected a key with the indentation of the keys above it".to_owned()
    } else if has("did not find expected '-' indicator") {
        "expected `- ` with the indentation of the entries above it".to_owned()
    } else if has("expected ',' or '}'") {
        format!("expected `,` or `}}`, found {}", found())
    } else if has("expected ',' or ']'") {
        format!("expected `,` or `]`, found {}", found())
    } else {
        return brackets(message);
    };
    Some(translated)
}

/// The translation of a message about a bracket without a counterpart.
fn brackets(message: &str) -> Option<String> {
    let closing = |open: &str| if open == "[" { "]" } else { "}" };
    let quoted: Vec<_> = message.split('\'').collect();
    match quoted.as_slice() {
        ["unclosed bracket ", open, ""] => Some(format!(
            "expected `{}`, found the end of the file",
            closing(open)
        )),
        ["mismatched bracket ", open, " closed by ", close, ""] => Some(format!(
            "expected `{}` for `{open}`, found `{close}`",
            closing(open)
        )),
        _ => None,
    }
}

fn is_unprintable(c: char) -> bool {
    c.is_control() || c == '\u{FEFF}'
}

/// The name of the alias that `rest` starts with, at most 60 characters.
fn alias_name(rest: &str) -> Option<String> {
    let name = rest.strip_prefix('*')?;
    let is_end = |c: &char| c.is_whitespace() || ",[]{}".contains(*c);
    Some(name.chars().take_while(|c| !is_end(c)).take(60).collect())
}
