//! A strict reader of haproxy.cfg: lines of words, written from its
//! configuration manual, section 2.2, "Quoting and escaping".

use std::iter::Peekable;
use std::str::Chars;

use crate::token::{Token, token};

/// Maximum number of words in a line of `HAProxy` (`MAX_LINE_ARGS`).
const MAX_WORDS: usize = 64;

/// The words and the ends of lines.
pub(crate) fn read(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    for line in text.lines() {
        let words = words(line)?;
        if words.len() > MAX_WORDS {
            return Err(format!("a line of {} words", words.len()));
        }
        tokens.extend(words);
        tokens.push(token("end of line", ""));
    }
    Ok(tokens)
}

fn words(line: &str) -> Result<Vec<Token>, String> {
    let mut rest = line.chars().peekable();
    let mut words = Vec::new();
    while let Some(first) = rest.peek().copied() {
        match first {
            ' ' => drop(rest.next()),
            '#' => words.push(token("comment", rest.by_ref().collect::<String>())),
            c if c.is_control() => return Err(format!("{c:?} in a line")),
            _ => words.push(token("word", word(&mut rest)?)),
        }
    }
    Ok(words)
}

fn word(rest: &mut Peekable<Chars>) -> Result<String, String> {
    let mut word = String::new();
    while let Some(c) = rest.next_if(|c| *c != ' ') {
        match c {
            '\'' => loop {
                match rest.next().ok_or("a quote that does not end")? {
                    '\'' => break,
                    c => word.push(c),
                }
            },
            '"' => weak(rest, &mut word)?,
            '\\' => word.extend(rest.next_if(|c| " \\\"'#".contains(*c)).or(Some('\\'))),
            '#' => return Err("a comment in a word".to_owned()),
            c => word.push(c),
        }
    }
    Ok(word)
}

/// Variables are expanded in double quotes; those of the templates are kept.
fn weak(rest: &mut Peekable<Chars>, word: &mut String) -> Result<(), String> {
    loop {
        match rest.next().ok_or("a quote that does not end")? {
            '"' => return Ok(()),
            '\\' => word.extend(rest.next_if(|c| "\\\"$".contains(*c)).or(Some('\\'))),
            c => word.push(c),
        }
    }
}
