//! The input text as nodes with their location.
//!
//! This module does no I/O; a command reads the file. `topology` reads the [`Node`]s.

mod node;
mod yaml;
mod yaml_error;

pub use node::{Entry, Kind, Node};
pub use yaml::{BYTE_BUDGET, read};
pub use yaml_error::YamlError;

/// A byte range of a [`Source`], end exclusive.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

/// A value and its location.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its location.
    pub span: Span,
}

/// A line and a column, both from 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One input file: its name from the command line, and its text.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// A file with this name and text; `-` is standard input.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            name: name.into(),
            text,
            line_starts,
        }
    }

    /// The name from the command line.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is standard input.
    #[must_use]
    pub fn is_stdin(&self) -> bool {
        self.name == "-"
    }

    /// The name in diagnostics for people: `<stdin>` for standard input.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        if self.is_stdin() {
            "<stdin>"
        } else {
            &self.name
        }
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte offset; an offset past the end is the end.
    #[must_use]
    pub fn position(&self, byte: usize) -> Position {
        let byte = byte.min(self.text.len());
        let line = self.line_starts.partition_point(|start| *start <= byte);
        let start = self.line_starts[line - 1];
        let column = self.text.get(start..byte).map_or(0, |t| t.chars().count()) + 1;
        Position { line, column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let source = Source::new("t", "a: 1\nñandú: 2\n");
        let byte = source.text().find("ú").expect("is there");
        assert_eq!(source.position(byte), Position { line: 2, column: 5 });
    }

    #[test]
    fn an_empty_text_has_one_position() {
        let source = Source::new("t", "");
        assert_eq!(source.position(9), Position { line: 1, column: 1 });
    }
}
