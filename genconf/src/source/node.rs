//! YAML as a tree of nodes that know their place.

use std::rc::Rc;

use super::Span;

/// A YAML node and the bytes it was written with.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands; for an alias, where the anchored node stands.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// The three things a node can be.
///
/// Scalars keep their text: whether `010` is a port or a name is for the
/// reader of the key to say, not for YAML's own guesses about types.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Text, after YAML's own escapes. `plain` is false inside quotes.
    Scalar {
        /// The text.
        text: String,
        /// Written without quotes.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Rc<Node>>),
    /// Keys and values in the order they were written, repeats included.
    Mapping(Vec<Entry>),
}

/// One key of a mapping and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Rc<Node>,
    /// The value.
    pub value: Rc<Node>,
}

impl Node {
    /// The text of a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::Sequence(_) | Kind::Mapping(_) => None,
        }
    }

    /// Whether nothing was written: an empty plain scalar, `~` or `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// The value under `key`, when this is a mapping that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        let Kind::Mapping(entries) = &self.kind else {
            return None;
        };
        let entry = entries.iter().find(|e| e.key.text() == Some(key))?;
        Some(&entry.value)
    }

    /// The elements of a sequence; a node of another kind has none.
    #[must_use]
    pub fn elements(&self) -> &[Rc<Node>] {
        match &self.kind {
            Kind::Sequence(elements) => elements,
            Kind::Scalar { .. } | Kind::Mapping(_) => &[],
        }
    }

    /// The entries of a mapping; a node of another kind has none.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Mapping(entries) => entries,
            Kind::Scalar { .. } | Kind::Sequence(_) => &[],
        }
    }

    /// The noun a diagnostic uses for this node.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        match self.kind {
            Kind::Scalar { .. } if self.is_null() => "nothing",
            Kind::Scalar { .. } => "a single value",
            Kind::Sequence(_) => "a list",
            Kind::Mapping(_) => "a mapping",
        }
    }
}
