//! Which program an entry starts.

use serde_json::{Map, Value};

use super::{dump, value};
use crate::import::ports::{EACH, IS_EACH};
use crate::import::program::{self, Program};
use crate::import::{Note, words};
use crate::topology::choice::Runtime;
use crate::topology::decode::Leaf as _;
use crate::topology::text::Text;

/// What `script`, `interpreter` and `args` start.
pub(super) fn program(entry: &Map<String, Value>, script: &str) -> Option<Program> {
    let mut args = value::list(entry.get("args"))?;
    let mut script = script.trim().to_owned();
    if script.contains(' ') && !entry.contains_key(dump::PATH) {
        let mut words = words::split(&script)?;
        script = words.remove(0);
        args.splice(0..0, words);
    }
    let interpreter = value::first(entry, &["interpreter", "exec_interpreter"]).unwrap_or_default();
    let command = |first: &str, second: Option<&str>| {
        let words = [first].into_iter().chain(second).map(str::to_owned);
        program::understand(&words.chain(args.iter().cloned()).collect::<Vec<_>>())
    };
    // A version may follow, `node@20`, and a path come before.
    let interpreter = interpreter.split('@').next().unwrap_or_default();
    let is_file = script.contains(['/', '.']) && !is_tool(&script, &folder(entry));
    let mut program = match interpreter.rsplit('/').next().unwrap_or_default() {
        "" | "node" if is_file => bare(program::file(&script, &args), &script),
        "" | "node" | "none" => command(&script, None),
        _ => command(interpreter, Some(&script)),
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

/// Whether PM2 found a program such as npm, which starts another, in `PATH`.
fn is_tool(script: &str, folder: &str) -> bool {
    let tool = program::is_tool(script.rsplit('/').next().unwrap_or_default());
    tool && script.starts_with('/') && !script.starts_with(folder)
}

/// Without the arguments that no unit can give.
pub(super) fn giveable(label: &str, mut program: Program, notes: &mut Vec<Note>) -> Program {
    program.args.retain(|arg| {
        let read = Text::read(arg);
        if let Err(why) = &read {
            notes.push(Note::left(format!("{label}: an argument"), why.to_string()));
        } else if arg.contains(EACH) {
            notes.push(Note::changed(format!("{label}: an argument"), IS_EACH));
        }
        read.is_ok()
    });
    program
}

/// PM2 lets node run what has no ending, as Express's `bin/www`.
fn bare(mut program: Program, script: &str) -> Program {
    let file = script.rsplit('/').next().unwrap_or_default();
    if program.runtime == Runtime::Native && !file.contains('.') {
        program.runtime = Runtime::Node;
        let why = format!(
            "`{file}` is taken for JavaScript, as PM2 does; a program of its own needs no `runtime`"
        );
        program.told.push(why);
    }
    program
}

/// The folder an entry is started in: the topology's own, where nothing is said.
pub(super) fn folder(entry: &Map<String, Value>) -> String {
    let cwd = value::first(entry, &["cwd"]).filter(|c| !c.is_empty());
    cwd.unwrap_or_else(|| ".".to_owned())
}

/// The name of a file, without folder and ending.
pub(super) fn base(script: &str) -> &str {
    let file = script.trim().rsplit('/').next().unwrap_or(script);
    file.rsplit_once('.').map_or(file, |(base, _)| base)
}
