//! The keys of a record.

use super::decode::{Decode, MERGE_KEY, Scalar as _, unique_entries};
use super::decoder::{Decoder, Step, excerpt};
use super::foreign::{Advice, foreign};
use super::quantity::Duration;
use super::renamed::renamed;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::{Entry, Kind, Node, Span};

/// The entries of a record's mapping that are not decoded yet.
pub(super) struct Fields<'n> {
    span: Span,
    noun: &'static str,
    /// Whether it has a merge key, so that other keys may be set.
    is_merged: bool,
    entries: Vec<&'n Entry>,
    duplicates: Vec<&'n str>,
    known: Vec<&'static str>,
    present: Vec<&'static str>,
    missing: Vec<(&'static str, String)>,
    invalid: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The fields of `node`; `noun` names the record, `example` returns one in YAML.
    pub(super) fn of(
        node: &'n Node,
        noun: &'static str,
        example: fn() -> String,
        decoder: &mut Decoder<'_>,
    ) -> Option<Self> {
        let Kind::Mapping(_) = &node.kind else {
            decoder.wrong_shape(node, "a mapping", &mapping_for(noun, node, example));
            return None;
        };
        let mut duplicates = Vec::new();
        let entries = unique_entries(node, &mut duplicates, decoder);
        Some(Self {
            span: node.span,
            noun,
            is_merged: node.get(MERGE_KEY).is_some(),
            entries,
            duplicates,
            known: Vec::new(),
            present: Vec::new(),
            missing: Vec::new(),
            invalid: Vec::new(),
        })
    }

    /// The value of a key with a default.
    pub(super) fn optional<T: Decode>(
        &mut self,
        key: &'static str,
        decoder: &mut Decoder<'_>,
    ) -> Option<T> {
        let node = self.take(key)?;
        self.decode(key, node, decoder)
    }

    /// The value of a key without a default; an empty value stands for a missing or invalid one.
    pub(super) fn expected<T: Decode + Default>(
        &mut self,
        key: &'static str,
        decoder: &mut Decoder<'_>,
    ) -> T {
        self.required(key, decoder).unwrap_or_default()
    }

    /// The value of a key without a default.
    pub(super) fn required<T: Decode>(
        &mut self,
        key: &'static str,
        decoder: &mut Decoder<'_>,
    ) -> Option<T> {
        let Some(node) = self.take(key) else {
            self.missing.push((key, T::example()));
            return None;
        };
        self.decode(key, node, decoder)
    }

    fn decode<T: Decode>(
        &mut self,
        key: &'static str,
        node: &Node,
        decoder: &mut Decoder<'_>,
    ) -> Option<T> {
        let before = decoder.count();
        let value = decoder.below(Step::Key(key), |decoder| T::decode(node, decoder));
        if decoder.count() > before {
            self.invalid.push(key);
        }
        value
    }

    fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        let at = self
            .entries
            .iter()
            .position(|e| e.key.text() == Some(key))?;
        self.present.push(key);
        Some(&self.entries.swap_remove(at).value)
    }

    /// Reports unknown and missing keys. Returns the keys with an error: an invalid value, a
    /// duplicate, a typo, or an old name.
    pub(super) fn finish(mut self, decoder: &mut Decoder<'_>) -> Vec<&'static str> {
        let is_duplicate = |key: &&&'static str| self.duplicates.contains(*key);
        self.invalid.extend(self.known.iter().filter(is_duplicate));
        for entry in std::mem::take(&mut self.entries) {
            let key = entry.key.text().unwrap_or_default();
            let (meant, diagnostic) = match renamed(self.noun, key) {
                Some(new) => (Some(new), self.old_name(entry, new)),
                None => self.unknown(entry, decoder),
            };
            self.missing.retain(|(missing, _)| Some(*missing) != meant);
            self.invalid.extend(meant);
            decoder.push(diagnostic);
        }
        if self.is_merged {
            let absent = self.known.iter().filter(|k| !self.present.contains(*k));
            self.invalid.extend(absent);
            self.missing.clear();
        }
        for (key, example) in self.missing {
            let message = format!("{} has no `{key}`", decoder.record(self.noun));
            let help = format!("add `{key}: {example}`");
            decoder.push(Diagnostic::error(
                Code::MissingKey,
                self.span,
                message,
                help,
            ));
        }
        self.invalid
    }

    fn old_name(&self, entry: &Entry, new: &'static str) -> Diagnostic {
        let old = entry.key.text().unwrap_or_default();
        let help = if self.present.contains(&new) {
            format!("remove `{old}`: `{new}` is already set")
        } else {
            format!("rename `{old}` to `{new}`")
        };
        let message = format!("key `{old}` was renamed: expected `{new}`, found `{old}`");
        Diagnostic::error(Code::RenamedKey, entry.key.span, message, help)
    }

    fn unknown(&self, entry: &Entry, decoder: &Decoder<'_>) -> (Option<&'static str>, Diagnostic) {
        let key = entry.key.text().unwrap_or_default();
        let near = nearest(key, self.known.iter().copied());
        let (meant, help) = match (foreign(self.noun, key), near) {
            (Some(Advice::Key(new)), _) if self.present.contains(&new) => {
                (Some(new), format!("remove `{key}`: `{new}` is already set"))
            }
            (Some(Advice::Key(new)), _) => (Some(new), format!("use `{new}`")),
            (Some(Advice::Text(meant, help)), _) => (meant, help.to_owned()),
            (None, Some(near)) => (Some(near), format!("did you mean `{near}`?")),
            (None, None) => {
                let known = self.known.join("`, `");
                (None, format!("remove it, or use one of `{known}`"))
            }
        };
        let record = decoder.record(self.noun);
        let message = format!("unknown key `{}` in {record}", excerpt(key));
        let diagnostic = Diagnostic::error(Code::UnknownKey, entry.key.span, message, help);
        (meant, diagnostic)
    }
}

/// A mapping to write instead of `node`.
fn mapping_for(noun: &str, node: &Node, example: fn() -> String) -> String {
    if noun != "timeouts" {
        return example();
    }
    let set = node.text().filter(|text| Duration::read(text).is_ok());
    format!("{{ read: {} }}", set.unwrap_or("60s"))
}
