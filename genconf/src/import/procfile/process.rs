//! The app and the port of a line.

use super::Line;
use super::command::{Assignments, is_java};
use crate::import::draft::{AppDraft, merge_duplicates};
use crate::import::port_argument::{PLACEHOLDER, PortArgument, REPLACED};
use crate::import::program::{self, Program};
use crate::import::{Finding, background, shell_split};
use crate::topology::choice::Runtime;
use crate::topology::decode::Scalar as _;
use crate::topology::text::Text;

/// A process that listens on a port.
#[derive(Clone, Debug)]
pub(super) struct Process {
    /// Its app, without a name.
    pub(super) app: AppDraft,
    /// The port in its command; `None` if the command uses `$PORT`.
    pub(super) port: Option<u16>,
    /// Adjusted and skipped parts of the command.
    pub(super) findings: Vec<Finding>,
}

impl Process {
    /// Reads a line, or returns the finding about a process that serves no HTTP.
    pub(super) fn read(line: &Line<'_>) -> Result<Self, Finding> {
        let skipped = |reason: &str| Finding::skipped(line.name, reason).at(line.position);
        let words = shell_split::split(line.command).unwrap_or_default();
        if line.name == "release" {
            let reason = "run release commands in `build`, or before ansible/deploy.yml";
            return Err(skipped(reason));
        }
        if let Some(program) = background::known(&words) {
            return Err(skipped(&background::reason(&program)));
        }
        let mut report = LineReport::of(line);
        let (mut assignments, mut program) = command(line);
        let assigned = assignments.port.take().and_then(|value| {
            let port = value.parse().ok().filter(|port: &u16| *port > 0);
            if port.is_none() {
                report.skip(&format!("`PORT={value}`"), "expected a port");
            }
            port
        });
        report.skip_parts(&assignments, &mut program);
        let uses_port = line.command.contains("$PORT") || line.command.contains("${PORT");
        let found = if line.name == "web" && !uses_port {
            program.take_port()
        } else {
            program.take_port_of_option()
        };
        let port = found.as_ref().map(|found| found.port);
        let port = port.or_else(|| Some(PortArgument::of_option(&words)?.port));
        let port = port.or(assigned);
        if line.name != "web" && !uses_port && port.is_none() {
            let reason = "the process has no port; run it with a separate systemd service";
            return Err(skipped(reason));
        }
        if let Some(words) = found.and_then(|found| found.replaced) {
            report.adjust(&format!("argument `{words}`"), REPLACED);
        }
        let app = app(assignments, program, &mut report);
        Ok(Self {
            app,
            port,
            findings: report.findings,
        })
    }
}

/// The variables and the program of a line.
fn command(line: &Line<'_>) -> (Assignments, Program) {
    let split = match program::command(line.command) {
        Ok(words) => Assignments::split(&words),
        Err(reason) => {
            let program = Program::unknown(Runtime::Native, reason);
            return (Assignments::default(), program);
        }
    };
    let words = &split.words;
    let has_variable = |word: &String| word.contains('$') && !is_java(words, word);
    let program = if words.iter().any(has_variable) {
        Program::unknown(
            Runtime::Native,
            "the command uses shell variables, which units do not expand",
        )
    } else {
        program::parse(words)
    };
    (split, program)
}

fn app(assignments: Assignments, mut program: Program, report: &mut LineReport<'_>) -> AppDraft {
    let env = assignments.env.into_iter().chain(program.env.take());
    let env = merge_duplicates(env);
    let dropped = program.dropped_comment();
    let mut app = program.app(".");
    app.env = env;
    for reason in &app.comments {
        report.adjust("", reason);
    }
    app.comments.extend(dropped);
    let count = app.args.len();
    app.args.retain(|arg| Text::read(arg).is_ok());
    if count != app.args.len() {
        report.adjust("", "an argument with control characters is removed");
    }
    app
}

/// Findings about a line.
struct LineReport<'l> {
    line: &'l Line<'l>,
    findings: Vec<Finding>,
}

impl<'l> LineReport<'l> {
    fn of(line: &'l Line<'l>) -> Self {
        let findings = Vec::new();
        Self { line, findings }
    }

    /// The subject of a finding about `part`, or about the line if it is empty.
    fn subject(&self, part: &str) -> String {
        if part.is_empty() {
            self.line.name.to_owned()
        } else {
            format!("{}: {part}", self.line.name)
        }
    }

    fn adjust(&mut self, part: &str, reason: &str) {
        let finding = Finding::adjusted(self.subject(part), reason);
        self.findings.push(finding.at(self.line.position));
    }

    fn skip(&mut self, part: &str, reason: &str) {
        let finding = Finding::skipped(self.subject(part), reason);
        self.findings.push(finding.at(self.line.position));
    }

    /// Reports what is not imported, and `$PORT`.
    fn skip_parts(&mut self, assignments: &Assignments, program: &mut Program) {
        for (name, reason) in &assignments.reserved {
            self.skip(&format!("`{name}`"), reason);
        }
        if let Some(dropped) = program.dropped() {
            self.skip(&format!("arguments `{dropped}`"), program::DROPPED);
        }
        for socket in program.take_sockets() {
            self.skip(&format!("argument `{socket}`"), program::SOCKET);
        }
        let values = assignments.env.iter().chain(&program.env);
        let mut texts = program.args.iter().chain(values.map(|(_, value)| value));
        if texts.any(|text| text.contains(PLACEHOLDER)) {
            let reason = "$PORT is replaced with `{port}`, the port of each instance";
            self.adjust("", reason);
        }
    }
}
