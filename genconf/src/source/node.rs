//! YAML as a tree of nodes with their location.

use std::rc::Rc;

use super::Span;

/// A YAML node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its location; for an alias, the location of the anchored node.
    pub span: Span,
    /// Scalar, sequence, or mapping.
    pub kind: Kind,
}

/// The kinds of nodes.
///
/// Scalars are text: the type of the key decides whether `010` is a port or a name, not YAML.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Text with escapes resolved.
    Scalar {
        /// The text.
        text: String,
        /// Whether it has no quotes.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Rc<Node>>),
    /// Keys and values in source order, including duplicates.
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

    /// Whether it has no value: an empty plain scalar, `~`, or `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// The value of `key`, if this is a mapping with this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        let Kind::Mapping(entries) = &self.kind else {
            return None;
        };
        let entry = entries.iter().find(|e| e.key.text() == Some(key))?;
        Some(&entry.value)
    }

    /// The elements of a sequence; empty for other kinds.
    #[must_use]
    pub fn elements(&self) -> &[Rc<Node>] {
        match &self.kind {
            Kind::Sequence(elements) => elements,
            Kind::Scalar { .. } | Kind::Mapping(_) => &[],
        }
    }

    /// The entries of a mapping; empty for other kinds.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Mapping(entries) => entries,
            Kind::Scalar { .. } | Kind::Sequence(_) => &[],
        }
    }

    /// The noun for this node in diagnostics.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        match self.kind {
            Kind::Scalar { .. } if self.is_null() => "no value",
            Kind::Scalar { .. } => "a single value",
            Kind::Sequence(_) => "a list",
            Kind::Mapping(_) => "a mapping",
        }
    }
}
