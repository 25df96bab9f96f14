//! A strict reader of systemd units, written from systemd.syntax(7),
//! systemd.unit(5) "Specifiers", systemd.exec(5) and systemd.service(5) "Command lines".

use std::iter::Peekable;
use std::str::Chars;

use crate::token::{Token, token};

/// Maximum length of a line in systemd.
const MAX_LENGTH: usize = 1024 * 1024;

/// Keys whose value is a command line.
const COMMANDS: [&str; 5] = [
    "ExecStart",
    "ExecReload",
    "ExecStop",
    "ExecStartPre",
    "ExecStopPost",
];

/// Sections, keys and values of a unit.
pub(crate) fn read(text: &str) -> Result<Vec<Token>, String> {
    if let Some(odd) = text.chars().find(|c| c.is_control() && *c != '\n') {
        return Err(format!("{odd:?} ends a line or the whole file"));
    }
    let mut tokens = Vec::new();
    for line in text.lines().filter(|l| !l.is_empty()) {
        if line.len() > MAX_LENGTH || line.ends_with('\\') {
            return Err(format!("not one line: {line:.80}"));
        }
        match (line.strip_prefix('['), line.split_once('=')) {
            _ if line.starts_with(['#', ';']) => tokens.push(token("comment", line)),
            (Some(rest), _) => tokens.push(section(rest)?),
            (None, Some((key, value))) => setting(key, value, &mut tokens)?,
            (None, None) => return Err(format!("neither section nor setting: {line:.80}")),
        }
    }
    Ok(tokens)
}

fn section(rest: &str) -> Result<Token, String> {
    let name = rest
        .strip_suffix(']')
        .ok_or("a section that does not end")?;
    if [
        "Unit", "Service", "Socket", "Slice", "Path", "Timer", "Install",
    ]
    .contains(&name)
    {
        return Ok(token("section", name));
    }
    Err(format!("unknown section {name:?}"))
}

fn setting(key: &str, value: &str, tokens: &mut Vec<Token>) -> Result<(), String> {
    if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(format!("{key:?} is no key"));
    }
    tokens.push(token("key", key));
    let command = COMMANDS.contains(&key);
    for word in words(value)? {
        let plain = specified(&word)?;
        tokens.push(token(
            "word",
            if command { dollars(&plain)? } else { plain },
        ));
    }
    Ok(())
}

/// The words of a value, without their quotes.
fn words(value: &str) -> Result<Vec<String>, String> {
    let mut rest = value.chars().peekable();
    let mut words = Vec::new();
    while let Some(first) = rest.peek().copied() {
        match first {
            ' ' => drop(rest.next()),
            '"' | '\'' => words.push(quoted(&mut rest)?),
            _ => words.push(bare(&mut rest)?),
        }
    }
    Ok(words)
}

fn quoted(rest: &mut Peekable<Chars>) -> Result<String, String> {
    let quote = rest.next();
    let mut word = String::new();
    loop {
        match rest.next().ok_or("a quote that does not end")? {
            c if Some(c) == quote => break,
            '\\' => word.push(unescaped(rest)?),
            c => word.push(c),
        }
    }
    match rest.peek() {
        None | Some(' ') => Ok(word),
        Some(c) => Err(format!("{c:?} right after a quote")),
    }
}

fn bare(rest: &mut Peekable<Chars>) -> Result<String, String> {
    let mut word = String::new();
    while let Some(c) = rest.next_if(|c| *c != ' ') {
        if "\"'\\".contains(c) {
            return Err(format!("{c:?} outside of quotes"));
        }
        word.push(c);
    }
    if word == ";" {
        Err("a second command".to_owned())
    } else {
        Ok(word)
    }
}

/// The escapes of systemd.syntax(7), "Quoting", that genconf renders.
fn unescaped(rest: &mut Peekable<Chars>) -> Result<char, String> {
    match rest.next() {
        Some(c @ ('\\' | '"' | '\'')) => Ok(c),
        Some('n') => Ok('\n'),
        Some('t') => Ok('\t'),
        other => Err(format!("the escape {other:?}")),
    }
}

/// `%%` is a percent sign. `%i` of the templates gets a mark, to distinguish it from a `%i` of the topology;
/// `80%` is a share, not a specifier.
fn specified(word: &str) -> Result<String, String> {
    if word
        .strip_suffix('%')
        .is_some_and(|n| n.parse::<u8>().is_ok())
    {
        return Ok(word.to_owned());
    }
    let mut text = String::new();
    let mut rest = word.chars();
    while let Some(c) = rest.next() {
        match (c, if c == '%' { rest.next() } else { None }) {
            ('%', Some('%')) => text.push('%'),
            ('%', Some('i')) => text.push_str("<instance>"),
            ('%', other) => return Err(format!("the specifier {other:?}")),
            _ => text.push(c),
        }
    }
    Ok(text)
}

/// `$$` is a dollar sign; `$MAINPID` is in the templates.
fn dollars(word: &str) -> Result<String, String> {
    let text = word.replace("$$", "\u{1}");
    let text = text.replace("$MAINPID", "<main pid>");
    if text.contains('$') {
        return Err(format!("a variable in {word:.80}"));
    }
    Ok(text.replace('\u{1}', "$"))
}
