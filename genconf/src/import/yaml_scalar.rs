//! Quotes and escapes text for YAML scalars, comments, and messages.

/// `text` as a scalar for flow and block context: plain if every YAML parser reads it as a string,
/// otherwise quoted.
pub(super) fn scalar(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else {
        string(text)
    }
}

/// Plain scalars that YAML 1.1 parsers do not read as strings.
const RESERVED: [&str; 10] = [
    "y", "n", "yes", "no", "on", "off", "true", "false", "null", "none",
];

fn is_plain(text: &str) -> bool {
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_');
    let inner = |b: u8| b.is_ascii_alphanumeric() || b"._/-".contains(&b);
    first && text.bytes().all(inner) && !RESERVED.contains(&text.to_ascii_lowercase().as_str())
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
            c if is_control(c) => quoted.push_str(&escape(c)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Escapes characters that could end a comment or message line, or control a terminal.
#[must_use]
pub fn escape_controls(text: &str) -> String {
    let escaped = |c: char| {
        if is_control(c) {
            escape(c)
        } else {
            c.to_string()
        }
    };
    text.chars().map(escaped).collect()
}

/// Escapes a character below U+10000.
fn escape(c: char) -> String {
    format!("\\u{:04x}", u32::from(c))
}

/// Whether `c` is a control character, a line break of YAML 1.1, a byte order mark, a noncharacter,
/// or a bidirectional control (Unicode UAX #9).
fn is_control(c: char) -> bool {
    let is_bidirectional =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
        || is_bidirectional
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unambiguous_strings_are_plain() {
        for plain in ["server.js", "/api/randoms", "a-b_c"] {
            assert_eq!(scalar(plain), plain);
        }
        for quoted in [
            "", "yes", "NO", "8080", "1e3", "a b", "a: b", "#x", "-x", "*a", "{a}", "a,b", ".inf",
            "~", "ñ",
        ] {
            assert_eq!(scalar(quoted), format!("\"{quoted}\""));
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(scalar("a\"\n\u{2028}\\"), r#""a\"\n\u2028\\""#);
        assert_eq!(
            escape_controls("a\nb\u{85}\u{202e}c\u{1b}"),
            r"a\u000ab\u0085\u202ec\u001b"
        );
    }
}
