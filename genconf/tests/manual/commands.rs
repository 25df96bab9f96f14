//! Commands of the documentation, run in the order of their page.
//!
//! `<!-- file: NAME -->` before a code block writes the block to that file of the page's scratch
//! directory. `<!-- run -->` before a `console` block runs its commands there: the lines that begin
//! with `$ `. Each must exit with 0. Lines below a command are its expected output; `...` stands for
//! any number of lines.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::pages::{is_blessing, manual, read, repository, shell};

/// A line of a page, and what is done with the block that follows it.
enum Mark {
    Run,
    File(String),
}

impl Mark {
    fn of(line: &str) -> Option<Self> {
        let text = line.trim().strip_prefix("<!-- ")?.strip_suffix(" -->")?;
        match text.strip_prefix("file: ") {
            Some(name) => Some(Self::File(name.to_owned())),
            None => (text == "run").then_some(Self::Run),
        }
    }
}

/// A page while its commands run.
struct Session {
    page: PathBuf,
    directory: TempDir,
    ran: usize,
    problems: Vec<String>,
}

impl Session {
    fn new(page: &Path) -> Self {
        Self {
            page: page.to_owned(),
            directory: TempDir::new().expect("a directory can be created"),
            ran: 0,
            problems: Vec::new(),
        }
    }

    fn write(&self, name: &str, block: &[&str]) {
        let file = self.directory.path().join(name);
        fs::create_dir_all(file.parent().expect("has a parent")).expect("can be created");
        fs::write(file, format!("{}\n", block.join("\n"))).expect("can be written");
    }

    /// Runs the commands of a block. Returns the block with their real output.
    fn run(&mut self, block: &[&str]) -> Vec<String> {
        let mut made = Vec::new();
        let starts = |line: &&str| line.starts_with("$ ");
        for commands in block.chunk_by(|_, next| !starts(next)) {
            let (command, expected) = commands.split_first().expect("has a line");
            made.push((*command).to_owned());
            let output = self.output(command.trim_start_matches("$ "));
            let output: Vec<&str> = output.lines().map(str::trim_end).collect();
            if expected.is_empty() || matches(expected, &output) {
                made.extend(expected.iter().map(|line| (*line).to_owned()));
            } else {
                made.extend(output.iter().map(|line| (*line).to_owned()));
                self.problems.push(format!(
                    "{}: {command}\nexpected:\n{}\nfound:\n{}",
                    self.page.display(),
                    expected.join("\n"),
                    output.join("\n")
                ));
            }
        }
        made
    }

    fn output(&mut self, command: &str) -> String {
        self.ran += 1;
        let output = shell(command, self.directory.path(), &[]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{}: {command}: {}\n{text}",
            self.page.display(),
            output.status
        );
        text
    }
}

/// Whether the output is as expected; `...` stands for any number of lines.
fn matches(expected: &[&str], output: &[&str]) -> bool {
    match expected.split_first() {
        None => output.is_empty(),
        Some((&"...", rest)) => (0..=output.len()).any(|skipped| matches(rest, &output[skipped..])),
        Some((line, rest)) => {
            output.first().is_some_and(|found| found == line) && matches(rest, &output[1..])
        }
    }
}

/// Runs the marked blocks of a page. Returns the page with their real output.
fn play(session: &mut Session, page: &str) -> String {
    let lines: Vec<&str> = page.lines().collect();
    let mut made: Vec<String> = Vec::new();
    let mut next = 0;
    while next < lines.len() {
        let line = lines[next];
        made.push(line.to_owned());
        next += 1;
        let Some(mark) = Mark::of(line) else {
            continue;
        };
        assert!(
            lines
                .get(next)
                .is_some_and(|fence| fence.starts_with("```")),
            "{}: `{line}` is not followed by a code block",
            session.page.display()
        );
        made.push(lines[next].to_owned());
        let block: Vec<&str> = lines[next + 1..]
            .iter()
            .take_while(|line| **line != "```")
            .copied()
            .collect();
        next += 1 + block.len();
        match mark {
            Mark::Run => made.extend(session.run(&block)),
            Mark::File(name) => {
                session.write(&name, &block);
                made.extend(block.iter().map(|line| (*line).to_owned()));
            }
        }
    }
    made.join("\n") + "\n"
}

#[test]
fn commands_of_the_documentation_run() {
    let (mut ran, mut problems) = (0, Vec::new());
    for page in manual().into_iter().chain([PathBuf::from("README.md")]) {
        let mut session = Session::new(&page);
        let text = read(&page);
        let made = play(&mut session, &text);
        ran += session.ran;
        if is_blessing() {
            if made != text {
                fs::write(repository().join(&page), made).expect("can be written");
            }
        } else {
            problems.append(&mut session.problems);
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
    assert!(ran > 10, "only {ran} commands ran");
}

#[test]
fn an_ellipsis_stands_for_any_number_of_lines() {
    assert!(matches(&["a", "...", "d"], &["a", "b", "c", "d"]));
    assert!(matches(&["a", "..."], &["a"]));
    assert!(!matches(&["a", "..."], &["b"]));
    assert!(!matches(&["a"], &["a", "b"]));
}
