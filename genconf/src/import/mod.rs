//! Files of other tools, read as topologies.
//!
//! Each reader turns its file into a [`plan::Plan`], judged by the types of
//! `topology`; `write` prints any plan. What could not be carried is told as
//! a [`Note`]. Reads no file and runs no program: `commands` does both.

mod archive;
mod naming;
pub mod nginx;
pub mod plan;
pub mod pm2;
mod ports;
pub mod procfile;
mod program;
mod scalar;
mod words;
mod write;

use std::collections::HashSet;

use crate::source::Position;
use plan::Plan;

/// What is known beside the file itself.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Processors of the host, for `instances: max`.
    pub cpus: u16,
    /// Which `env_NAME` of PM2 lies over `env`.
    pub environment: String,
}

/// What became of one piece of the foreign file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It is in the topology, in another form.
    Changed,
    /// It is not in the topology.
    Left,
}

/// One line of the report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    /// What became of it.
    pub fate: Fate,
    /// The file it stands in, where that is not the one that was read.
    pub file: Option<String>,
    /// Where it stands, where that is known.
    pub place: Option<Position>,
    /// What it is, in the words of its file.
    pub what: String,
    /// Why.
    pub why: String,
}

impl Note {
    fn changed(what: impl Into<String>, why: impl Into<String>) -> Self {
        let (what, why) = (what.into(), why.into());
        Self {
            fate: Fate::Changed,
            file: None,
            place: None,
            what,
            why,
        }
    }

    fn left(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            fate: Fate::Left,
            ..Self::changed(what, why)
        }
    }

    fn at(self, place: Position) -> Self {
        Self {
            place: Some(place),
            ..self
        }
    }

    /// The line of the report about the file called `file`.
    #[must_use]
    pub fn line(&self, file: &str) -> String {
        let fate = match self.fate {
            Fate::Changed => "changed",
            Fate::Left => "left out",
        };
        let text = format!(
            "{}: {fate}: {}: {}",
            place(self.file.as_deref().unwrap_or(file), self.place),
            self.what,
            self.why
        );
        scalar::tame(&text)
    }
}

/// Why a file could not be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The file it is in, where that is not the one that was read.
    pub file: Option<String>,
    /// Where, if that is known.
    pub place: Option<Position>,
    /// What is wrong and what would work.
    pub said: String,
}

impl Fault {
    fn new(said: impl Into<String>) -> Self {
        Self {
            file: None,
            place: None,
            said: said.into(),
        }
    }

    fn at(self, place: Position) -> Self {
        Self {
            place: Some(place),
            ..self
        }
    }

    /// The line about the file called `file`.
    #[must_use]
    pub fn line(&self, file: &str) -> String {
        let file = self.file.as_deref().unwrap_or(file);
        scalar::tame(&format!("{}: {}", place(file, self.place), self.said))
    }
}

fn place(file: &str, place: Option<Position>) -> String {
    match place {
        Some(Position { line, column }) => format!("{file}:{line}:{column}"),
        None => file.to_owned(),
    }
}

/// A topology and what is to be said about it.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The text of the topology.
    pub topology: String,
    /// The report, in the order of the file.
    pub notes: Vec<Note>,
}

impl Imported {
    fn new(plan: &Plan, notes: Vec<Note>) -> Self {
        Self {
            topology: write::print(plan),
            notes: merged(notes),
        }
    }
}

/// What is said twice of one thing is said once, and neighbours with one fate
/// for one reason are one line.
fn merged(notes: Vec<Note>) -> Vec<Note> {
    let mut said = HashSet::new();
    let mut lines: Vec<Note> = Vec::new();
    for note in notes {
        let place = note.place.map(|p| (p.line, p.column));
        if !said.insert((place, note.what.clone(), note.why.clone())) {
            continue;
        }
        match lines.last_mut() {
            Some(last) if (last.fate, &last.why) == (note.fate, &note.why) => {
                last.what = format!("{}, {}", last.what, note.what);
            }
            _ => lines.push(note),
        }
    }
    lines
}
