//! The words and signs of nginx, as `ngx_conf_read_token` reads them.

use crate::import::Fault;
use crate::source::{Position, Source};

/// A piece of the text.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Token {
    /// A word, without its quotes.
    Word(String),
    /// `{`.
    Open,
    /// `}`.
    Close,
    /// `;`.
    End,
}

/// What is still to be read.
pub(super) struct Reader<'s> {
    /// The file.
    pub(super) source: &'s Source,
    /// What is left of its text.
    pub(super) rest: &'s str,
    /// Where that ends in the source.
    pub(super) end: usize,
}

impl Reader<'_> {
    /// The next token and its place; none at the end.
    pub(super) fn token(&mut self) -> Result<Option<(Position, Token)>, Fault> {
        loop {
            self.rest = self.rest.trim_start();
            match self.rest.strip_prefix('#') {
                Some(comment) => self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest),
                None => break,
            }
        }
        let place = self.here();
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
            return Ok(Some((place, token)));
        }
        let word = if matches!(first, '"' | '\'') {
            self.quoted(first)
        } else {
            Ok(self.bare())
        };
        Ok(Some((place, Token::Word(word?))))
    }

    fn quoted(&mut self, quote: char) -> Result<String, Fault> {
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
        Err(fault(opening, "this quote is not closed"))
    }

    fn bare(&mut self) -> String {
        let mut word = String::new();
        let mut chars = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((at, c)) = chars.next() {
            // `${name}` is one word, any other `{` opens a block.
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

    /// Where the rest begins.
    pub(super) fn here(&self) -> Position {
        self.source.position(self.end - self.rest.len())
    }
}

/// What is wrong at `place`.
pub(super) fn fault(place: Position, said: &str) -> Fault {
    Fault::new(said).at(place)
}

/// What a backslash and the next character mean: nginx drops it before quotes
/// and itself, and keeps it before the rest, where it belongs to a regex.
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
