//! Readers in other languages: `PyYAML` and Ruby's Ripper.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// Reads texts with `PyYAML`. Keys must be text; a text with the tag `!unsafe` is `{"!unsafe": …}`.
const PYYAML: &str = r#"
import json, sys
try: import yaml
except ImportError: sys.exit(127)
class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)): pass
Loader.add_constructor("!unsafe", lambda loader, node: {"!unsafe": loader.construct_scalar(node)})
def plain(value):
    if isinstance(value, dict):
        odd = [key for key in value if not isinstance(key, str)]
        if odd: raise ValueError("the key %r is not text" % odd[0])
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list): return [plain(inner) for inner in value]
    if value is None or isinstance(value, (bool, int, float, str)): return value
    raise ValueError("%r is neither text nor number" % value)
def read(text):
    try: return {"read": plain(yaml.load(text, Loader))}
    except Exception as error: return {"error": str(error)}
json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
"#;

/// Prints the tokens of each text with valid Ruby syntax.
const RIPPER: &str = r#"
read = lambda do |text|
  next { error: "a syntax error" } unless Ripper.sexp(text)
  { read: Ripper.lex(text).map { |_, kind, token, _| [kind.to_s, token] } }
end
puts JSON.generate(JSON.parse($stdin.read).map(&read))
"#;

/// Evaluates each text as a Ruby expression.
const EVALUATED: &str = r"
puts JSON.generate(JSON.parse($stdin.read).map { |text| { read: eval(text) } })
";

/// The result for each text; `None` if the interpreter is not installed.
pub(crate) type Answers = Option<Vec<Result<Value, String>>>;

/// Reads each text with `PyYAML`.
pub(crate) fn pyyaml(texts: &[String]) -> Answers {
    let with = |program: &str| run(Command::new(program).args(["-c", PYYAML]), texts);
    // If `python3` is not the one of the system, that one can have the module.
    with("python3")
        .or_else(|| with("/usr/bin/python3"))
        .or_else(|| missing("PyYAML"))
}

/// The Ruby tokens of each text.
pub(crate) fn ripper(texts: &[String]) -> Answers {
    ruby(RIPPER, texts)
}

/// The Ruby value of each text, which must be rendered by genconf.
pub(crate) fn evaluated(texts: &[String]) -> Answers {
    ruby(EVALUATED, texts)
}

fn ruby(script: &str, texts: &[String]) -> Answers {
    let mut command = Command::new("ruby");
    command.args(["-rjson", "-rripper", "-Eutf-8", "-e", script]);
    run(&mut command, texts).or_else(|| missing("ruby"))
}

/// The exit status for a missing program or module.
const NOT_FOUND: i32 = 127;

/// Runs one process for all texts.
fn run(command: &mut Command, texts: &[String]) -> Answers {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let request = json!(texts).to_string();
    let mut input = child.stdin.take().expect("is piped");
    let writer = std::thread::spawn(move || input.write_all(request.as_bytes()));
    let output = child.wait_with_output().expect("its output can be read");
    let written = writer.join().expect("writing does not panic");
    if output.status.code() == Some(NOT_FOUND) {
        return None;
    }
    assert!(
        output.status.success() && written.is_ok(),
        "{command:?} failed"
    );
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).expect("it prints JSON");
    assert_eq!(answers.len(), texts.len(), "one result per text");
    Some(answers.into_iter().map(answer).collect())
}

fn answer(mut answer: Value) -> Result<Value, String> {
    match answer.get("error") {
        Some(error) => Err(error.to_string()),
        None => Ok(answer["read"].take()),
    }
}

fn missing(tool: &str) -> Answers {
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "{tool} is not installed"
    );
    let message = format!("skipped: {tool} is not installed\n");
    std::io::stderr().write_all(message.as_bytes()).ok();
    None
}
