//! A strict reader of nginx.conf: words, quotes, escapes, `;`, `{`, `}`, as
//! in nginx.

use std::iter::Peekable;
use std::str::Chars;

use crate::token::{Token, token};

/// Maximum length of a parameter in bytes with quotes and escapes ("too long parameter").
const MAX_LENGTH: usize = 4095;

/// The words and the punctuation of a configuration.
pub(crate) fn read(text: &str) -> Result<Vec<Token>, String> {
    let mut rest = text.chars().peekable();
    let mut tokens = Vec::new();
    let mut depth = 0_i32;
    while let Some(first) = rest.peek().copied() {
        match first {
            ' ' | '\t' | '\n' => drop(rest.next()),
            ';' | '{' | '}' => {
                rest.next();
                depth += i32::from(first == '{') - i32::from(first == '}');
                tokens.push(token(&first.to_string(), ""));
            }
            '#' => tokens.push(token("comment", comment(&mut rest))),
            '"' | '\'' => {
                let before = left(&rest);
                tokens.push(token("quoted", quoted(&mut rest)?));
                if before - left(&rest) > MAX_LENGTH {
                    return Err("a word that is too long".to_owned());
                }
            }
            _ => tokens.push(token("word", bare(&mut rest)?)),
        }
        if depth < 0 {
            return Err("a block that was not opened".to_owned());
        }
    }
    if depth == 0 {
        Ok(tokens)
    } else {
        Err("a block that is not closed".to_owned())
    }
}

fn left(rest: &Peekable<Chars>) -> usize {
    rest.clone().map(char::len_utf8).sum()
}

fn comment(rest: &mut Peekable<Chars>) -> String {
    std::iter::from_fn(|| rest.next_if(|c| *c != '\n')).collect()
}

fn quoted(rest: &mut Peekable<Chars>) -> Result<String, String> {
    let quote = rest.next();
    let mut word = String::new();
    loop {
        match rest.next().ok_or("a quote that is not closed")? {
            c if Some(c) == quote => break,
            '\\' => escaped(rest, &mut word),
            c if c.is_control() => return Err(format!("{c:?} in a word")),
            c => word.push(c),
        }
    }
    match rest.peek() {
        Some(' ' | '\n' | ';' | '{' | ')') => Ok(word),
        other => Err(format!("{other:?} right after a quote")),
    }
}

fn bare(rest: &mut Peekable<Chars>) -> Result<String, String> {
    let mut word = String::new();
    while let Some(c) = rest.next_if(|c| !" \t\n;".contains(*c)) {
        match c {
            '{' if !word.ends_with('$') => return Err(format!("a brace in the word {word:?}")),
            '\\' => escaped(rest, &mut word),
            c if c.is_control() => return Err(format!("{c:?} in a word")),
            c => word.push(c),
        }
    }
    Ok(word)
}

/// A backslash escapes quotes and itself, starts three control characters, and is kept otherwise.
fn escaped(rest: &mut Peekable<Chars>, word: &mut String) {
    match rest.next() {
        Some(c @ ('"' | '\'' | '\\')) => word.push(c),
        Some('t') => word.push('\t'),
        Some('n') => word.push('\n'),
        Some('r') => word.push('\r'),
        other => {
            word.push('\\');
            word.extend(other);
        }
    }
}
