//! Determines the program of an entry.

use serde_json::{Map, Value};

use super::entry::EntryError;
use super::{dump, value};
use crate::import::port_argument::{IS_PLACEHOLDER, PLACEHOLDER};
use crate::import::program::{self, Program};
use crate::import::shell_command::{self, Assignments, USES_PORT, USES_VARIABLES};
use crate::import::{Finding, shell_split};
use crate::topology::choice::Runtime;
use crate::topology::decode::Scalar as _;
use crate::topology::text::Text;

/// Keys with the options of the interpreter.
const OPTIONS: [&str; 4] = [
    "node_args",
    "nodeArgs",
    "interpreter_args",
    "interpreterArgs",
];

/// What a list of words must be.
const EXPECTED_WORDS: &str =
    "expected a string or a list of strings, such as [\"--port\", \"3000\"]";

/// Why a string is not split into words.
const UNCLOSED_QUOTE: &str =
    "a quote is not closed: close it, or use a list of strings, such as [\"--name\", \"it's\"]";

/// The command of an entry: `script`, `interpreter`, their options, and `args`.
#[derive(Clone, Debug, Default)]
pub(super) struct Command {
    /// The interpreter, as in the file; empty if none is set.
    interpreter: String,
    /// Options of the interpreter.
    options: Vec<String>,
    script: String,
    args: Vec<String>,
    /// Whether PM2 runs the command with a shell.
    is_shell: bool,
    /// Why the program of a shell command is unknown.
    unknown: Option<&'static str>,
    /// Variables at the start of a shell command.
    pub(super) assignments: Assignments,
    /// The port in `${PORT:-3000}`.
    pub(super) default_port: Option<u16>,
    /// Whether the placeholder replaces `$PORT`.
    uses_port: bool,
    /// Whether the file contains the placeholder.
    has_placeholder: bool,
}

impl Command {
    /// Reads the command of `entry`.
    pub(super) fn read(entry: &Map<String, Value>, script: &str) -> Result<Self, EntryError> {
        let words = |key: &'static str| {
            let value = entry.get(key);
            let rule = match value {
                Some(Value::String(_)) => UNCLOSED_QUOTE,
                _ => EXPECTED_WORDS,
            };
            value::list(value)
                .ok_or_else(|| EntryError::new(key, &format!("invalid `{key}`: {rule}")))
        };
        let options = OPTIONS.into_iter().find(|key| entry.contains_key(*key));
        let interpreter = value::first(entry, &["interpreter", "exec_interpreter"]);
        let mut command = Self {
            interpreter: interpreter.unwrap_or_default(),
            options: options.map_or(Ok(Vec::new()), words)?,
            script: script.trim().to_owned(),
            args: words("args")?,
            ..Self::default()
        };
        if let Some(line) = command.shell_line() {
            command.args.clear();
            command.read_shell(&line)?;
        } else if command.script.contains(' ') && !entry.contains_key(dump::PATH) {
            let line = command.script.clone();
            command.read_shell(&line)?;
        }
        for arg in &mut command.args {
            command.has_placeholder |= arg.contains(PLACEHOLDER) && !command.uses_port;
            command.default_port = command.default_port.or(shell_command::default_port(arg));
            command.uses_port |= shell_command::uses_port(arg);
            *arg = shell_command::with_port(arg);
        }
        Ok(command)
    }

    /// The line of `bash -c LINE`.
    fn shell_line(&self) -> Option<String> {
        let is_shell = ["bash", "sh"].contains(&file_name(&self.script));
        let has_none = ["", "none"].contains(&self.interpreter.as_str());
        match self.args.as_slice() {
            [option, line] if is_shell && has_none && option == "-c" => Some(line.clone()),
            _ => None,
        }
    }

    /// Reads a line that PM2 runs with a shell. `args` follow it.
    fn read_shell(&mut self, line: &str) -> Result<(), EntryError> {
        self.is_shell = true;
        self.has_placeholder = line.contains(PLACEHOLDER);
        self.uses_port = shell_command::uses_port(line);
        self.default_port = shell_command::default_port(line);
        let mut words = match program::command(line) {
            Ok(words) => {
                self.assignments = Assignments::split(&words);
                if self.assignments.uses_variables() {
                    self.unknown = Some(USES_VARIABLES);
                }
                std::mem::take(&mut self.assignments.words)
            }
            Err(reason) => {
                self.unknown = Some(reason);
                shell_split::split(line).unwrap_or_else(|| vec![line.to_owned()])
            }
        };
        if words.is_empty() {
            let message =
                "invalid `script`: expected a program, such as `PORT=3000 node server.js`";
            return Err(EntryError::new("script", message));
        }
        self.script = words.remove(0);
        self.args.splice(0..0, words);
        Ok(())
    }

    /// The interpreter without its version: `node` of `node@20`.
    fn interpreter(&self) -> &str {
        self.interpreter.split('@').next().unwrap_or_default()
    }

    /// The words of the command without node.
    pub(super) fn words(&self) -> Vec<String> {
        let interpreter = self.interpreter();
        let starts_with = match file_name(interpreter) {
            "" | "node" | "none" => Vec::new(),
            _ => [&[interpreter.to_owned()], self.options.as_slice()].concat(),
        };
        [&starts_with, [self.script.clone()].as_slice(), &self.args].concat()
    }

    /// The program that the command starts.
    pub(super) fn program(&self, entry: &Map<String, Value>) -> Program {
        let Self { script, args, .. } = self;
        let is_file = script.contains(['/', '.']) && !is_tool(script, &directory(entry));
        let name = file_name(self.interpreter());
        let is_node = ["", "node"].contains(&name);
        let is_known = ["", "java", "node", "none"].contains(&name)
            || program::is_interpreter(name)
            || program::is_tool(name);
        let mut program = if let Some(reason) = self.unknown {
            Program::unknown_with(Runtime::Native, reason, &self.words())
        } else if script == "serve" && is_node && !self.is_shell {
            Program::unknown_with(Runtime::Native, SERVE, args)
        } else if is_node && is_file && !self.is_shell {
            without_extension(program::file(script, args), script)
        } else if is_known {
            program::parse(&self.words())
        } else {
            program::host_program(&self.interpreter, &self.words()[1..])
        };
        self.add_options(&mut program);
        let written = entry.get("env_file").and_then(Value::as_str);
        program.env_file = written.map(str::to_owned).or(program.env_file);
        program
    }

    /// Adds the options of node. Other interpreters have theirs in [`Command::words`].
    fn add_options(&self, program: &mut Program) {
        let name = file_name(self.interpreter());
        let is_plain = ["", "none", name].contains(&self.interpreter.as_str());
        if ["java", "node"].contains(&name) && !is_plain {
            program.warnings.push(format!(
                "instances run with `{name}` of the host instead of `{}`",
                self.interpreter
            ));
        }
        if program.runtime == Runtime::Node {
            let is_other = !["", "node", "none"].contains(&name);
            let own = if is_other {
                &[]
            } else {
                self.options.as_slice()
            };
            program::node_options(program, own);
        } else if ["", "node", "none"].contains(&name) && !self.options.is_empty() {
            program.warnings.push(format!(
                "options of an interpreter are not imported, because the program has none: {}",
                self.options.join(" ")
            ));
        }
    }

    /// Reports arguments that contain the port of each instance.
    pub(super) fn report(&self, label: &str, findings: &mut Vec<Finding>) {
        if self.has_placeholder {
            let subject = format!("{label}: an argument");
            findings.push(Finding::adjusted(subject, IS_PLACEHOLDER));
        }
        if self.uses_port {
            findings.push(Finding::adjusted(label, USES_PORT));
        }
    }
}

