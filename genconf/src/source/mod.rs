//! The text a person wrote, and where each piece of it stands.
//!
//! Touches nothing: whoever reads the file hands the text in. It comes first
//! in the pipeline; `topology` reads the [`Node`]s made here.

mod node;
mod yaml;

pub use node::{Entry, Kind, Node};
pub use yaml::{BYTE_BUDGET, Fault, read};

/// A byte range of a [`Source`], end exclusive.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

/// A value and the place it was written at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Spanned<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub span: Span,
}

/// A place as people name it: both numbers count from 1, columns in characters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One input file: its name as the user typed it, and its text.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// Takes the text of the file that the user calls `name`.
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

    /// The file's name as the user typed it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte; a byte past the end is taken as the end.
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
    fn the_end_of_an_empty_text_is_its_first_place() {
        let source = Source::new("t", "");
        assert_eq!(source.position(9), Position { line: 1, column: 1 });
    }
}
