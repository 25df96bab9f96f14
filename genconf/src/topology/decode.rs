//! Decoding of nodes into typed values.
//!
//! Decoding continues after an error: an invalid value is reported and left out, and `validate`
//! checks the rest. Each record lists its keys with errors, because their default does not apply.

use std::ops::Deref;
use std::rc::Rc;

use super::decoder::{Decoder, Step, excerpt};
use super::invalid::Invalid;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Entry, Kind, Node, Span, Spanned};

/// A type that can be decoded from a node.
pub trait Decode: Sized {
    /// Decodes `node`, or reports why it cannot be decoded.
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self>;

    /// A valid value in YAML's flow style, for help texts.
    fn example() -> String;
}

/// A type that is one scalar and can be checked alone.
pub trait Scalar: Sized {
    /// The noun with its article: "a port".
    const NOUN: &'static str;

    /// A valid value, for help texts.
    const EXAMPLE: &'static str;

    /// A valid value instead of no value, for help texts.
    const EMPTY: &'static str = Self::EXAMPLE;

    /// The draft-07 JSON Schema of the type.
    fn schema() -> serde_json::Value;

    /// Reads `text`; the error has the violated constraint and a fix.
    fn read(text: &str) -> Result<Self, Invalid>;
}

impl<T: Scalar> Decode for Spanned<T> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Some(text) = node.text().filter(|_| !node.is_null()) else {
            let example = if node.is_null() { T::EMPTY } else { T::EXAMPLE };
            decoder.wrong_shape(node, T::NOUN, example);
            return None;
        };
        match T::read(text) {
            Ok(value) => Some(Self {
                value,
                span: node.span,
            }),
            Err(invalid) => {
                let span = node.span;
                decoder.invalid_value(&Spanned { value: text, span }, invalid);
                None
            }
        }
    }

    fn example() -> String {
        T::EXAMPLE.to_owned()
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Kind::Sequence(elements) = &node.kind else {
            decoder.wrong_shape(node, "a list", &list_with::<T>(node));
            return None;
        };
        let decode = |element: &Rc<Node>| {
            decoder.below(Step::Element, |decoder| T::decode(element, decoder))
        };
        Some(elements.iter().filter_map(decode).collect())
    }

    fn example() -> String {
        format!("[{}]", T::example())
    }
}

/// A list of the scalar at `node` if that is a valid element, else an example.
fn list_with<T: Decode>(node: &Node) -> String {
    let is_plain = |text: &&str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._/-".contains(&b);
        (1..=60).contains(&text.len()) && text.bytes().all(plain)
    };
    match node.text().filter(|_| !node.is_null()).filter(is_plain) {
        Some(text) if is_valid::<T>(node) => format!("[{text}]"),
        _ => Vec::<T>::example(),
    }
}

/// Whether `node` is decoded without an error.
fn is_valid<T: Decode>(node: &Node) -> bool {
    let mut diagnostics = Diagnostics::default();
    let value = T::decode(node, &mut Decoder::new(&mut diagnostics));
    value.is_some() && diagnostics.is_empty()
}

/// A mapping whose keys are chosen by the user, in source order.
///
/// An invalid value is `None`: its name exists, so that references to it are not errors.
#[derive(Clone, Debug)]
pub struct Named<K, V> {
    entries: Vec<(Spanned<K>, Option<V>)>,
}

impl<K, V> Default for Named<K, V> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
        }
    }
}

impl<T: Default> Default for Spanned<T> {
    fn default() -> Self {
        Self {
            value: T::default(),
            span: Span::default(),
        }
    }
}

impl<K: Eq, V> Named<K, V> {
    /// Every name with a valid value.
    pub fn iter(&self) -> impl Iterator<Item = (&Spanned<K>, &V)> {
        self.entries
            .iter()
            .filter_map(|(key, value)| Some((key, value.as_ref()?)))
    }

    /// Every name, with its value if that is valid.
    pub fn entries(&self) -> impl Iterator<Item = (&Spanned<K>, Option<&V>)> {
        self.entries
            .iter()
            .map(|(key, value)| (key, value.as_ref()))
    }

    /// Every name, whether or not its value is valid.
    pub fn names(&self) -> impl Iterator<Item = &Spanned<K>> {
        self.entries.iter().map(|(key, _)| key)
    }

