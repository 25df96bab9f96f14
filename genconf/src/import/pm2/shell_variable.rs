//! Values of an evaluated file that depend on variables of the shell.
//!
//! PM2 starts an app with the variables of the shell that runs it. Those of the shell that runs the
//! import are probably others, so a value with one of them is not imported.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::command::base;
use super::evaluation::{Evaluated, ReadVariable, UNDEFINED};
use super::value;
use crate::import::Finding;

/// Shortest text of a variable that is searched in values. A shorter one is in many other values.
const MIN_TEXT: usize = 4;

/// The imported value without parts that come from the shell. Reports each of them, and variables
/// without a visible effect.
pub(super) fn removed(evaluated: &Evaluated, findings: &mut Vec<Finding>) -> Value {
    let mut comparison = Comparison::of(evaluated);
    let marked = evaluated.marked.as_ref().map(|marked| &marked.value);
    let value = comparison.compare(&evaluated.imported.value, marked, &Place::default());
    comparison.report_unused();
    findings.extend(comparison.findings);
    value.unwrap_or_default()
}

/// Where a value is: an entry and a key.
#[derive(Clone, Debug, Default)]
struct Place {
    /// The entry as in other findings; empty outside of entries.
    label: String,
    /// The path of keys: `env.PORT`.
    key: String,
}

impl Place {
    fn child(&self, key: &str) -> Self {
        let key = match self.key.as_str() {
            "" => key.to_owned(),
            parent => format!("{parent}.{key}"),
        };
        let label = self.label.clone();
        Self { label, key }
    }

    fn element(&self, index: usize, element: &Value) -> Self {
        let is_entry = self.label.is_empty() && ["", "apps", "pm2"].contains(&self.key.as_str());
        if let Some(entry) = element.as_object().filter(|_| is_entry) {
            let name = value::first(entry, &["name"]).filter(|name| name != UNDEFINED);
            let script = || Some(base(entry.get("script")?.as_str()?).to_owned());
            let name = name
                .or_else(script)
                .unwrap_or_else(|| format!("app {}", index + 1));
            let label = format!("`{name}`: ");
            let key = String::new();
            return Self { label, key };
        }
        let label = self.label.clone();
        let key = format!("{}[{index}]", self.key);
        Self { label, key }
    }

    /// The last key of the path.
    fn name(&self) -> &str {
        self.key.rsplit('.').next().unwrap_or_default()
    }
}

/// Comparison of two evaluations.
struct Comparison<'e> {
    variables: Vec<&'e ReadVariable>,
    has_marked: bool,
    /// Names of variables with a visible effect.
    used: BTreeSet<String>,
    findings: Vec<Finding>,
}

impl<'e> Comparison<'e> {
    fn of(evaluated: &'e Evaluated) -> Self {
        let marked = evaluated.marked.iter().flat_map(|m| &m.variables);
        Self {
            variables: marked.chain(&evaluated.imported.variables).collect(),
            has_marked: evaluated.marked.is_some(),
            used: BTreeSet::new(),
            findings: Vec::new(),
        }
    }

    /// The value without parts that come from the shell; `None` if nothing remains.
    fn compare(&mut self, value: &Value, marked: Option<&Value>, place: &Place) -> Option<Value> {
        match value {
            Value::Object(map) => {
                let other = marked.and_then(Value::as_object);
                if other.is_none() {
                    self.report_default(marked, place);
                }
                Some(self.mapping(map, other, place))
            }
            Value::Array(list) => {
                let other = marked.and_then(Value::as_array);
                let other = other.filter(|other| other.len() == list.len());
                if other.is_none() {
                    self.report_default(marked, place);
                }
                let items = list.iter().enumerate().filter_map(|(index, item)| {
                    let other = other.map(|other| &other[index]);
                    self.compare(item, other, &place.element(index, item))
                });
                Some(Value::Array(items.collect()))
            }
            scalar => self.scalar(scalar, marked, place),
        }
    }

    fn mapping(
        &mut self,
        map: &Map<String, Value>,
        marked: Option<&Map<String, Value>>,
        place: &Place,
    ) -> Value {
        let mut kept = Map::new();
        for (key, value) in map {
            let marked = marked.and_then(|marked| marked.get(key));
            if let Some(value) = self.compare(value, marked, &place.child(key)) {
                kept.insert(key.clone(), value);
            }
        }
        let undefined = Value::String(UNDEFINED.to_owned());
        let added = marked.into_iter().flatten();
        for (key, marked) in added.filter(|(key, _)| !map.contains_key(*key)) {
            self.scalar(&undefined, Some(marked), &place.child(key));
        }
        Value::Object(kept)
    }

