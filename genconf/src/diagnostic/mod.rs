//! A fault as data: what is wrong, where, and what would work.
//!
//! Touches nothing and never prints. Whoever finds a fault builds a
//! [`Diagnostic`]; a command chooses one of the renderers [`human`],
//! [`line`] or [`json`] for its reader.

mod code;
pub mod human;
pub mod json;
pub mod line;

pub use code::{Code, Explanation};

use crate::source::Span;

/// How much a fault weighs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// Nothing is written.
    Error,
    /// The run goes on; the reader should know.
    Warning,
}

impl Severity {
    /// The word people read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A place and what is to be said about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// As brief as possible; may be empty.
    pub text: String,
}

/// One fault.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Diagnostic {
    /// The stable name of this kind of fault.
    pub code: Code,
    /// Its weight.
    pub severity: Severity,
    /// One short phrase: lower case, the user's words in backticks, no full stop.
    pub message: String,
    /// The place at fault.
    pub primary: Label,
    /// Other places that take part in the fault.
    pub secondary: Vec<Label>,
    /// What would work, when that is known.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error of kind `code` at `span`.
    #[must_use]
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            primary: Label {
                span,
                text: String::new(),
            },
            secondary: Vec::new(),
            help: None,
        }
    }

    /// A warning of kind `code` at `span`.
    #[must_use]
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        let mut diagnostic = Self::error(code, span, message);
        diagnostic.severity = Severity::Warning;
        diagnostic
    }

    /// Says something beside the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds the other place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Says what would work.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// All that was found in one run.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// How many were told so far.
    #[must_use]
    pub fn told(&self) -> usize {
        self.found.len()
    }

    /// Whether anything forbids going on.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// How many of this weight there are.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.found.iter().filter(|d| d.severity == severity).count()
    }

    /// All of them in the order of the text; two at one place by code.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<_> = self.found.iter().collect();
        all.sort_by_key(|d| (d.primary.span, d.code.name(), d.message.clone()));
        all.dedup();
        all
    }
}

/// The candidate nearest to a misspelt `word`, when one is near enough to be meant.
#[must_use]
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let lowered = word.to_lowercase();
    let allowed = (word.chars().count() / 3).min(3);
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&lowered, &c.to_lowercase()), c))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_a_far_one_is_not() {
        let keys = ["artifact", "args", "health"];
        assert_eq!(nearest("artefact", keys), Some("artifact"));
        assert_eq!(nearest("Health", keys), Some("health"));
        assert_eq!(nearest("replicas", keys), None);
    }
}
