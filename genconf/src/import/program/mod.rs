//! Which file a command starts, and what runs that file.

mod interpreter;

use super::words;
use crate::topology::choice::Runtime;
use crate::topology::decode::Leaf as _;
use crate::topology::text::FilePath;
pub(super) use interpreter::node_options;
use interpreter::{java, node, script};

/// A command, understood.
#[derive(Clone, Debug)]
pub(super) struct Program {
    /// File to deploy.
    pub(super) artifact: String,
    /// What runs it.
    pub(super) runtime: Runtime,
    /// Its arguments.
    pub(super) args: Vec<String>,
    /// Options of the runtime, as the variable it reads them from.
    pub(super) env: Option<(String, String)>,
    /// What a reader must know: why the command is not as it was.
    pub(super) told: Vec<String>,
}

impl Program {
    fn new(artifact: &str, runtime: Runtime, args: &[String]) -> Self {
        let (args, told) = (args.to_vec(), Vec::new());
        Self {
            artifact: artifact.to_owned(),
            runtime,
            args,
            env: None,
            told,
        }
    }

    /// A command whose file is unknown: a name stands in its place.
    pub(super) fn unknown(runtime: Runtime, why: &str) -> Self {
        let artifact = if runtime == Runtime::Node {
            "start.js"
        } else {
            "start"
        };
        let mut program = Self::new(artifact, runtime, &[]);
        program.told.push(format!(
            "{why}; write the file to deploy in place of `{artifact}`"
        ));
        program
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
        "npm" | "yarn" | "pnpm" | "npx" | "nodemon" | "ts-node" | "tsx" | "next" | "nest" => {
            Program::unknown(
                Runtime::Node,
                &format!("`{first}` finds the program to start by itself, a unit names its file"),
            )
        }
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

fn is_interpreter(name: &str) -> bool {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    ["python", "ruby", "perl", "php", "bash", "sh"].contains(&plain)
}

/// The file `path` with `args`, run by what its name says.
pub(super) fn file(path: &str, args: &[String]) -> Program {
    let (_, extension) = path.rsplit_once('.').unwrap_or_default();
    let mut program = match extension {
        "js" | "mjs" | "cjs" => Program::new(path, Runtime::Node, args),
        "ts" | "mts" | "cts" => {
            let mut program = Program::new(path, Runtime::Node, args);
            program.told.push(format!(
                "`{path}` is TypeScript: compile it, and write the JavaScript file as artifact"
            ));
            program
        }
        "jar" | "war" => Program::new(path, Runtime::Jvm, args),
        "py" | "rb" | "pl" | "php" | "sh" => {
            return script("", &[&[path.to_owned()], args].concat());
        }
        _ => Program::new(path, Runtime::Native, args),
    };
    place(&mut program);
    program
}

/// An artifact is found beside the topology, so its path is relative and plain.
fn place(program: &mut Program) {
    let path = program.artifact.clone();
    let mut kept = path
        .split('/')
        .filter(|s| *s != ".")
        .collect::<Vec<_>>()
        .join("/");
    if path.starts_with('/') {
        path.rsplit('/')
            .next()
            .unwrap_or_default()
            .clone_into(&mut kept);
        program.told.push(format!(
            "`{path}` is sought beside the topology, as `{kept}`"
        ));
    }
    if FilePath::read(&kept).is_err() {
        let told = std::mem::take(&mut program.told);
        *program = Program::unknown(
            program.runtime,
            &format!("`{path}` is not a path an artifact can have"),
        );
        program.told.splice(0..0, told);
        return;
    }
    program.artifact = kept;
}

/// The words of `line` when it needs no shell.
pub(super) fn command(line: &str) -> Result<Vec<String>, &'static str> {
    if words::needs_shell(line) {
        return Err("it needs a shell; put it into a script that begins with `#!/bin/sh`");
    }
    words::split(line).ok_or("a quote is not closed")
}