    /// The value if it does not come from the shell, or if the file has a default for it.
    fn scalar(&mut self, value: &Value, marked: Option<&Value>, place: &Place) -> Option<Value> {
        let text = value::text(value).unwrap_or_default();
        let is_undefined = text == UNDEFINED;
        let own = self.names_in(&text);
        let is_incomplete = incomplete_words(value) > marked.map_or(0, incomplete_words);
        let is_changed = marked.is_some_and(|marked| marked != value);
        // Without a second evaluation, any variable can be the cause.
        let is_suspect = !self.has_marked && is_incomplete && !self.variables.is_empty();
        if own.is_empty() && !is_changed && !is_suspect {
            if is_undefined && place.key.starts_with("env") {
                let reason = "the value is undefined: if it comes from the environment, put it into `env_file`";
                let finding = Finding::skipped(subject(place, &BTreeSet::new()), reason);
                self.findings.push(finding);
            }
            return (!is_undefined).then(|| value.clone());
        }
        if own.is_empty() && !is_incomplete {
            self.report_default(marked, place);
            return Some(value.clone());
        }
        let marked = marked.map(Value::to_string).unwrap_or_default();
        let names: BTreeSet<_> = own.into_iter().chain(self.names_in(&marked)).collect();
        if let Some(path) = self.relative_path(&text).filter(|_| place.key == "script") {
            let reason = format!(
                "comes from the environment: `{path}` is expected relative to the topology"
            );
            self.findings
                .push(Finding::adjusted(subject(place, &names), reason));
            self.used.extend(names);
            return Some(Value::String(path));
        }
        let reason = if place.key.starts_with("env") {
            "comes from the environment: put it into `env_file`"
        } else {
            "comes from the environment: set the value in the topology"
        };
        let finding = Finding::skipped(subject(place, &names), reason);
        self.findings.push(finding);
        self.used.extend(names);
        None
    }

    /// The path after the last variable in `text`: `a.js` for `undefined/a.js`.
    fn relative_path(&self, text: &str) -> Option<String> {
        let texts = self.variables.iter().filter_map(|v| v.text.as_deref());
        let texts = texts.filter(|text| text.len() >= MIN_TEXT);
        let end = |part: &str| Some(text.rfind(part)? + part.len());
        let end = texts.chain(["undefined"]).filter_map(end).max()?;
        let path = text[end..].strip_prefix('/')?;
        (!path.is_empty()).then(|| path.to_owned())
    }

    /// Reports that `place` has another value if a variable is set.
    fn report_default(&mut self, marked: Option<&Value>, place: &Place) {
        let Some(marked) = marked else { return };
        let names: BTreeSet<_> = self.names_in(&marked.to_string()).into_iter().collect();
        let reason =
            "depends on the environment: the value without variables of the shell is imported";
        let finding = Finding::adjusted(subject(place, &names), reason);
        self.findings.push(finding);
        self.used.extend(names);
    }

    /// Names of the variables whose text is in `text`.
    fn names_in(&self, text: &str) -> Vec<String> {
        let is_in = |variable: &&&ReadVariable| {
            let own = variable.text.as_deref().unwrap_or_default();
            own.len() >= MIN_TEXT && text.contains(own)
        };
        let found = self.variables.iter().filter(is_in);
        found.map(|variable| variable.name.clone()).collect()
    }

    /// Reports variables that change no value, for example because the file compares them.
    fn report_unused(&mut self) {
        let names: BTreeSet<_> = self.variables.iter().map(|v| v.name.clone()).collect();
        for name in names.difference(&self.used) {
            let finding = if name == "*" {
                let reason =
                    "all variables of the shell: put those that the app needs into `env_file`";
                Finding::skipped("`process.env`", reason)
            } else {
                let reason =
                    "the file reads the variable of the shell: check the values that depend on it";
                Finding::skipped(format!("`process.env.{name}`"), reason)
            };
            self.findings.push(finding);
        }
    }
}

