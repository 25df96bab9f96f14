//! The results table: one row per fault, with the counts the load client took.

use std::fmt::Write as _;
use std::path::Path;

use lab::load::{Count, Report};
use lab::{Error, Result, command};

/// What may be lost with a process: a POST on its way to it cannot be repeated by the proxy.
pub(crate) const IN_FLIGHT: &str = "0 GET, POST ≤ in flight";

/// One line of `RESULTS.md`.
pub(crate) struct Row {
    fault: String,
    allowed: String,
    account: Option<Report>,
    remark: String,
}

impl Row {
    /// A fault that was measured under load.
    pub(crate) fn loaded(fault: &str, allowed: &str, report: &Report) -> Self {
        Self {
            fault: fault.to_owned(),
            allowed: allowed.to_owned(),
            account: Some(report.clone()),
            remark: String::new(),
        }
    }

    /// A fact without load.
    pub(crate) fn fact(fault: &str, allowed: &str, remark: String) -> Self {
        Self {
            fault: fault.to_owned(),
            allowed: allowed.to_owned(),
            account: None,
            remark,
        }
    }

    pub(crate) fn with(self, remark: String) -> Self {
        Self { remark, ..self }
    }

    /// The same row with the hosts it was measured on.
    pub(crate) fn on(self, group: &str) -> Self {
        Self {
            fault: format!("{group}: {}", self.fault),
            ..self
        }
    }

    fn line(&self) -> String {
        let Self {
            fault,
            allowed,
            account,
            remark,
        } = self;
        account.as_ref().map_or_else(
            || format!("| {fault} | {allowed} | – | – | – | – | {remark} |"),
            |report| {
                format!(
                    "| {fault} | {allowed} | {} | {} | {:.1} | {:.0} | {remark} |",
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
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| fault | allowed | GET failed | POST failed | p99 ms | longest ms | seen |\n\
         |---|---|--:|--:|--:|--:|---|\n",
    );
    for row in rows {
        let _ = writeln!(text, "{}", row.line());
    }
    text
}

/// Writes `RESULTS.md` from a full run, with the scenarios whose bound was missed.
pub(crate) fn publish(rows: &[Row], missed: &[String]) -> Result<()> {
    let date = command::words("date +%F")?;
    let head = include_str!("results-head.md").trim_end();
    let head = head.replace("{date}", date.trim());
    let mut text = format!("{head}\n\n{}", table(rows));
    for name in missed {
        let _ = writeln!(text, "\nNot within its bound in this run: {name}.");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md");
    std::fs::write(&path, text).map_err(Error::io(format!("writing {}", path.display())))
}

fn cell(count: &Count) -> String {
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
