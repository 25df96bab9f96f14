//! Determines the file, runtime, and arguments of a command.

mod interpreter;
mod paths;

use super::port_argument::{self, PortArgument};
use super::{bind_address, secret, shell_split};
use crate::topology::choice::Runtime;
pub(super) use interpreter::node_options;
use interpreter::{java, node, script};

/// A parsed command.
#[derive(Clone, Debug)]
pub(super) struct Program {
    /// The file it runs, as in the command; `None` if unknown.
    file: Option<String>,
    /// Runtime of the file.
    pub(super) runtime: Runtime,
    /// Arguments.
    pub(super) args: Vec<String>,
    /// Arguments that are not imported, because the file is unknown.
    dropped: Vec<String>,
    /// Variable with the options of the runtime.
    pub(super) env: Option<(String, String)>,
    /// Environment file, as in the command.
    pub(super) env_file: Option<String>,
    /// Differences from the command, reported to the user.
    pub(super) warnings: Vec<String>,
}

impl Program {
    fn new(file: &str, runtime: Runtime, args: &[String]) -> Self {
        Self {
            file: Some(file.to_owned()),
            runtime,
            args: args.to_vec(),
            dropped: Vec::new(),
            env: None,
            env_file: None,
            warnings: Vec::new(),
        }
    }

    /// A command whose file is unknown. A placeholder replaces it.
    pub(super) fn unknown(runtime: Runtime, reason: &str) -> Self {
        Self {
            file: None,
            warnings: vec![Self::replace_hint(reason, runtime)],
            ..Self::new("", runtime, &[])
        }
    }

    /// A command whose file is unknown, with the arguments that it has.
    pub(super) fn unknown_with(runtime: Runtime, reason: &str, dropped: &[String]) -> Self {
        Self {
            dropped: dropped.to_vec(),
            ..Self::unknown(runtime, reason)
        }
    }

    fn replace_hint(reason: &str, runtime: Runtime) -> String {
        match runtime {
            Runtime::Node => format!("{reason}; replace `start.js` with the file to run"),
            _ => format!("{reason}; replace `start` with the file to deploy"),
        }
    }

    fn placeholder(&self) -> &'static str {
        match self.runtime {
            Runtime::Node => "start.js",
            _ => "start",
        }
    }

    /// The arguments that are not imported, without the values of secrets.
    pub(super) fn dropped(&self) -> Option<String> {
        (!self.dropped.is_empty()).then(|| secret::masked(&self.dropped.join(" ")))
    }

    /// A comment about these arguments. Programs that differ only in their port have the same comment
    /// once the placeholder replaces it.
    pub(super) fn dropped_comment(&self) -> Option<String> {
        Some(format!(
            "arguments that are not imported: {}",
            self.dropped()?
        ))
    }

    /// The port in the arguments, which the placeholder replaces.
    pub(super) fn take_port(&mut self) -> Option<FoundPort> {
        self.take_argument(PortArgument::find)
    }

    /// The same, without a number that can have another meaning.
    pub(super) fn take_port_of_server(&mut self) -> Option<FoundPort> {
        self.take_argument(PortArgument::of_server)
    }

    fn take_argument(&mut self, find: fn(&[String]) -> Option<PortArgument>) -> Option<FoundPort> {
        let take = |args: &mut Vec<String>| {
            let found = find(args)?;
            Some((found.port, found.replace_in(args)))
        };
        let kept = take(&mut self.args).or_else(|| {
            let (_, value) = self.env.as_mut().filter(|_| self.runtime == Runtime::Jvm)?;
            let mut options: Vec<_> = value.split(' ').map(str::to_owned).collect();
            let taken = take(&mut options)?;
            *value = options.join(" ");
            Some(taken)
        });
        if let Some((port, replaced)) = kept {
            return Some(FoundPort { port, replaced });
        }
        let (port, _) = take(&mut self.dropped)?;
        let replaced = Vec::new();
        Some(FoundPort { port, replaced })
    }

    /// Adjusts the addresses in the arguments that the proxy does not connect to. Returns each with a
    /// reason.
    pub(super) fn adjust_addresses(&mut self) -> Vec<(String, &'static str)> {
        bind_address::adjust(&mut self.args)
    }

    /// Whether the file is unknown, so that a placeholder replaces it.
    pub(super) fn is_unknown(&self) -> bool {
        self.file.is_none()
    }

    /// The arguments with a Unix socket to listen on, which are removed.
    pub(super) fn take_sockets(&mut self) -> Vec<String> {
        port_argument::take_sockets(&mut self.args)
    }
}

