//! Which file a command starts, and what runs that file.

mod interpreter;
mod place;

use super::words;
use crate::topology::choice::Runtime;
pub(super) use interpreter::node_options;
use interpreter::{java, node, script};

/// A command, understood.
#[derive(Clone, Debug)]
pub(super) struct Program {
    /// The file it is, as written; none where that is not known.
    file: Option<String>,
    /// What runs it.
    pub(super) runtime: Runtime,
    /// Its arguments.
    pub(super) args: Vec<String>,
    /// Options of the runtime, as the variable it reads them from.
    pub(super) env: Option<(String, String)>,
    /// File of variables that the runtime was told, as written.
    pub(super) env_file: Option<String>,
    /// What a reader must know: why the command is not as it was.
    pub(super) told: Vec<String>,
}

impl Program {
    fn new(file: &str, runtime: Runtime, args: &[String]) -> Self {
        Self {
            file: Some(file.to_owned()),
            runtime,
            args: args.to_vec(),
            env: None,
            env_file: None,
            told: Vec::new(),
        }
    }

    /// A command whose file is unknown: a name stands in its place.
    pub(super) fn unknown(runtime: Runtime, why: &str) -> Self {
        Self {
            file: None,
            told: vec![Self::instead(why, runtime)],
            ..Self::new("", runtime, &[])
        }
    }

    fn instead(why: &str, runtime: Runtime) -> String {
        match runtime {
            Runtime::Node => format!("{why}; write the file to run in place of `start.js`"),
            _ => format!("{why}; write the file to deploy in place of `start`"),
        }
    }

    fn unnamed(&self) -> &'static str {
        match self.runtime {
            Runtime::Node => "start.js",
            _ => "start",
        }
    }
}

/// Understands the command `words`, whose first is the program.
pub(super) fn understand(words: &[String]) -> Program {
    let Some((first, rest)) = words.split_first() else {
        return Program::unknown(Runtime::Native, "there is no command");
    };
    match first.rsplit('/').next().unwrap_or_default() {
        "node" | "nodejs" => node(rest),
        "java" => java(rest),
        name if is_tool(name) => Program::unknown(
            Runtime::Node,
            &format!("`{name}` finds the program to start by itself, a unit names its file"),
        ),
        name if is_interpreter(name) => script(first, rest),
        name if !first.contains('/') && !name.contains('.') => Program::unknown(
            Runtime::Native,
            &format!(
                "`{first}` is a program of the host; an artifact that starts with `#!/bin/sh` can `exec` it"
            ),
        ),
        _ => file(first, rest),
    }
}

/// Programs of node that start another.
pub(super) fn is_tool(name: &str) -> bool {
    let tools = [
        "npm", "yarn", "pnpm", "npx", "nodemon", "ts-node", "tsx", "next", "nest",
    ];
    tools.contains(&name)
}

fn is_interpreter(name: &str) -> bool {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    ["python", "ruby", "perl", "php", "bash", "sh"].contains(&plain)
}

/// The file `path` with `args`, run by what its name says.
pub(super) fn file(path: &str, args: &[String]) -> Program {
    let (_, extension) = path.rsplit_once('.').unwrap_or_default();
    let whole = [&[path.to_owned()], args].concat();
    match extension {
        "js" | "mjs" | "cjs" => Program::new(path, Runtime::Node, args),
        "ts" | "mts" | "cts" => {
            let mut program = Program::new(path, Runtime::Node, args);
            program.told.push(format!(
                "`{path}` is TypeScript: compile it, and write the JavaScript file as `main`"
            ));
            program
        }
        "jar" | "war" => Program::new(path, Runtime::Jvm, args),
        "py" => script("python3", &whole),
        "rb" => script("ruby", &whole),
        "pl" => script("perl", &whole),
        "php" | "sh" => script(extension, &whole),
        _ => Program::new(path, Runtime::Native, args),
    }
}

/// The words of `line` when it needs no shell.
pub(super) fn command(line: &str) -> Result<Vec<String>, &'static str> {
    if words::needs_shell(line) {
        return Err("it needs a shell; put it into a script that begins with `#!/bin/sh`");
    }
    words::split(line).ok_or("a quote is not closed")
}
