//! What every reader makes of an artifact: a flat list of typed texts, so that
//! two artifacts can be compared whatever their format.

/// One piece of an artifact.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Token {
    /// What it is to its format: `key`, `word`, `{`.
    pub(crate) kind: String,
    /// What it says, after the format's own escapes.
    pub(crate) text: String,
}

/// A token.
pub(crate) fn token(kind: &str, text: impl Into<String>) -> Token {
    Token {
        kind: kind.to_owned(),
        text: text.into(),
    }
}

/// Texts in place of other texts, in this order.
pub(crate) type Swaps<'s> = [(&'s str, &'s str)];

/// `text` with every swap made.
pub(crate) fn swapped(text: &str, swaps: &Swaps) -> String {
    swaps
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// That `hostile` says what `harmless` says, but for the swaps, piece by piece.
pub(crate) fn same(harmless: &[Token], hostile: &[Token], swaps: &Swaps) -> Result<(), String> {
    for (index, (wanted, got)) in harmless.iter().zip(hostile).enumerate() {
        let text = swapped(&wanted.text, swaps);
        if wanted.kind != got.kind || text != got.text {
            return Err(format!(
                "piece {index} should be {} {text:?} and is {} {:?}",
                wanted.kind, got.kind, got.text
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

/// The start of what something looks like, for a message.
pub(crate) fn brief(thing: &impl std::fmt::Debug) -> String {
    format!("{thing:?}").chars().take(300).collect()
}
