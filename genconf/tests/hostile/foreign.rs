//! The readers that other languages have of their own: `PyYAML`, and Ruby's Ripper.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// Each text as `PyYAML` reads it, every key a text; a text marked `!unsafe` keeps the mark as `{"!unsafe": …}`.
const PYYAML: &str = r#"
import json, sys
try: import yaml
except ImportError: sys.exit(127)
class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)): pass
Loader.add_constructor("!unsafe", lambda loader, node: {"!unsafe": loader.construct_scalar(node)})
def told(value):
    if isinstance(value, dict):
        odd = [key for key in value if not isinstance(key, str)]
        if odd: raise ValueError("the key %r is no text" % odd[0])
        return {key: told(inner) for key, inner in value.items()}
    if isinstance(value, list): return [told(inner) for inner in value]
    if value is None or isinstance(value, (bool, int, float, str)): return value
    raise ValueError("%r is neither text nor number" % value)
def read(text):
    try: return {"read": told(yaml.load(text, Loader))}
    except Exception as error: return {"error": str(error)}
json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
"#;

/// The tokens of each text, where Ruby finds no fault with it.
const RIPPER: &str = r#"
read = lambda do |text|
  next { error: "a syntax error" } unless Ripper.sexp(text)
  { read: Ripper.lex(text).map { |_, kind, said, _| [kind.to_s, said] } }
end
puts JSON.generate(JSON.parse($stdin.read).map(&read))
"#;

/// The value of each text that is a Ruby expression.
const EVALUATED: &str = r"
puts JSON.generate(JSON.parse($stdin.read).map { |text| { read: eval(text) } })
";

/// What a reader of another language says of each text; `None` when it is not installed here.
pub(crate) type Answers = Option<Vec<Result<Value, String>>>;

/// Each text as `PyYAML` reads it.
pub(crate) fn pyyaml(texts: &[String]) -> Answers {
    let with = |program: &str| ask(Command::new(program).args(["-c", PYYAML]), texts);
    // Where `python3` is not the system's own, the system's may have what it lacks.
    with("python3")
        .or_else(|| with("/usr/bin/python3"))
        .or_else(|| missing("PyYAML"))
}

/// The tokens of each text as Ruby reads it.
pub(crate) fn ripper(texts: &[String]) -> Answers {
    ruby(RIPPER, texts)
}

/// The value of each text, which must be text of our own making.
pub(crate) fn evaluated(texts: &[String]) -> Answers {
    ruby(EVALUATED, texts)
}

fn ruby(script: &str, texts: &[String]) -> Answers {
    let mut command = Command::new("ruby");
    command.args(["-rjson", "-rripper", "-Eutf-8", "-e", script]);
    ask(&mut command, texts).or_else(|| missing("ruby"))
}

/// What a shell says of a program that is not there, and so do we of a missing module.
const NOT_FOUND: i32 = 127;

/// One process for all texts: starting one takes longer than reading them.
fn ask(command: &mut Command, texts: &[String]) -> Answers {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let question = json!(texts).to_string();
    let mut input = child.stdin.take().expect("is piped");
    let writer = std::thread::spawn(move || input.write_all(question.as_bytes()));
    let output = child.wait_with_output().expect("its output can be read");
    let written = writer.join().expect("writing does not panic");
    if output.status.code() == Some(NOT_FOUND) {
        return None;
    }
    assert!(
        output.status.success() && written.is_ok(),
        "{command:?} failed"
    );
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).expect("it answers in JSON");
    assert_eq!(answers.len(), texts.len(), "an answer for each text");
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
    let said = format!("skipped: {tool} is not installed\n");
    std::io::stderr().write_all(said.as_bytes()).ok();
    None
}
