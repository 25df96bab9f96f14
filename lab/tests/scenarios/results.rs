//! The results table: one row per fault, with the counts of the load client.

use std::fmt::Write as _;
use std::path::Path;

use lab::load::{MethodCount, Report};
use lab::{Error, Result, command};

/// Failures that are allowed when a process exits: a proxy must not retry a POST that it has sent.
pub(crate) const IN_FLIGHT: &str = "0 GET, POST ≤ in flight";

/// One row of `RESULTS.md`.
pub(crate) struct ResultRow {
    fault: String,
    allowed: String,
    report: Option<Report>,
    observed: String,
}

impl ResultRow {
    /// A fault under load.
    pub(crate) fn with_load(fault: &str, allowed: &str, report: &Report) -> Self {
        Self {
            fault: fault.to_owned(),
            allowed: allowed.to_owned(),
            report: Some(report.clone()),
            observed: String::new(),
        }
    }

    /// A fault or a state without load.
    pub(crate) fn without_load(fault: &str, allowed: &str, observed: String) -> Self {
        Self {
            fault: fault.to_owned(),
            allowed: allowed.to_owned(),
            report: None,
            observed,
        }
    }

    pub(crate) fn with_observed(self, observed: String) -> Self {
        Self { observed, ..self }
    }

    /// The same row, prefixed with the name of its group.
    pub(crate) fn prefixed(self, group: &str) -> Self {
        Self {
            fault: format!("{group}: {}", self.fault),
            ..self
        }
    }

    fn line(&self) -> String {
        let Self {
            fault,
            allowed,
            report,
            observed,
        } = self;
        report.as_ref().map_or_else(
            || format!("| {fault} | {allowed} | – | – | – | – | {observed} |"),
            |report| {
                format!(
                    "| {fault} | {allowed} | {} | {} | {:.1} | {:.0} | {observed} |",
                    cell(&report.get),
                    cell(&report.post),
                    report.latency_ms.p99,
                    report.latency_ms.max,
                )
            },
        )
    }
}

/// The table of `rows`, in Markdown.
pub(crate) fn table(rows: &[ResultRow]) -> String {
    let mut text = String::from(
        "| fault | allowed | GET failed | POST failed | p99 ms | longest ms | observed |\n\
         |---|---|--:|--:|--:|--:|---|\n",
    );
    for row in rows {
        let _ = writeln!(text, "{}", row.line());
    }
    text
}

/// Writes `RESULTS.md` from a full run, with the names of the scenarios that failed.
pub(crate) fn write_report(rows: &[ResultRow], failed: &[String]) -> Result<()> {
    let date = command::run_line("date +%F")?;
    let head = include_str!("results-head.md").trim_end();
    let head = head.replace("{date}", date.trim());
    let mut text = format!("{head}\n\n{}", table(rows));
    for name in failed {
        let _ = writeln!(text, "\nFailed in this run: {name}.");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md");
    std::fs::write(&path, text).map_err(Error::io(format!("writing {}", path.display())))
}

fn cell(count: &MethodCount) -> String {
    let kinds: Vec<String> = count
        .failed
        .iter()
        .map(|(kind, times)| format!("{kind} {times}"))
        .collect();
    let kinds = if kinds.is_empty() {
        String::new()
    } else {
        format!(" ({})", kinds.join(", "))
    };
    format!("{} of {}{kinds}", count.failures(), count.sent)
}