/// Why the static file server of PM2 is not imported.
const SERVE: &str = "`serve` is the file server of PM2; deploy a server for these files";

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether the script is a tool that PM2 found in `PATH` and that starts another program, such as npm.
fn is_tool(script: &str, directory: &str) -> bool {
    let tool = program::is_tool(script.rsplit('/').next().unwrap_or_default());
    tool && script.starts_with('/') && !script.starts_with(directory)
}

/// Removes arguments that a unit file cannot contain, and reports arguments that are not imported.
pub(super) fn with_valid_args(
    label: &str,
    mut program: Program,
    findings: &mut Vec<Finding>,
) -> Program {
    program.args.retain(|arg| {
        let read = Text::read(arg);
        if let Err(reason) = &read {
            findings.push(Finding::skipped(
                format!("{label}: an argument"),
                reason.to_string(),
            ));
        }
        read.is_ok()
    });
    if let Some(dropped) = program.dropped() {
        let subject = format!("{label}: arguments `{dropped}`");
        findings.push(Finding::skipped(subject, program::DROPPED));
    }
    for socket in program.take_sockets() {
        let subject = format!("{label}: argument `{socket}`");
        findings.push(Finding::skipped(subject, program::SOCKET));
    }
    program
}

/// PM2 runs a file without an extension with node, such as `bin/www` of Express.
fn without_extension(mut program: Program, script: &str) -> Program {
    let file = script.rsplit('/').next().unwrap_or_default();
    if program.runtime == Runtime::Native && !file.contains('.') {
        program.runtime = Runtime::Node;
        let reason = format!(
            "`{file}` has no extension and is run with node, as in PM2; remove `runtime` if it is a native program"
        );
        program.warnings.push(reason);
    }
    program
}

/// The working directory of an entry: by default that of the topology.
pub(super) fn directory(entry: &Map<String, Value>) -> String {
    let cwd = value::first(entry, &["cwd"]).filter(|c| !c.is_empty());
    cwd.unwrap_or_else(|| ".".to_owned())
}

/// The name of a file without directory and extension.
pub(super) fn base(script: &str) -> &str {
    let file = script.trim().rsplit('/').next().unwrap_or(script);
    file.rsplit_once('.').map_or(file, |(base, _)| base)
}
