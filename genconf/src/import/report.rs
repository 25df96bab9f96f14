//! The report of an import: adjusted and skipped settings, and a summary.

use std::collections::HashSet;

use super::{Imported, location, yaml_scalar};
use crate::source::Position;

/// What the import did with a setting.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The topology contains it in a different form.
    Adjusted,
    /// The topology does not contain it.
    Skipped,
    /// The file does not set it, and the default of genconf differs from that of the other tool.
    Default,
}

/// Start of subjects that are blocks of nginx.
const BLOCKS: [&str; 2] = ["location ", "server "];

impl Outcome {
    /// Outcomes in the order of the report.
    const ALL: [Self; 3] = [Self::Adjusted, Self::Skipped, Self::Default];

    /// Heading of its section.
    fn heading(self) -> &'static str {
        match self {
            Self::Adjusted => "adjusted:",
            Self::Skipped => "skipped:",
            Self::Default => "different defaults:",
        }
    }
}

/// A setting that was adjusted or skipped.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What the import did.
    pub outcome: Outcome,
    /// The file with the setting, if it differs from the imported one.
    pub file: Option<String>,
    /// Position of the setting, if known.
    pub position: Option<Position>,
    /// The setting, as in the file.
    pub subject: String,
    /// The reason.
    pub reason: String,
}

impl Finding {
    fn new(outcome: Outcome, subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            outcome,
            file: None,
            position: None,
            subject: subject.into(),
            reason: reason.into(),
        }
    }

    pub(super) fn adjusted(subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new(Outcome::Adjusted, subject, reason)
    }

    pub(super) fn skipped(subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new(Outcome::Skipped, subject, reason)
    }

    pub(super) fn default(subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new(Outcome::Default, subject, reason)
    }

    pub(super) fn at(self, position: Position) -> Self {
        Self {
            position: Some(position),
            ..self
        }
    }
}

impl Imported {
    /// The report about `file`, the imported file: a section for each outcome with a line for each
    /// reason, and a summary.
    #[must_use]
    pub fn report(&self, file: &str) -> String {
        let mut lines = Vec::new();
        for outcome in Outcome::ALL {
            let group = grouped(&self.findings, outcome);
            if !group.is_empty() {
                lines.push(outcome.heading().to_owned());
                lines.extend(group.iter().map(|group| group.line(file)));
            }
        }
        lines.push(self.summary());
        lines.join("\n") + "\n"
    }

    /// The summary: `4 imported, 3 adjusted, 2 skipped`.
    #[must_use]
    pub fn summary(&self) -> String {
        let count = |outcome| {
            let findings = self.findings.iter();
            findings.filter(|f| f.outcome == outcome).count()
        };
        format!(
            "{} imported, {} adjusted, {} skipped",
            self.entries,
            count(Outcome::Adjusted),
            count(Outcome::Skipped)
        )
    }
}

/// Findings with the same reason and different subjects.
struct Group<'f> {
    first: &'f Finding,
    others: Vec<&'f Finding>,
}

impl Group<'_> {
    /// The line of the report, with the location of the first finding and the lines of the others.
    fn line(&self, file: &str) -> String {
        let first = self.first;
        let others = self.others.iter().map(|other| self.other_subject(other));
        let subjects: Vec<_> = std::iter::once(first.subject.clone())
            .chain(others)
            .collect();
        let text = format!(
            "  {}: {}: {}",
            location(first.file.as_deref().unwrap_or(file), first.position),
            subjects.join(", "),
            first.reason
        );
        yaml_scalar::escape_controls(&text)
    }

    /// The subject of another finding, with its location if that differs in file or line.
    fn other_subject(&self, other: &Finding) -> String {
        let line_of = |finding: &Finding| finding.position.map(|p| p.line);
        match (&other.file, line_of(other)) {
            (Some(file), Some(line)) if other.file != self.first.file => {
                format!("{} ({file}:{line})", other.subject)
            }
            (_, Some(line)) if line_of(self.first) != Some(line) => {
                format!("{} (line {line})", other.subject)
            }
            _ => other.subject.clone(),
        }
    }

    /// Whether a finding with the same subject and line is in the group.
    fn has(&self, finding: &Finding) -> bool {
        let mut all = std::iter::once(&self.first).chain(&self.others);
        let line_of = |f: &Finding| f.position.map(|p| p.line);
        all.any(|known| known.subject == finding.subject && line_of(known) == line_of(finding))
    }

    /// Whether a finding belongs to the group. Findings of several files, and those of blocks, which
    /// are more than one line, have a line of the report each.
    fn accepts(&self, finding: &Finding) -> bool {
        let is_block = |f: &Finding| BLOCKS.iter().any(|b| f.subject.starts_with(b));
        self.first.reason == finding.reason
            && self.first.file == finding.file
            && (self.first.position == finding.position || !is_block(finding))
    }
}

fn grouped(findings: &[Finding], outcome: Outcome) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for finding in findings.iter().filter(|f| f.outcome == outcome) {
        let mut known = groups.iter_mut();
        match known.find(|group| group.accepts(finding)) {
            Some(group) if group.has(finding) => {}
            Some(group) => group.others.push(finding),
            None => groups.push(Group {
                first: finding,
                others: Vec::new(),
            }),
        }
    }
    groups
}

/// The findings without duplicates.
pub(super) fn deduplicated(findings: Vec<Finding>) -> Vec<Finding> {
    let mut seen = HashSet::new();
    let key = |finding: &Finding| {
        let position = finding.position.map(|p| (p.line, p.column));
        (position, finding.subject.clone(), finding.reason.clone())
    };
    let findings = findings.into_iter();
    findings
        .filter(|finding| seen.insert(key(finding)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_grouped_by_outcome_and_reason() {
        let at = |line| Position { line, column: 1 };
        let imported = Imported {
            topology: String::new(),
            entries: 2,
            findings: deduplicated(vec![
                Finding::skipped("a", "unsupported").at(at(3)),
                Finding::adjusted("b", "renamed").at(at(1)),
                Finding::skipped("c\n", "unsupported").at(at(2)),
                Finding::skipped("a", "unsupported").at(at(3)),
                Finding::default("d", "60s"),
                Finding::default("location /a", "60s").at(at(4)),
                Finding::default("location /b", "60s").at(at(5)),
            ]),
        };
        let report = "adjusted:\n  f:1:1: b: renamed\nskipped:\n  f:3:1: a, c\\u000a (line 2): unsupported\n\
                      different defaults:\n  f: d: 60s\n  f:4:1: location /a: 60s\n  f:5:1: location /b: 60s\n2 imported, 1 adjusted, 2 skipped\n";
        assert_eq!(imported.report("f"), report);
    }
}
