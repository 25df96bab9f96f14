//! The files in a text: one, or all that `nginx -T` printed.

use std::ops::Range;

use crate::import::{Fault, Imported};
use crate::source::{Position, Source};

/// What `nginx -T` prints before each file, and behind it a colon.
const MARK: &str = "# configuration file ";

/// A file that nginx read.
#[derive(Debug)]
pub(super) struct File<'s> {
    /// Its path; empty for a text that is one file.
    pub(super) path: &'s str,
    /// Where its text is.
    pub(super) range: Range<usize>,
}

/// The files of a text, the one that includes the others first.
#[derive(Debug)]
pub(super) struct Files<'s> {
    /// The text.
    pub(super) source: &'s Source,
    /// What is in it; never empty.
    pub(super) list: Vec<File<'s>>,
}

impl<'s> Files<'s> {
    /// Finds the files. What stands before the first mark, nginx said to a person.
    pub(super) fn of(source: &'s Source) -> Self {
        let text = source.text();
        let (mut list, mut end) = (Vec::<File<'s>>::new(), 0);
        for line in text.split_inclusive('\n') {
            let start = end;
            end += line.len();
            let named = line.trim_end().strip_prefix(MARK);
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

    /// Whether `nginx -T` printed the text.
    pub(super) fn is_dump(&self) -> bool {
        !self.list[0].path.is_empty()
    }

    /// The report, with each place in the file that it is in.
    pub(super) fn told(&self, mut imported: Imported) -> Imported {
        for note in &mut imported.notes {
            (note.file, note.place) = self.place(note.place);
        }
        imported
    }

    /// The fault, with its place in the file that it is in.
    pub(super) fn fault(&self, fault: Fault) -> Fault {
        let (file, place) = self.place(fault.place);
        Fault {
            file,
            place,
            ..fault
        }
    }

    fn place(&self, place: Option<Position>) -> (Option<String>, Option<Position>) {
        let first = |file: &File<'_>| self.source.position(file.range.start).line;
        let holds = |file: &&File<'_>| place.is_some_and(|p| first(file) <= p.line);
        let Some(file) = self
            .list
            .iter()
            .rev()
            .find(holds)
            .filter(|_| self.is_dump())
        else {
            return (None, place);
        };
        let within = |p: Position| Position {
            line: p.line - first(file) + 1,
            ..p
        };
        (Some(file.path.to_owned()), place.map(within))
    }
}
