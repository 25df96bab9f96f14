//! Reader of JSON.

use serde_json::Value;

use crate::token::{Token, token};

/// The values of a JSON text as a flat list.
pub(crate) fn read(text: &str) -> Result<Vec<Token>, String> {
    let value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut tokens = Vec::new();
    flatten(&value, &mut tokens);
    Ok(tokens)
}

fn flatten(value: &Value, tokens: &mut Vec<Token>) {
    match value {
        Value::Object(entries) => {
            tokens.push(token("{", ""));
            for (key, inner) in entries {
                tokens.push(token("key", key.as_str()));
                flatten(inner, tokens);
            }
            tokens.push(token("}", ""));
        }
        Value::Array(items) => {
            tokens.push(token("[", ""));
            for item in items {
                flatten(item, tokens);
            }
            tokens.push(token("]", ""));
        }
        Value::String(text) => tokens.push(token("text", text.as_str())),
        other => tokens.push(token("scalar", other.to_string())),
    }
}