/// The subject of a finding about the value at `place`, with the variables unless the key has the
/// name of the only one.
fn subject(place: &Place, names: &BTreeSet<String>) -> String {
    let Place { label, key } = place;
    let is_same = names.len() == 1 && names.contains(place.name());
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    if is_same || names.is_empty() {
        format!("{label}`{key}`")
    } else {
        format!("{label}`{key}` (from {})", names.join(", "))
    }
}

/// The number of results of missing variables in a value.
fn incomplete_words(value: &Value) -> usize {
    match value {
        Value::Null => 1,
        Value::String(text) => text.matches("undefined").count() + text.matches("NaN").count(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::import::pm2::evaluation::Evaluation;

    fn evaluation(value: Value, variables: &[(&str, Option<&str>)]) -> Evaluation {
        let variables = variables.iter().map(|(name, text)| ReadVariable {
            name: (*name).to_owned(),
            text: text.map(str::to_owned),
        });
        let variables = variables.collect();
        Evaluation { value, variables }
    }

    fn lines(evaluated: &Evaluated) -> (Value, Vec<String>) {
        let mut findings = Vec::new();
        let value = removed(evaluated, &mut findings);
        let line = |f: &Finding| format!("{}: {}", f.subject, f.reason);
        (value, findings.iter().map(line).collect())
    }

    #[test]
    fn values_of_two_evaluations_are_compared() {
        let unset = json!({ "apps": [{
            "name": "api", "instances": 2, "args": ["-x", "undefined"], "script": "undefined/dist/a.js",
            "env": { "URL": UNDEFINED, "PATH": "undefined:/opt", "PORT": 3000, "N": null, "A": "a" },
        }] });
        let marked = json!({ "apps": [{
            "name": "api", "instances": "m-0001", "args": ["-x", "m-0002"], "script": "m-0005/dist/a.js",
            "env": { "URL": "m-0003", "PATH": "m-0004:/opt", "PORT": 3001, "N": 7, "A": "a" },
        }] });
        let names = ["COUNT", "X", "URL", "PATH", "HOME", "MODE"];
        let texts = ["m-0001", "m-0002", "m-0003", "m-0004", "m-0005", "m-0006"];
        let read: Vec<_> = names
            .iter()
            .zip(texts)
            .map(|(n, t)| (*n, Some(t)))
            .collect();
        let (value, lines) = lines(&Evaluated {
            imported: evaluation(unset, &[]),
            marked: Some(evaluation(marked, &read)),
        });
        let expected = json!({ "apps": [{
            "name": "api", "instances": 2, "args": ["-x"], "script": "dist/a.js", "env": { "PORT": 3000, "A": "a" },
        }] });
        assert_eq!(value, expected);
        let text = lines.join("\n");
        for part in [
            "`api`: `env.URL`: comes from the environment: put it into `env_file`",
            "`api`: `env.PATH`: comes from",
            "`api`: `env.N`: comes from",
            "`api`: `env.PORT`: depends on the environment",
            "`api`: `instances` (from COUNT): depends on",
            "`api`: `args[1]` (from X): comes from the environment: set the value",
            "`api`: `script` (from HOME): comes from the environment: `dist/a.js` is expected",
            "`process.env.MODE`: the file reads",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn one_evaluation_is_searched_for_texts_of_the_shell() {
        let value =
            json!([{ "script": "a.js", "env": { "HOME": "/home/ana", "L": "x", "U": UNDEFINED } }]);
        let read = [
            ("HOME", Some("/home/ana")),
            ("LEVEL", Some("x")),
            ("U", None),
        ];
        let (value, lines) = lines(&Evaluated {
            imported: evaluation(value, &read),
            marked: None,
        });
        assert_eq!(value, json!([{ "script": "a.js", "env": { "L": "x" } }]));
        let text = lines.join("\n");
        for part in [
            "`a`: `env.HOME`: comes from",
            "`a`: `env.U`: comes from",
            "`process.env.LEVEL`: the file",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn values_without_variables_are_not_changed() {
        let value =
            json!({ "apps": [{ "script": "a.js", "env": { "A": "undefined", "B": null } }] });
        let evaluated = Evaluated {
            imported: evaluation(value.clone(), &[]),
            marked: Some(evaluation(value.clone(), &[])),
        };
        assert_eq!(lines(&evaluated), (value, Vec::new()));
    }
}
