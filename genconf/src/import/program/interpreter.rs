//! Commands that run a file with an interpreter: node, java, and script interpreters.

use super::{Program, file};
use crate::topology::choice::Runtime;
use crate::topology::decode::Scalar as _;
use crate::topology::text::Text;

/// Options of node that have a value in the next word.
const OPTIONS_WITH_VALUE: [&str; 8] = [
    "-r",
    "--require",
    "--import",
    "--loader",
    "--experimental-loader",
    "-C",
    "--conditions",
    "--env-file",
];

/// Options of node that run something else than a file.
const CODE_OPTIONS: [&str; 8] = [
    "-e", "--eval", "-p", "--print", "-pe", "-i", "--test", "--run",
];

/// The program that `node` runs.
pub(super) fn node(words: &[String]) -> Program {
    let mut options = 0;
    while let Some(word) = words.get(options).filter(|w| w.starts_with('-')) {
        if CODE_OPTIONS.contains(&word.as_str()) {
            return Program::unknown_with(Runtime::Node, "the `node` command runs no file", words);
        }
        options += if OPTIONS_WITH_VALUE.contains(&word.as_str()) {
            2
        } else {
            1
        };
    }
    let Some(script) = words.get(options) else {
        return Program::unknown_with(Runtime::Node, "the `node` command runs no file", words);
    };
    let (named, warning) = resolved(script.trim_end_matches('/'));
    let mut program = file(&named, &words[options + 1..]);
    program.runtime = Runtime::Node;
    program.warnings.extend(warning);
    node_options(&mut program, &words[..options]);
    program
}

/// The file that node runs for `script`, and a warning if this depends on files. node prefers a file
/// with exactly this name, which files in a `bin` directory have.
fn resolved(script: &str) -> (String, Option<String>) {
    let (directory, name) = script.rsplit_once('/').unwrap_or(("", script));
    match script {
        "" | "." => {
            let warning =
                "`node .` runs the `main` of package.json; set `main` if it is not `index.js`";
            ("index.js".to_owned(), Some(warning.to_owned()))
        }
        _ if name.contains('.') => (script.to_owned(), None),
        _ if directory
            .rsplit('/')
            .next()
            .is_some_and(|d| d == "bin" || d == ".bin") =>
        {
            (script.to_owned(), None)
        }
        _ => {
            let warning =
                format!("`{script}` has no extension: set `main` if the file is not `{script}.js`");
            (format!("{script}.js"), Some(warning))
        }
    }
}

/// Moves options of node to `NODE_OPTIONS`, and `--env-file` to the environment file.
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
    if !kept.is_empty() {
        set_options(program, "NODE_OPTIONS", &kept);
    }
}

/// Puts options of a runtime into a variable, which it splits at spaces.
fn set_options(program: &mut Program, variable: &str, options: &[&str]) {
    let joined = options.join(" ");
    let (runtime, limit) = match program.runtime {
        Runtime::Node => ("node", ", which does not accept every option"),
        _ => ("java", ""),
    };
    let has_spaces = |option: &&str| option.contains(|c: char| c.is_whitespace() || c == '"');
    if options.iter().any(has_spaces) || Text::read(&joined).is_err() {
        program.warnings.push(format!(
            "options of {runtime} with spaces, quotes, or control characters are not imported: {joined}"
        ));
        return;
    }
    program
        .warnings
        .push(format!("options of {runtime} are in `{variable}`{limit}"));
    program.env = Some((variable.to_owned(), joined));
}

/// The program that `java` runs.
pub(super) fn java(words: &[String]) -> Program {
    let Some(at) = words.iter().position(|w| w == "-jar") else {
        return Program::unknown_with(Runtime::Jvm, "the `java` command has no `-jar`", words);
    };
    let Some(jar) = words.get(at + 1) else {
        return Program::unknown(Runtime::Jvm, "`-jar` has no file");
    };
    let mut program = Program::new(jar, Runtime::Jvm, &words[at + 2..]);
    let options = words[..at].iter().map(String::as_str);
    let (removed, options): (Vec<_>, Vec<_>) = options.partition(|word| word.contains('$'));
    if !removed.is_empty() {
        program.warnings.push(format!(
            "options of java with variables are not imported: {}",
            removed.join(" ")
        ));
    }
    if !options.is_empty() {
        set_options(&mut program, "JAVA_TOOL_OPTIONS", &options);
    }
    program
}

/// Options of a script interpreter that run something else than a file, and options with a value in
/// the next word.
fn script_options(interpreter: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match interpreter.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') {
        "python" => (&["-c", "-m"], &["-W", "-X"]),
        "php" => (&["-R", "-S", "-r"], &["-c", "-d", "-z"]),
        "perl" | "ruby" => (&["-S", "-e"], &["-I", "-r"]),
        _ => (&["-c"], &[]),
    }
}

/// A script that starts with an interpreter line.
pub(super) fn script(interpreter: &str, words: &[String]) -> Program {
    let name = interpreter.rsplit('/').next().unwrap_or_default();
    let (without_file, with_value) = script_options(name);
    let mut at = 0;
    while let Some(option) = words.get(at).filter(|word| word.starts_with('-')) {
        let option = option.as_str();
        if without_file.contains(&option) {
            break;
        }
        at += 1 + usize::from(with_value.contains(&option));
    }
    let options = &words[..at.min(words.len())];
    let path = words.get(at).filter(|word| !word.starts_with('-'));
    let Some(path) = path else {
        let reason = format!(
            "the `{interpreter}` command runs no file; deploy a `#!/bin/sh` script that runs it with `exec`"
        );
        return Program::unknown_with(Runtime::Native, &reason, words);
    };
    let mut program = Program::new(path, Runtime::Native, &words[at + 1..]);
    let instead = if name == interpreter {
        String::new()
    } else {
        format!(" instead of with `{interpreter}`")
    };
    let line = match options {
        [] => format!("#!/usr/bin/env {name}"),
        options => format!("#!/usr/bin/env -S {name} {}", options.join(" ")),
    };
    program.warnings.push(format!(
        "`{path}` is executed directly{instead}: add `{line}` as its first line and install {name} on the host"
    ));
    program
}
