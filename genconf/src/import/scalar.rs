//! Scalars and comments that cannot leave their place in YAML.

/// `text` as a scalar for flow and block context: bare when it is a plain word
/// to every YAML reader, otherwise a JSON string.
pub(super) fn scalar(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else {
        string(text)
    }
}

/// What YAML 1.1 readers take for something else than text.
const WORDS: [&str; 10] = [
    "y", "n", "yes", "no", "on", "off", "true", "false", "null", "none",
];

fn is_plain(text: &str) -> bool {
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_');
    let inner = |b: u8| b.is_ascii_alphanumeric() || b"._/-".contains(&b);
    first && text.bytes().all(inner) && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// A JSON string, which is a YAML double-quoted scalar (YAML 1.2.2, section 1.3).
fn string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if is_unseen(c) => quoted.push_str(&escape(c)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Text for a comment or a line of talk: what could end the line or steer a
/// terminal is shown as its number.
pub(super) fn tame(text: &str) -> String {
    let piece = |c: char| {
        if is_unseen(c) {
            escape(c)
        } else {
            c.to_string()
        }
    };
    text.chars().map(piece).collect()
}

/// All of these lie below U+10000, where `\u` reaches.
fn escape(c: char) -> String {
    format!("\\u{:04x}", u32::from(c))
}

/// Controls, the line breaks of YAML 1.1, the byte order mark, and what
/// reorders the text around it (Unicode UAX #9).
fn is_unseen(c: char) -> bool {
    let reorders =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
        || reorders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_word_that_is_text_to_every_reader_stands_bare() {
        for bare in ["server.js", "/api/randoms", "a-b_c"] {
            assert_eq!(scalar(bare), bare);
        }
        for quoted in [
            "", "yes", "NO", "8080", "1e3", "a b", "a: b", "#x", "-x", "*a", "{a}", "a,b", ".inf",
            "~", "ñ",
        ] {
            assert_eq!(scalar(quoted), format!("\"{quoted}\""));
        }
    }

    #[test]
    fn nothing_ends_the_string_or_the_comment() {
        assert_eq!(scalar("a\"\n\u{2028}\\"), r#""a\"\n\u2028\\""#);
        assert_eq!(
            tame("a\nb\u{85}\u{202e}c\u{1b}"),
            r"a\u000ab\u0085\u202ec\u001b"
        );
    }
}
