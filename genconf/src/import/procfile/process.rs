//! The app and the port of a line.

use super::Line;
use crate::import::draft::{AppDraft, merge_duplicates};
use crate::import::port_argument::{PLACEHOLDER, PortArgument, REPLACED};
use crate::import::program::{self, Program};
use crate::import::shell_command::{self, Assignments};
use crate::import::{Finding, background, secret, shell_split};
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
    /// Whether this port is only the default of `$PORT`, as in `${PORT:-3000}`.
    pub(super) is_default: bool,
    /// The command without the values of secrets.
    pub(super) command: String,
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
        let assigned = assignments.port.take();
        let assigned = assigned.and_then(|value| report.number(&value));
        report.skip_parts(&assignments, &mut program);
        let uses_port = shell_command::uses_port(line.command);
        let found = if line.name == "web" && !uses_port {
            program.take_port()
        } else {
            program.take_port_of_server()
        };
        let port = found.as_ref().map(|found| found.port);
        let port = port.or_else(|| Some(PortArgument::of_server(&words)?.port));
        let port = port.or(assigned);
        let is_default = port.is_none();
        let port = port.or_else(|| shell_command::default_port(line.command));
        if line.name != "web" && !uses_port && port.is_none() {
            return Err(skipped(NO_PORT));
        }
        for words in found.into_iter().flat_map(|found| found.replaced) {
            report.adjust(&format!("argument `{words}`"), REPLACED);
        }
        for (words, reason) in program.adjust_addresses() {
            report.adjust(&format!("argument `{words}`"), reason);
        }
        let command = without_secrets(line.command, &assignments);
        let app = app(assignments, program, &mut report);
        Ok(Self {
            app,
            port,
            is_default,
            command,
            findings: report.findings,
        })
    }
}

/// Reason to skip a process that names no port.
const NO_PORT: &str = "the command has no port: if it serves HTTP, add `$PORT` to it; otherwise run it with a separate systemd service";

/// The variables and the program of a line.
fn command(line: &Line<'_>) -> (Assignments, Program) {
    let split = match program::command(line.command) {
        Ok(words) => Assignments::split(&words),
        Err(reason) => {
            let program = Program::unknown(Runtime::Native, reason);
            return (Assignments::default(), program);
        }
    };
    let program = if split.uses_variables() {
        Program::unknown(Runtime::Native, shell_command::USES_VARIABLES)
    } else {
        program::parse(&split.words)
    };
    (split, program)
}

/// The command without secrets, for a comment.
fn without_secrets(command: &str, assignments: &Assignments) -> String {
    let secrets = assignments.env.iter();
    let secrets = secrets.filter(|(name, value)| secret::is_secret(name, value));
    // A quoted value can have spaces.
    let text = secrets.fold(command.to_owned(), |text, (name, value)| {
        let written = ["'", "\""].map(|quote| format!("{name}={quote}{value}{quote}"));
        written.iter().fold(text, |text, part| {
            text.replace(part, &format!("{name}={}", secret::OMITTED))
        })
    });
    secret::masked(&text)
}

fn app(assignments: Assignments, mut program: Program, report: &mut LineReport<'_>) -> AppDraft {
    for (name, value) in &assignments.env {
        if secret::is_secret(name, value) {
            report.adjust(&format!("`{name}`"), secret::REASON);
        }
    }
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

    /// The port that the line assigns to PORT.
    fn number(&mut self, value: &str) -> Option<u16> {
        let port = value.parse().ok().filter(|port| *port > 0);
        if port.is_none() {
            self.skip(&format!("`PORT={value}`"), "expected a port");
        }
        port
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
        for (name, reason) in &assignments.skipped {
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
            self.adjust("", shell_command::USES_PORT);
        }
    }
}
