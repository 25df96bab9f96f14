//! Variables in conditions.

use std::collections::BTreeSet;

use super::directive::Directive;
use super::raw_line::raw_line;

/// Variables that every nginx has and that genconf does not change.
const BUILT_IN: [&str; 28] = [
    "args",
    "binary_remote_addr",
    "content_length",
    "content_type",
    "document_uri",
    "host",
    "hostname",
    "https",
    "invalid_referer",
    "is_args",
    "proxy_protocol_addr",
    "query_string",
    "realip_remote_addr",
    "remote_addr",
    "remote_port",
    "request",
    "request_method",
    "request_uri",
    "scheme",
    "secure_link",
    "secure_link_expires",
    "server_addr",
    "server_name",
    "server_port",
    "server_protocol",
    "time_iso8601",
    "time_local",
    "uri",
];

/// Start of the names of variables that every nginx has.
const BUILT_IN_PREFIXES: [&str; 4] = ["arg_", "cookie_", "http_", "ssl_"];

/// Most definitions that a condition can depend on.
const MAX_DEFINITIONS: usize = 32;

/// The `map` and `geo` blocks that define the variables of a condition, as lines of `raw.global`;
/// `None` if a variable is unknown.
pub(super) fn definitions(condition: &Directive, http: &[Directive]) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    let (mut seen, mut open) = (BTreeSet::new(), names(condition));
    while let Some(name) = open.pop() {
        if is_built_in(&name) || !seen.insert(name.clone()) {
            continue;
        }
        let definition = http.iter().find(|d| defines(d, &name))?;
        let includes = definition.inside().iter().any(|d| d.name == "include");
        if includes || lines.len() == MAX_DEFINITIONS {
            return None;
        }
        lines.push(raw_line(definition)?);
        open.extend(names(definition).into_iter().filter(|n| *n != name));
    }
    lines.reverse();
    Some(lines)
}

fn defines(directive: &Directive, name: &str) -> bool {
    let target = directive.args.last().and_then(|a| a.strip_prefix('$'));
    ["geo", "map"].contains(&directive.name.as_str()) && target == Some(name)
}

fn is_built_in(name: &str) -> bool {
    BUILT_IN.contains(&name) || BUILT_IN_PREFIXES.iter().any(|p| name.starts_with(p))
}

/// The names of the variables in a directive and its block.
fn names(directive: &Directive) -> Vec<String> {
    let words = std::iter::once(&directive.name).chain(&directive.args);
    let mut found: Vec<_> = words.flat_map(|w| names_in(w)).collect();
    for inner in directive.inside() {
        found.extend(names(inner));
    }
    found
}

/// The names in a word: `$name` or `${name}`. A number is a capture, which the same condition defines.
fn names_in(word: &str) -> Vec<String> {
    let parts = word.split('$').skip(1);
    let name = |part: &str| -> String {
        let part = part.trim_start_matches('{').chars();
        part.take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect()
    };
    let is_name = |n: &String| n.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    parts.map(name).filter(is_name).collect()
}

#[cfg(test)]
mod tests {
    use super::super::directive;
    use super::definitions;
    use crate::source::Source;

    fn of(text: &str) -> Option<Vec<String>> {
        let source = Source::new("n", text);
        let found = directive::read(&source, &(0..text.len())).expect("is valid");
        definitions(&found[0], &found)
    }

    #[test]
    fn a_condition_needs_the_definitions_of_its_variables() {
        assert_eq!(of("if ($http_x != a$) { return 403; }"), Some(vec![]));
        assert_eq!(of("if ($bad) { return 403; }"), None);
        let text = "if ($bad) { return 403; } map $near $bad { 0 1; } geo $near { 10.0.0.0/8 1; }";
        let lines = ["geo $near { 10.0.0.0/8 1; }", "map $near $bad { 0 1; }"];
        assert_eq!(of(text), Some(lines.map(str::to_owned).to_vec()));
        let included = "if ($bad) { return 403; } geo $bad { include blocked.conf; }";
        assert_eq!(of(included), None);
    }
}
