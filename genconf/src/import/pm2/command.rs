//! Which program an entry starts.

use serde_json::{Map, Value};

use super::value;
use crate::import::program::{self, Program};
use crate::import::{Note, words};
use crate::topology::choice::Runtime;
use crate::topology::decode::Leaf as _;
use crate::topology::text::Text;

/// What `script`, `interpreter`, `cwd` and `args` start.
pub(super) fn program(entry: &Map<String, Value>, script: &str) -> Option<Program> {
    let mut args = value::list(entry.get("args"))?;
    let mut script = script.trim().to_owned();
    if script.contains(' ') {
        let mut words = words::split(&script)?;
        script = words.remove(0);
        args.splice(0..0, words);
    }
    let interpreter = value::first(entry, &["interpreter", "exec_interpreter"]).unwrap_or_default();
    let path = within(entry.get("cwd").and_then(value::text).as_deref(), &script);
    let command = |first: &str, second: Option<&str>| {
        let words = [first].into_iter().chain(second).map(str::to_owned);
        program::understand(&words.chain(args.iter().cloned()).collect::<Vec<_>>())
    };
    let mut program = match interpreter.as_str() {
        "" | "node" if script.contains(['/', '.']) && base(&script) != "next" => {
            bare(program::file(&path, &args), &script)
        }
        "" | "none" => command(&script, None),
        other => command(other.split('@').next().unwrap_or(other), Some(&path)),
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
    Some(program)
}

/// Without the arguments that no unit can give.
pub(super) fn giveable(label: &str, mut program: Program, notes: &mut Vec<Note>) -> Program {
    program.args.retain(|arg| {
        let read = Text::read(arg);
        if let Err(why) = &read {
            notes.push(Note::left(format!("{label}: an argument"), why));
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

/// `script` as seen from the folder of the ecosystem file.
fn within(cwd: Option<&str>, script: &str) -> String {
    let Some(cwd) = cwd.map(|c| c.trim_end_matches('/')) else {
        return script.to_owned();
    };
    if let Some(inside) = script.strip_prefix(cwd).and_then(|s| s.strip_prefix('/')) {
        return inside.to_owned();
    }
    if cwd.starts_with('/') || script.starts_with('/') {
        return script.to_owned();
    }
    format!("{cwd}/{script}")
}

/// The name of a file, without folder and ending.
pub(super) fn base(script: &str) -> &str {
    let file = script.trim().rsplit('/').next().unwrap_or(script);
    file.rsplit_once('.').map_or(file, |(base, _)| base)
}
