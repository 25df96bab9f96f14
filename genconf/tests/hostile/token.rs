//! The result of every reader: a flat list of typed texts, to compare files of any format.

/// One piece of a rendered file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Token {
    /// Its type: `key`, `word`, `{`.
    pub(crate) kind: String,
    /// Its text without escapes.
    pub(crate) text: String,
}

/// A token.
pub(crate) fn token(kind: &str, text: impl Into<String>) -> Token {
    Token {
        kind: kind.to_owned(),
        text: text.into(),
    }
}

/// Texts and their replacements, in order.
pub(crate) type Swaps<'s> = [(&'s str, &'s str)];

/// `text` with all replacements.
pub(crate) fn swapped(text: &str, swaps: &Swaps) -> String {
    swaps
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Whether `hostile` is equal to `harmless` with all replacements.
pub(crate) fn same(harmless: &[Token], hostile: &[Token], swaps: &Swaps) -> Result<(), String> {
    for (index, (expected, got)) in harmless.iter().zip(hostile).enumerate() {
        let text = swapped(&expected.text, swaps);
        if expected.kind != got.kind || text != got.text {
            return Err(format!(
                "piece {index} should be {} {text:?} and is {} {:?}",
                expected.kind, got.kind, got.text
            ));
        }
    }
    if harmless.len() == hostile.len() {
        return Ok(());
    }
    Err(format!(
        "{} pieces became {}",
        harmless.len(),
        hostile.len()
    ))
}

/// The start of the debug output of a value.
pub(crate) fn excerpt(thing: &impl std::fmt::Debug) -> String {
    format!("{thing:?}").chars().take(300).collect()
}
