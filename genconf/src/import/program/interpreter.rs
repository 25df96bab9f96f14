//! Programs that run a file: node, java, and those a script names in its first line.

use super::{Program, file};
use crate::topology::choice::Runtime;

/// Options of node whose value is the next word.
const VALUED: [&str; 8] = [
    "-r",
    "--require",
    "--import",
    "--loader",
    "--experimental-loader",
    "-C",
    "--conditions",
    "--env-file",
];

/// What `node` is told to run.
pub(super) fn node(words: &[String]) -> Program {
    let mut options = 0;
    while let Some(word) = words.get(options).filter(|w| w.starts_with('-')) {
        options += if VALUED.contains(&word.as_str()) {
            2
        } else {
            1
        };
    }
    let Some(script) = words.get(options) else {
        return Program::unknown(Runtime::Node, "the script that node runs is not named");
    };
    let named = match script.trim_end_matches('/') {
        "" | "." => "index.js".to_owned(),
        path if path.rsplit('/').next().is_some_and(|n| n.contains('.')) => path.to_owned(),
        path => format!("{path}.js"),
    };
    let mut program = file(&named, &words[options + 1..]);
    program.runtime = Runtime::Node;
    node_options(&mut program, &words[..options]);
    program
}

/// Options of node itself are read from `NODE_OPTIONS` too, save the file of variables.
pub(in crate::import) fn node_options(program: &mut Program, options: &[String]) {
    let mut kept: Vec<&str> = Vec::new();
    let mut options = options.iter().map(String::as_str);
    while let Some(option) = options.next() {
        match option.split_once('=') {
            None if option == "--env-file" => program.env_file = options.next().map(str::to_owned),
            Some(("--env-file" | "--env-file-if-exists", file)) => {
                program.env_file = Some(file.to_owned());
            }
            _ => kept.push(option),
        }
    }
    let spaced = |o: &&str| o.contains(|c: char| c.is_whitespace() || c == '"');
    if kept.iter().any(spaced) {
        let why = "options of node that hold spaces are left out";
        program.told.push(why.to_owned());
    } else if !kept.is_empty() {
        program.env = Some(("NODE_OPTIONS".to_owned(), kept.join(" ")));
        program.told.push(
            "the options of node itself are in NODE_OPTIONS; not all are allowed there".to_owned(),
        );
    }
}

/// What `java` is told to run.
pub(super) fn java(words: &[String]) -> Program {
    let Some(at) = words.iter().position(|w| w == "-jar") else {
        return Program::unknown(Runtime::Jvm, "no `-jar` names the file that java runs");
    };
    let Some(jar) = words.get(at + 1) else {
        return Program::unknown(Runtime::Jvm, "nothing follows `-jar`");
    };
    let mut program = Program::new(jar, Runtime::Jvm, &words[at + 2..]);
    let options: Vec<_> = words[..at]
        .iter()
        .filter(|w| !w.contains('$'))
        .cloned()
        .collect();
    if options.len() < at {
        program
            .told
            .push("options of java that name a variable are left out".to_owned());
    }
    if !options.is_empty() {
        program.env = Some(("JAVA_TOOL_OPTIONS".to_owned(), options.join(" ")));
        program
            .told
            .push("the options of java itself are in JAVA_TOOL_OPTIONS".to_owned());
    }
    program
}

/// A script that its own first line must start.
pub(super) fn script(interpreter: &str, words: &[String]) -> Program {
    let Some((path, args)) = words.split_first().filter(|(w, _)| !w.starts_with('-')) else {
        let why = format!("`{interpreter}` runs no file here");
        return Program::unknown(Runtime::Native, &why);
    };
    let mut program = Program::new(path, Runtime::Native, args);
    program.told.push(format!(
        "`{path}` is started by itself: it needs a first line such as `#!/usr/bin/env {interpreter}` and its interpreter on the host"
    ));
    program
}
