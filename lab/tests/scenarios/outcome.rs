//! Results of scenarios, and why they failed.

use std::any::Any;

use crate::results::ResultRow;

/// Results of scenarios.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) passed: u32,
    pub(crate) failed: Vec<Failed>,
    pub(crate) rows: Vec<ResultRow>,
}

/// A scenario that failed, or a group that was not installed.
pub(crate) struct Failed {
    name: String,
    reason: String,
}

impl Failed {
    pub(crate) fn new(name: &str, reason: &str) -> Self {
        Self {
            name: name.to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// One line for the end of the output, which is all that some CI systems show.
    pub(crate) fn line(&self) -> String {
        const MAX_CHARS: usize = 400;
        let reason = self.reason.split_whitespace().collect::<Vec<_>>().join(" ");
        let reason: String = reason.chars().take(MAX_CHARS).collect();
        format!("failed: {}: {reason}", self.name)
    }
}

impl Outcome {
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        self.rows.extend(other.rows);
    }

    /// The names of the scenarios that failed.
    pub(crate) fn failed_names(&self) -> Vec<String> {
        self.failed
            .iter()
            .map(|failed| failed.name.clone())
            .collect()
    }
}

impl FromIterator<Self> for Outcome {
    fn from_iter<I: IntoIterator<Item = Self>>(all: I) -> Self {
        let mut total = Self::default();
        all.into_iter().for_each(|one| total.add(one));
        total
    }
}

/// The message of a panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "panicked".to_owned())
}
