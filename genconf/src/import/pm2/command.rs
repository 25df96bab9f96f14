//! Determines the program of an entry.

use serde_json::{Map, Value};

use super::{dump, value};
use crate::import::port_argument::{IS_PLACEHOLDER, PLACEHOLDER};
use crate::import::program::{self, Program};
use crate::import::{Finding, shell_split};
use crate::topology::choice::Runtime;
use crate::topology::decode::Scalar as _;
use crate::topology::text::Text;

/// The command of an entry: `script`, `interpreter`, and `args`.
#[derive(Clone, Debug)]
pub(super) struct Command {
    /// The interpreter without its version; empty if none is set.
    interpreter: String,
    script: String,
    args: Vec<String>,
}

impl Command {
    /// Reads the command of `entry`; `None` if `args` is invalid.
    pub(super) fn read(entry: &Map<String, Value>, script: &str) -> Option<Self> {
        let mut args = value::list(entry.get("args"))?;
        let mut script = script.trim().to_owned();
        if script.contains(' ') && !entry.contains_key(dump::PATH) {
            let mut words = shell_split::split(&script)?;
            script = words.remove(0);
            args.splice(0..0, words);
        }
        let interpreter = value::first(entry, &["interpreter", "exec_interpreter"]);
        // It can have a version, `node@20`, and a path.
        let interpreter = interpreter.unwrap_or_default();
        let interpreter = interpreter.split('@').next().unwrap_or_default().to_owned();
        Some(Self {
            interpreter,
            script,
            args,
        })
    }

    /// The words of the command without node.
    pub(super) fn words(&self) -> Vec<String> {
        let interpreter = match self.interpreter.rsplit('/').next().unwrap_or_default() {
            "" | "node" | "none" => None,
            _ => Some(&self.interpreter),
        };
        let words = interpreter.into_iter().chain([&self.script]);
        words.chain(&self.args).cloned().collect()
    }

    /// The program that the command starts; `None` if an option of the interpreter is invalid.
    pub(super) fn program(&self, entry: &Map<String, Value>) -> Option<Program> {
        let Self { script, args, .. } = self;
        let is_file = script.contains(['/', '.']) && !is_tool(script, &directory(entry));
        let is_node = ["", "node"].contains(&self.interpreter.rsplit('/').next()?);
        let mut program = if is_node && is_file {
            without_extension(program::file(script, args), script)
        } else {
            program::parse(&self.words())
        };
        let keys = [
            "node_args",
            "nodeArgs",
            "interpreter_args",
            "interpreterArgs",
        ];
        let options = value::list(keys.iter().find_map(|k| entry.get(*k)))?;
        if program.runtime == Runtime::Node {
            program::node_options(&mut program, &options);
        }
        let written = entry.get("env_file").and_then(Value::as_str);
        program.env_file = written.map(str::to_owned).or(program.env_file);
        Some(program)
    }
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
        } else if arg.contains(PLACEHOLDER) {
            findings.push(Finding::adjusted(
                format!("{label}: an argument"),
                IS_PLACEHOLDER,
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