/// Reason to report [`Program::dropped`].
pub(super) const DROPPED: &str =
    "the arguments are not imported; the file to run replaces them and reads its port from `PORT`";

/// Reason to report [`Program::take_sockets`].
pub(super) const SOCKET: &str =
    "an instance listens on a TCP port: make the app listen on `PORT`, or add `{port}` to `args`";

/// A port in the arguments of a program.
#[derive(Clone, Debug)]
pub(super) struct FoundPort {
    /// The port.
    pub(super) port: u16,
    /// The arguments with the port that the placeholder replaces; empty if they are not imported.
    pub(super) replaced: Vec<String>,
}

/// Parses the command `words`, whose first word is the program.
pub(super) fn parse(words: &[String]) -> Program {
    let Some((first, rest)) = words.split_first() else {
        return Program::unknown(Runtime::Native, "the command is empty");
    };
    match first.rsplit('/').next().unwrap_or_default() {
        "node" | "nodejs" => node(rest),
        "java" => java(rest),
        name if is_tool(name) => Program::unknown_with(
            Runtime::Node,
            &format!("`{name}` starts another program, but a unit needs the path of the program"),
            rest,
        ),
        name if is_interpreter(name) => script(first, rest),
        name if !first.contains('/') && !name.contains('.') => host_program(first, rest),
        _ => file(first, rest),
    }
}

/// A command whose program is not deployed.
pub(super) fn host_program(path: &str, args: &[String]) -> Program {
    let reason = format!(
        "`{path}` is a program of the host; deploy a `#!/bin/sh` script that runs it with `exec`"
    );
    Program::unknown_with(Runtime::Native, &reason, args)
}

/// Whether this is a Node.js tool that starts another program.
pub(super) fn is_tool(name: &str) -> bool {
    let tools = [
        "npm", "yarn", "pnpm", "npx", "bunx", "nodemon", "ts-node", "tsx", "next", "nest",
    ];
    tools.contains(&name)
}

/// Whether this is an interpreter that the first line of a script can name.
pub(super) fn is_interpreter(name: &str) -> bool {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    ["python", "ruby", "perl", "php", "bash", "sh"].contains(&plain)
}

/// The file `path` with `args`. Its extension determines the runtime.
pub(super) fn file(path: &str, args: &[String]) -> Program {
    let (_, extension) = path.rsplit_once('.').unwrap_or_default();
    let words = [&[path.to_owned()], args].concat();
    match extension {
        "js" | "mjs" | "cjs" => Program::new(path, Runtime::Node, args),
        "ts" | "mts" | "cts" => {
            let mut program = Program::new(path, Runtime::Node, args);
            program.warnings.push(format!(
                "`{path}` is TypeScript: compile it and set `main` to the JavaScript file"
            ));
            program
        }
        "jar" | "war" => Program::new(path, Runtime::Jvm, args),
        "py" => script("python3", &words),
        "rb" => script("ruby", &words),
        "pl" => script("perl", &words),
        "php" | "sh" => script(extension, &words),
        _ => Program::new(path, Runtime::Native, args),
    }
}

/// The words of `line`, or an error if it needs a shell.
pub(super) fn command(line: &str) -> Result<Vec<String>, &'static str> {
    if shell_split::needs_shell(line) {
        return Err(
            "the command needs a shell; move it to a script with `#!/bin/sh` as its first line",
        );
    }
    shell_split::split(line).ok_or("the command has an unclosed quote")
}
