//! Ecosystem files that node evaluated.

use serde_json::Value;

use crate::import::ImportError;

/// The value of a file in JavaScript.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The evaluation whose value is imported.
    pub imported: Evaluation,
    /// An evaluation in which each variable of the shell has a unique number; `None` if it failed.
    pub marked: Option<Evaluation>,
}

/// One evaluation.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The value; [`UNDEFINED`] replaces `undefined`.
    pub(super) value: Value,
    /// Variables of the shell that the file read.
    pub(super) variables: Vec<ReadVariable>,
}

/// A variable of the shell that a file read.
#[derive(Clone, Debug)]
pub(super) struct ReadVariable {
    /// The name; `*` for all variables.
    pub(super) name: String,
    /// The text that the file received; `None` if the variable was not set.
    pub(super) text: Option<String>,
}

/// Replaces `undefined`, which JSON does not have.
pub(super) const UNDEFINED: &str = "\0undefined";

impl Evaluation {
    /// Reads `{"value": …, "variables": [{"name": …, "text": …}]}`.
    pub fn read(json: &str) -> Result<Self, ImportError> {
        let mut output: Value = serde_json::from_str(json)
            .map_err(|error| ImportError::new(format!("the value is not JSON: {error}")))?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let variables = output["variables"].as_array().into_iter().flatten();
        let variables = variables.filter_map(|variable| {
            Some(ReadVariable {
                name: text(&variable["name"])?,
                text: text(&variable["text"]),
            })
        });
        Ok(Self {
            variables: variables.collect(),
            value: output["value"].take(),
        })
    }
}
