//! The files in the input: one file, or the output of `nginx -T`.

use std::ops::Range;

use crate::import::{ImportError, Imported};
use crate::source::{Position, Source};

/// Start of the line before each file in the output of `nginx -T`. It ends with a colon.
const HEADER: &str = "# configuration file ";

/// A configuration file.
#[derive(Debug)]
pub(super) struct File<'s> {
    /// Path; empty if the input is one file.
    pub(super) path: &'s str,
    /// Range of its text in the input.
    pub(super) range: Range<usize>,
}

/// The files in the input, the main file first.
#[derive(Debug)]
pub(super) struct Files<'s> {
    /// The input.
    pub(super) source: &'s Source,
    /// The files; never empty.
    pub(super) list: Vec<File<'s>>,
}

impl<'s> Files<'s> {
    /// Finds the files. Lines before the first header are messages of nginx.
    pub(super) fn of(source: &'s Source) -> Self {
        let text = source.text();
        let (mut list, mut end) = (Vec::<File<'s>>::new(), 0);
        for line in text.split_inclusive('\n') {
            let start = end;
            end += line.len();
            let named = line.trim_end().strip_prefix(HEADER);
            let Some(path) = named.and_then(|l| l.strip_suffix(':')) else {
                continue;
            };
            if let Some(last) = list.last_mut() {
                last.range.end = start;
            }
            let range = end..text.len();
            list.push(File { path, range });
        }
        if list.is_empty() {
            let range = 0..text.len();
            list.push(File { path: "", range });
        }
        Self { source, list }
    }

    /// Whether the input is the output of `nginx -T`.
    pub(super) fn is_dump(&self) -> bool {
        !self.list[0].path.is_empty()
    }

    /// Changes the positions in the findings to positions in their files.
    pub(super) fn relocate(&self, mut imported: Imported) -> Imported {
        for finding in &mut imported.findings {
            (finding.file, finding.position) = self.locate(finding.position);
        }
        imported
    }

    /// Changes the position of an error to a position in its file.
    pub(super) fn relocate_error(&self, error: ImportError) -> ImportError {
        let (file, position) = self.locate(error.position);
        ImportError {
            file,
            position,
            ..error
        }
    }

    fn locate(&self, position: Option<Position>) -> (Option<String>, Option<Position>) {
        let first = |file: &File<'_>| self.source.position(file.range.start).line;
        let holds = |file: &&File<'_>| position.is_some_and(|p| first(file) <= p.line);
        let Some(file) = self
            .list
            .iter()
            .rev()
            .find(holds)
            .filter(|_| self.is_dump())
        else {
            return (None, position);
        };
        let within = |p: Position| Position {
            line: p.line - first(file) + 1,
            ..p
        };
        (Some(file.path.to_owned()), position.map(within))
    }
}
