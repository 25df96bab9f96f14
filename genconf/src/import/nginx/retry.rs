//! Requests that are sent again.

use super::scope::Scope;
use crate::import::Note;
use crate::import::plan::RoutePlan;
use crate::topology::choice::Retry;

/// Sets `retry`, and notes what it has no value for.
pub(super) fn retry(route: &mut RoutePlan, scope: &Scope<'_>, notes: &mut Vec<Note>) {
    let Some(directive) = scope.find("proxy_next_upstream") else {
        return;
    };
    let has = |word: &str| directive.args.iter().any(|a| a == word);
    let mut why = Vec::new();
    if has("non_idempotent") {
        route.retry = Some(Retry::Idempotent);
        why.push("POST and PATCH are never sent again");
    }
    if has("off") {
        why.push(
            "GET, HEAD and OPTIONS are sent again once when the connection to an instance fails",
        );
    }
    let by_response = |word: &String| word.starts_with("http_") || word == "invalid_header";
    if directive.args.iter().any(by_response) {
        why.push("a request is sent again when its connection fails, not because of a response");
    }
    if !why.is_empty() {
        notes.push(Note::changed(directive.text(), why.join("; ")).at(directive.place));
    }
}