    /// The value with this name.
    pub fn get(&self, name: &K) -> Option<&V> {
        let (_, value) = self.entries.iter().find(|(key, _)| key.value == *name)?;
        value.as_ref()
    }
}

impl<K: Scalar + Eq, V: Decode> Decode for Named<K, V> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Kind::Mapping(_) = &node.kind else {
            decoder.wrong_shape(node, "a mapping", &Self::example());
            return None;
        };
        let mut named = Self::default();
        for entry in unique_entries(node, &mut Vec::new(), decoder) {
            let text = entry.key.text().unwrap_or_default();
            let step = Step::Name(excerpt(text));
            let value = decoder.below(step, |decoder| V::decode(&entry.value, decoder));
            let span = entry.key.span;
            match K::read(text) {
                Ok(key) => named.entries.push((Spanned { value: key, span }, value)),
                Err(invalid) => {
                    decoder.invalid_name(&Spanned { value: text, span }, invalid, K::NOUN);
                }
            }
        }
        Some(named)
    }

    fn example() -> String {
        format!("{{ {}: {} }}", K::EXAMPLE, V::example())
    }
}

/// A list or mapping with at least one entry; the default, which is empty, stands for an invalid one.
#[derive(Clone, Debug, Default)]
pub struct NonEmpty<C>(C);

impl<C> Deref for NonEmpty<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

impl<C: Decode> Decode for NonEmpty<C> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let empty = match &node.kind {
            Kind::Sequence(elements) => elements.is_empty(),
            Kind::Mapping(entries) => entries.is_empty(),
            Kind::Scalar { .. } => false,
        };
        if empty {
            decoder.empty(node.span, &C::example());
            return None;
        }
        C::decode(node, decoder).map(Self)
    }

    fn example() -> String {
        C::example()
    }
}

/// One value, or a list of at least one: `a` and `[a]` are equivalent.
#[derive(Clone, Debug)]
pub struct OneOrMany<T>(Vec<T>);

impl<T> Deref for OneOrMany<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Decode> Decode for OneOrMany<T> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        if matches!(node.kind, Kind::Sequence(_)) {
            return NonEmpty::decode(node, decoder).map(|list: NonEmpty<Vec<T>>| Self(list.0));
        }
        T::decode(node, decoder).map(|value| Self(vec![value]))
    }

    fn example() -> String {
        T::example()
    }
}

/// The merge key of YAML 1.1.
pub(super) const MERGE_KEY: &str = "<<";

fn merge_key(span: Span) -> Diagnostic {
    let message = "merge keys (`<<`) are not supported";
    let help = "copy the keys, or use an alias for the whole mapping: `api: *web`";
    Diagnostic::error(Code::UnknownKey, span, message, help)
}

/// The entries of a mapping without merge keys, which are reported, and without duplicate keys, which are reported
/// and added to `duplicates`.
pub(super) fn unique_entries<'n>(
    node: &'n Node,
    duplicates: &mut Vec<&'n str>,
    decoder: &mut Decoder<'_>,
) -> Vec<&'n Entry> {
    let mut seen = std::collections::HashMap::<&str, Span>::new();
    let mut unique = Vec::with_capacity(node.entries().len());
    for entry in node.entries() {
        let span = entry.key.span;
        let Some(key) = entry.key.text() else {
            let message = format!("a key must be text, found {}", entry.key.noun());
            let help = "write the key as text: `name: value`";
            decoder.push(Diagnostic::error(Code::WrongShape, span, message, help));
            continue;
        };
        let first = seen.insert(key, span);
        if key == MERGE_KEY {
            if first.is_none() {
                decoder.push(merge_key(span));
            }
            continue;
        }
        let Some(first) = first else {
            unique.push(entry);
            continue;
        };
        let message = match decoder.path() {
            Some(path) => format!("duplicate key `{}` in `{path}`", excerpt(key)),
            None => format!("duplicate key `{}`", excerpt(key)),
        };
        let help = format!(
            "remove one of the two `{}` keys, or rename it",
            excerpt(key)
        );
        let duplicate = Diagnostic::error(Code::DuplicateKey, span, message, help);
        decoder.push(
            duplicate
                .label("used again here")
                .also(first, "first used here"),
        );
        duplicates.push(key);
    }
    unique
}
