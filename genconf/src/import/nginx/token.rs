//! Tokens of nginx configuration, as in `ngx_conf_read_token`.

use crate::import::ImportError;
use crate::source::{Position, Source};

/// A token.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Token {
    /// A word without its quotes.
    Word(String),
    /// `{`.
    Open,
    /// `}`.
    Close,
    /// `;`.
    End,
}

/// A word in the syntax of nginx, in quotes if needed.
pub(super) fn quoted(word: &str) -> String {
    let is_special = |c: char| c.is_whitespace() || ";{}\"'\\".contains(c);
    if !word.is_empty() && !word.starts_with('#') && !word.contains(is_special) {
        return word.to_owned();
    }
    in_quotes(word)
}

/// A word in quotes.
pub(super) fn in_quotes(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The remaining input.
pub(super) struct Reader<'s> {
    /// The file.
    pub(super) source: &'s Source,
    /// Remaining text.
    pub(super) rest: &'s str,
    /// Offset of the end of the text in the file.
    pub(super) end: usize,
}

impl Reader<'_> {
    /// The next token and its position; `None` at the end.
    pub(super) fn token(&mut self) -> Result<Option<(Position, Token)>, ImportError> {
        loop {
            self.rest = self.rest.trim_start();
            match self.rest.strip_prefix('#') {
                Some(comment) => self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest),
                None => break,
            }
        }
        let position = self.here();
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        let single = match first {
            '{' => Some(Token::Open),
            '}' => Some(Token::Close),
            ';' => Some(Token::End),
            _ => None,
        };
        if let Some(token) = single {
            self.rest = &self.rest[1..];
            return Ok(Some((position, token)));
        }
        let word = if matches!(first, '"' | '\'') {
            self.quoted(first)
        } else {
            Ok(self.bare())
        };
        Ok(Some((position, Token::Word(word?))))
    }

    fn quoted(&mut self, quote: char) -> Result<String, ImportError> {
        let opening = self.here();
        let mut word = String::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => word.extend(escaped(&mut chars)),
                c if c == quote => {
                    self.rest = &self.rest[1 + at + 1..];
                    return Ok(word);
                }
                c => word.push(c),
            }
        }
        Err(error_at(opening, "unclosed quote"))
    }

    fn bare(&mut self) -> String {
        let mut word = String::new();
        let mut chars = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((at, c)) = chars.next() {
            // `${name}` is part of a word; any other `{` opens a block.
            let opens = c == '{' && !word.ends_with('$');
            if c.is_whitespace() || c == ';' || opens {
                end = at;
                break;
            }
            match c {
                '\\' => word.extend(escaped(&mut chars)),
                c => word.push(c),
            }
        }
        self.rest = &self.rest[end..];
        word
    }

    /// Position of the remaining text.
    pub(super) fn here(&self) -> Position {
        self.source.position(self.end - self.rest.len())
    }
}

/// An error at `position`.
pub(super) fn error_at(position: Position, message: &str) -> ImportError {
    ImportError::new(message).at(position)
}

/// Resolves an escape. nginx drops the backslash before quotes and backslashes and keeps it before
/// other characters, where it can belong to a regular expression.
fn escaped(chars: &mut std::str::CharIndices<'_>) -> Vec<char> {
    match chars.next().map(|(_, c)| c) {
        Some(c @ ('"' | '\'' | '\\')) => vec![c],
        Some('t') => vec!['\t'],
        Some('n') => vec!['\n'],
        Some('r') => vec!['\r'],
        Some(c) => vec!['\\', c],
        None => vec!['\\'],
    }
}
