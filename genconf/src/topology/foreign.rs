//! Text in languages that are not ours: a shell's, an engine's.

use serde_json::{Value, json};

use super::decode::Leaf;
use super::text::Text;

/// A command for a shell, on one line or several.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Command(Text);

impl Command {
    /// The command.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Leaf for Command {
    const WHAT: &'static str = "a command";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "\\S" })
    }

    fn read(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("leave the key out where there is nothing to run".to_owned());
        }
        Text::read(text).map(Self)
    }
}

/// A line of a proxy's own language, printed as it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Directive(String);

impl Directive {
    /// The line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Leaf for Directive {
    const WHAT: &'static str = "a directive";

    fn schema() -> Value {
        json!({ "type": "string", "maxLength": 4096 })
    }

    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > 4096 || text.chars().any(char::is_control) {
            return Err("write each directive as one line of a list, at most 4 KiB".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}
