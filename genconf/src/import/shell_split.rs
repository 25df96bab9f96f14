//! Splits and quotes command lines as a shell does.

/// The words of `line`; `None` if a quote is not closed.
pub(super) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().push(chars.next()?),
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// Whether `line` needs a shell: pipes, lists, redirections, substitutions, or globs.
pub(super) fn needs_shell(line: &str) -> bool {
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (Some('\''), _) => {}
            (_, '`') | (None, '|' | '&' | ';' | '<' | '>' | '(' | ')' | '*' | '?') => return true,
            _ => {}
        }
    }
    line.contains("$(")
}

/// Quotes `word` so that a shell reads it as one word.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._/@+=-".contains(&b);
    match word {
        _ if word.starts_with('-') => quoted(&format!("./{word}")),
        _ if !word.is_empty() && word.bytes().all(plain) => word.to_owned(),
        _ => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_like_in_a_shell() {
        let words = split(r#"  a 'b c' "d \" e" f\ g ''"#).expect("is closed");
        assert_eq!(words, ["a", "b c", "d \" e", "f g", ""]);
        assert_eq!(split("a 'b"), None);
    }

    #[test]
    fn a_quoted_word_is_one_word() {
        for (word, expected) in [
            ("/srv/shop", "/srv/shop"),
            ("my shop", "'my shop'"),
            ("it's $(x)", r"'it'\''s $(x)'"),
            ("-rf", "./-rf"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), expected);
            assert_eq!(
                split(expected)
                    .expect("is closed")
                    .concat()
                    .replace("./", ""),
                word
            );
        }
    }

    #[test]
    fn shell_syntax_is_detected() {
        for line in [
            "a && b",
            "a | b",
            "a > f",
            "a $(b)",
            "a `b`",
            "java -jar *.war",
        ] {
            assert!(needs_shell(line), "{line}");
        }
        assert!(!needs_shell("web 'a & b' --x=$PORT"));
    }
}
