//! Diagnostics as data: the violated constraint, its location, and a fix.
//!
//! This module does no I/O. `topology` and `validate` build each [`Diagnostic`];
//! a command passes all of them to one of the renderers [`human`], [`line`], or [`json`].

mod code;
pub mod human;
pub mod json;
pub mod line;

pub use code::{Code, Explanation};

use crate::source::Span;

/// How severe a diagnostic is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// No file is written.
    Error,
    /// Files are written.
    Warning,
}

impl Severity {
    /// The name that every output format prints.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A location and a note on it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Label {
    /// The location.
    pub span: Span,
    /// A short phrase, or empty.
    pub text: String,
}

/// One error or warning.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Diagnostic {
    /// The violated rule.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// The violated constraint with the expected and the found value: lower case, code in
    /// backticks, no full stop.
    pub message: String,
    /// The location of the problem.
    pub primary: Label,
    /// Other locations that are part of the problem.
    pub secondary: Vec<Label>,
    /// A fix to copy.
    pub help: String,
}

impl Diagnostic {
    /// An error with the violated constraint and a fix.
    #[must_use]
    pub fn error(
        code: Code,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let primary = Label {
            span,
            text: String::new(),
        };
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            primary,
            secondary: Vec::new(),
            help: help.into(),
        }
    }

    /// A warning with the violated constraint and a fix.
    #[must_use]
    pub fn warning(
        code: Code,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let mut diagnostic = Self::error(code, span, message, help);
        diagnostic.severity = Severity::Warning;
        diagnostic
    }

    /// Sets the note on the primary location.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds a secondary location.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label {
            span,
            text: text.into(),
        });
        self
    }
}

/// All diagnostics of one run.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    all: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a diagnostic.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.all.push(diagnostic);
    }

    /// The number of diagnostics so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether any of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// The number of diagnostics with this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.all.iter().filter(|d| d.severity == severity).count()
    }

    /// All of them in source order, without duplicates; equal locations are ordered by code.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<_> = self.all.iter().collect();
        all.sort_by_key(|d| (d.primary.span, d.code.name(), d.message.clone()));
        all.dedup();
        all
    }
}

/// The candidate with the smallest edit distance to `word`, unless all differ too much.
#[must_use]
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let lowered = word.to_lowercase();
    let allowed = (word.chars().count() / 3).min(3);
    let first = lowered.chars().next();
    // `version` is not a typo of `apiVersion`.
    let is_near = |distance: usize, candidate: &str| {
        let has_same_start = candidate.to_lowercase().chars().next() == first;
        distance <= allowed && (distance < 3 || has_same_start)
    };
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&lowered, &c.to_lowercase()), c))
        .filter(|(distance, c)| is_near(*distance, c))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Up to 12 names in backticks, separated by commas.
#[must_use]
pub fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const LIMIT: usize = 12;
    let names: Vec<_> = names.into_iter().map(|n| format!("`{n}`")).collect();
    let shown = names.iter().take(LIMIT).cloned().collect::<Vec<_>>();
    let shown = shown.join(", ");
    match names.len().saturating_sub(LIMIT) {
        0 => shown,
        more => format!("{shown}, and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_accepts_small_edit_distances_only() {
        let keys = ["artifact", "args", "health"];
        assert_eq!(nearest("artefact", keys), Some("artifact"));
        assert_eq!(nearest("Health", keys), Some("health"));
        assert_eq!(nearest("replicas", keys), None);
        assert_eq!(nearest("apiVersion", ["version"]), None);
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(listed(["a", "b"]), "`a`, `b`");
        let names: Vec<_> = (0..14).map(|n| n.to_string()).collect();
        assert!(listed(names.iter().map(String::as_str)).ends_with("`11`, and 2 more"));
    }
}
