//! Text in other languages: shell commands and proxy directives.

use serde_json::{Value, json};

use super::decode::Scalar;
use super::invalid::Invalid;
use super::text::Text;
use crate::diagnostic::Code;

/// A shell command of one or more lines.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Command(Text);

impl Command {
    /// The command.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Scalar for Command {
    const NOUN: &'static str = "a command";
    const EXAMPLE: &'static str = "make";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "\\S" })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        if text.trim().is_empty() {
            let help = "remove the key, or set a command such as `make`";
            return Err(Invalid::must("not be empty", help).code(Code::EmptyValue));
        }
        Text::read(text).map(Self)
    }
}

/// A raw line of the proxy configuration. It is not validated.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Directive(String);

impl Directive {
    /// The line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Scalar for Directive {
    const NOUN: &'static str = "a directive";
    const EXAMPLE: &'static str = "gzip_comp_level 6;";

    fn schema() -> Value {
        json!({ "type": "string", "maxLength": 4096 })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        const LIMIT: usize = 4096;
        if text.is_empty() {
            let help = "remove the entry";
            return Err(Invalid::must("not be empty", help).code(Code::EmptyValue));
        }
        if text.len() > LIMIT {
            let help = "split the directive";
            return Err(Invalid::too_long(LIMIT, "bytes", text.len(), help));
        }
        if text.chars().any(char::is_control) {
            return Err(Invalid::must(
                "be one line without control characters",
                "use one list entry per line: `[\"gzip_comp_level 6;\", \"gzip_vary on;\"]`",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}
