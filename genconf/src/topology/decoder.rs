//! The state of decoding: the path of keys to the current node, and all diagnostics.

use super::invalid::{Invalid, Subject};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Node, Span, Spanned};

/// One step from a node to a node below it.
#[derive(Clone, Debug)]
pub enum Step {
    /// A key of a record.
    Key(&'static str),
    /// A key chosen by the user.
    Name(String),
    /// An element of a list.
    Element,
}

/// Collects diagnostics while nodes are decoded.
#[derive(Debug)]
pub struct Decoder<'d> {
    diagnostics: &'d mut Diagnostics,
    path: Vec<Step>,
}

impl<'d> Decoder<'d> {
    /// A decoder for a root node.
    pub fn new(diagnostics: &'d mut Diagnostics) -> Self {
        Self {
            diagnostics,
            path: Vec::new(),
        }
    }

    /// Adds a diagnostic.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The number of diagnostics so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.diagnostics.len()
    }

    /// Decodes a node below the current one.
    pub fn below<T>(&mut self, step: Step, decode: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let value = decode(self);
        self.path.pop();
        value
    }

    /// The keys from the closest named entry or list element to the current node:
    /// `timeouts.read`. `None` at the root.
    #[must_use]
    pub fn path(&self) -> Option<String> {
        let mut keys = Vec::new();
        for step in self.path.iter().rev() {
            match step {
                Step::Key(key) => keys.push(*key),
                Step::Name(name) if keys.is_empty() => keys.push(name),
                Step::Element if keys.is_empty() => {}
                Step::Name(_) | Step::Element => break,
            }
        }
        keys.reverse();
        (!keys.is_empty()).then(|| keys.join("."))
    }

    /// The current node as the subject of a sentence: "pool `web`", "`tls`", "the topology".
    #[must_use]
    pub fn record(&self, noun: &str) -> String {
        match self.path.last() {
            None => format!("the {noun}"),
            Some(Step::Name(name)) => format!("{noun} `{name}`"),
            Some(Step::Key(_)) => format!("`{}`", self.path().unwrap_or_default()),
            Some(Step::Element) => format!("this {noun}"),
        }
    }

    /// The current node with this value, as a line to copy.
    fn line(&self, value: &str) -> String {
        match self.path.last() {
            Some(Step::Key(key)) => format!("`{key}: {value}`"),
            Some(Step::Name(name)) => format!("`{name}: {value}`"),
            Some(Step::Element) | None => format!("`{value}`"),
        }
    }

    /// Reports an invalid value of the current key.
    pub fn invalid_value(&mut self, text: &Spanned<&str>, invalid: Invalid) {
        let path = self.path().unwrap_or_default();
        let subject = match self.path.last() {
            Some(Step::Element) => Subject::Entry(path),
            _ => Subject::Value(path),
        };
        self.invalid(text, invalid, &subject);
    }

    /// Reports an invalid name that the user chose; `noun` has an article.
    pub fn invalid_name(&mut self, text: &Spanned<&str>, invalid: Invalid, noun: &'static str) {
        self.invalid(text, invalid, &Subject::Name(noun));
    }

    fn invalid(&mut self, text: &Spanned<&str>, invalid: Invalid, subject: &Subject) {
        let (code, message, help) = invalid.describe(subject, text.value);
        self.push(Diagnostic::error(code, text.span, message, help));
    }

    /// Reports a node of the wrong kind; `example` is a value of the right kind.
    pub fn wrong_shape(&mut self, node: &Node, expected: &str, example: &str) {
        let subject = match (self.path(), self.path.last()) {
            (Some(path), Some(Step::Element)) => format!("an entry of `{path}`"),
            (Some(path), _) => format!("`{path}`"),
            (None, _) => "the topology".to_owned(),
        };
        let message = format!("{subject} must be {expected}, found {}", node.noun());
        let help = format!("write {}", self.line(example));
        self.push(Diagnostic::error(
            Code::WrongShape,
            node.span,
            message,
            help,
        ));
    }

    /// Reports a list or mapping without entries.
    pub fn empty(&mut self, span: Span, example: &str) {
        let path = self.path().unwrap_or_default();
        let message = format!("`{path}` must have at least one entry, found none");
        let help = format!("add an entry: {}", self.line(example));
        self.push(Diagnostic::error(Code::EmptyValue, span, message, help));
    }
}

/// The first 60 characters of a text, with control characters escaped.
#[must_use]
pub fn excerpt(text: &str) -> String {
    const LIMIT: usize = 60;
    let mut short: String = text
        .chars()
        .take(LIMIT)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(LIMIT).is_some() {
        short.push('…');
    }
    // Quotes need no escape in a message.
    short.replace("\\\"", "\"").replace("\\'", "'")
}
