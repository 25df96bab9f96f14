//! From nodes to values: the one way a piece of text becomes a typed value.
//!
//! Decoding never stops at a fault. What cannot be read is told and left
//! out, so that the rules of `validate` still see everything else. A record
//! notes the keys that this happened to: left out is not the same as unwritten.

use std::ops::Deref;
use std::rc::Rc;

use super::renamed::renamed;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, nearest};
use crate::source::{Entry, Kind, Node, Span, Spanned};

/// A value that can be read from a node.
pub trait Decode: Sized {
    /// Reads it, or tells why not.
    fn decode(node: &Node, faults: &mut Diagnostics) -> Option<Self>;
}

/// A value that is one piece of text and can be judged by itself.
pub trait Leaf: Sized {
    /// What is asked for, as a noun with its article: "a port, 1 to 65535".
    const WHAT: &'static str;

    /// The draft-07 JSON Schema of this value.
    fn schema() -> serde_json::Value;

    /// Reads `text`; the error says what would work.
    fn read(text: &str) -> Result<Self, String>;
}

impl<T: Leaf> Decode for Spanned<T> {
    fn decode(node: &Node, faults: &mut Diagnostics) -> Option<Self> {
        let Some(text) = node.text().filter(|_| !node.is_null()) else {
            faults.push(wrong_shape(node, T::WHAT));
            return None;
        };
        match T::read(text) {
            Ok(value) => Some(Self {
                value,
                span: node.span,
            }),
            Err(help) => {
                let said = format!("`{}` is not {}", brief(text), T::WHAT);
                faults.push(Diagnostic::error(Code::BadValue, node.span, said).help(help));
                None
            }
        }
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node, faults: &mut Diagnostics) -> Option<Self> {
        let Kind::Sequence(elements) = &node.kind else {
            faults.push(not_a_list(node));
            return None;
        };
        let read = |element: &Rc<Node>| T::decode(element, faults);
        Some(elements.iter().filter_map(read).collect())
    }
}

/// A mapping whose keys the user chose, in the order they were written.
///
/// A value that could not be read is `None`: its name still exists, so that a
/// reference to it is not a second fault.
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
    /// Every name with the value that could be read.
    pub fn iter(&self) -> impl Iterator<Item = (&Spanned<K>, &V)> {
        self.entries
            .iter()
            .filter_map(|(key, value)| Some((key, value.as_ref()?)))
    }

    /// Every name, with its value where that could be read.
    pub fn entries(&self) -> impl Iterator<Item = (&Spanned<K>, Option<&V>)> {
        self.entries
            .iter()
            .map(|(key, value)| (key, value.as_ref()))
    }

    /// Every name, whether or not its value could be read.
    pub fn names(&self) -> impl Iterator<Item = &Spanned<K>> {
        self.entries.iter().map(|(key, _)| key)
    }

    /// The value called `name`.
    pub fn get(&self, name: &K) -> Option<&V> {
        let (_, value) = self.entries.iter().find(|(key, _)| key.value == *name)?;
        value.as_ref()
    }
}

impl<K: Leaf + Eq, V: Decode> Decode for Named<K, V> {
    fn decode(node: &Node, faults: &mut Diagnostics) -> Option<Self> {
        let entries = mapping(node, faults)?;
        let mut named = Self::default();
        for entry in entries {
            let value = V::decode(&entry.value, faults);
            if let Some(key) = Spanned::<K>::decode(&entry.key, faults) {
                named.entries.push((key, value));
            }
        }
        Some(named)
    }
}

/// A list or mapping that holds something; blank only where a fault was told.
#[derive(Clone, Debug, Default)]
pub struct NonEmpty<C>(C);

impl<C> Deref for NonEmpty<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

impl<C: Decode> Decode for NonEmpty<C> {
    fn decode(node: &Node, faults: &mut Diagnostics) -> Option<Self> {
        let empty = match &node.kind {
            Kind::Sequence(elements) => elements.is_empty(),
            Kind::Mapping(entries) => entries.is_empty(),
            Kind::Scalar { .. } => false,
        };
        if empty {
            let said = "this is empty and must hold at least one";
            faults.push(Diagnostic::error(Code::BadValue, node.span, said));
            return None;
        }
        C::decode(node, faults).map(Self)
    }
}

/// One value, or a list of at least one: `a` and `[a]` mean the same.
#[derive(Clone, Debug)]
pub struct OneOrMany<T>(Vec<T>);

impl<T> Deref for OneOrMany<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Decode> Decode for OneOrMany<T> {
    fn decode(node: &Node, faults: &mut Diagnostics) -> Option<Self> {
        if matches!(node.kind, Kind::Sequence(_)) {
            return NonEmpty::decode(node, faults).map(|list: NonEmpty<Vec<T>>| Self(list.0));
        }
        T::decode(node, faults).map(|value| Self(vec![value]))
    }
}

/// The entries of a mapping; a repeated key is told and its later value left out.
fn mapping<'n>(node: &'n Node, faults: &mut Diagnostics) -> Option<Vec<&'n Entry>> {
    let mut repeated = Vec::new();
    mapping_once(node, &mut repeated, faults)
}

/// The same, with the keys that were repeated.
fn mapping_once<'n>(
    node: &'n Node,
    repeated: &mut Vec<&'n str>,
    faults: &mut Diagnostics,
) -> Option<Vec<&'n Entry>> {
    let Kind::Mapping(entries) = &node.kind else {
        faults.push(wrong_shape(node, "a mapping"));
        return None;
    };
    let mut seen = std::collections::HashMap::<&str, Span>::new();
    let mut once = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(key) = entry.key.text() else {
            faults.push(wrong_shape(&entry.key, "a key"));
            continue;
        };
        if let Some(first) = seen.insert(key, entry.key.span) {
            let said = format!("key `{}` is written twice", brief(key));
            faults.push(
                Diagnostic::error(Code::DuplicateKey, entry.key.span, said)
                    .also(first, "first here"),
            );
            repeated.push(key);
            continue;
        }
        once.push(entry);
    }
    Some(once)
}

/// The keys of a record, taken one by one; what is left at the end is unknown.
pub struct Fields<'n> {
    span: Span,
    noun: &'static str,
    entries: Vec<&'n Entry>,
    repeated: Vec<&'n str>,
    known: Vec<&'static str>,
    missing: Vec<&'static str>,
    unsure: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The fields of `node`, which should be `noun` ("a pool").
    pub fn of(node: &'n Node, noun: &'static str, faults: &mut Diagnostics) -> Option<Self> {
        if !matches!(node.kind, Kind::Mapping(_)) {
            faults.push(wrong_shape(
                node,
                &format!("a mapping that describes {noun}"),
            ));
            return None;
        }
        let mut repeated = Vec::new();
        let entries = mapping_once(node, &mut repeated, faults)?;
        Some(Self {
            span: node.span,
            noun,
            entries,
            repeated,
            known: Vec::new(),
            missing: Vec::new(),
            unsure: Vec::new(),
        })
    }

    /// The value of a key with a default.
    pub fn optional<T: Decode>(
        &mut self,
        key: &'static str,
        faults: &mut Diagnostics,
    ) -> Option<T> {
        let node = self.take(key)?;
        self.read(key, node, faults)
    }

    /// The value of a key without a default, for a record that can still be
    /// judged when the value is missing: the fault is told, and a blank stands in.
    pub fn expected<T: Decode + Default>(
        &mut self,
        key: &'static str,
        faults: &mut Diagnostics,
    ) -> T {
        self.required(key, faults).unwrap_or_default()
    }

    /// The value of a key without a default.
    pub fn required<T: Decode>(
        &mut self,
        key: &'static str,
        faults: &mut Diagnostics,
    ) -> Option<T> {
        let Some(node) = self.take(key) else {
            self.missing.push(key);
            return None;
        };
        self.read(key, node, faults)
    }

    /// The value at `node`; where any of it could not be read, it is not what was meant.
    fn read<T: Decode>(
        &mut self,
        key: &'static str,
        node: &Node,
        faults: &mut Diagnostics,
    ) -> Option<T> {
        let before = faults.told();
        let value = T::decode(node, faults);
        if faults.told() > before {
            self.unsure.push(key);
        }
        value
    }

    fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        let at = self
            .entries
            .iter()
            .position(|e| e.key.text() == Some(key))?;
        Some(&self.entries.swap_remove(at).value)
    }

    /// Tells every key that nobody took, and every missing one that no
    /// misspelt one accounts for. Gives the keys of which something was told:
    /// unreadable, written twice, or misspelt.
    pub fn finish(mut self, faults: &mut Diagnostics) -> Vec<&'static str> {
        let repeated = |key: &&&'static str| self.repeated.contains(*key);
        self.unsure.extend(self.known.iter().filter(repeated));
        for entry in std::mem::take(&mut self.entries) {
            let key = entry.key.text().unwrap_or_default();
            if let Some(new) = renamed(self.noun, key) {
                self.missing.retain(|missing| *missing != new);
                self.unsure.push(new);
                let message = format!("`{key}` is now `{new}`");
                faults.push(
                    Diagnostic::error(Code::RenamedKey, entry.key.span, message).help(format!(
                        "rename the key to `{new}`; its values are unchanged"
                    )),
                );
                continue;
            }
            let said = format!("{} has no key `{}`", self.noun, brief(key));
            let near = nearest(key, self.known.iter().copied());
            self.missing.retain(|missing| Some(*missing) != near);
            self.unsure.extend(near);
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its keys are {}", self.known.join(", ")),
            };
            faults.push(Diagnostic::error(Code::UnknownKey, entry.key.span, said).help(help));
        }
        for key in self.missing {
            let said = format!("{} needs the key `{key}`", self.noun);
            faults.push(Diagnostic::error(Code::MissingKey, self.span, said));
        }
        self.unsure
    }
}

/// The diagnostic for a node of the wrong kind.
#[must_use]
pub fn wrong_shape(node: &Node, wanted: &str) -> Diagnostic {
    let said = format!("{} stands where {wanted} should be", node.noun());
    Diagnostic::error(Code::WrongShape, node.span, said)
}

fn not_a_list(node: &Node) -> Diagnostic {
    let diagnostic = wrong_shape(node, "a list");
    match node.text().filter(|_| !node.is_null()) {
        Some(text) => diagnostic.help(format!("write `[{}]`", brief(text))),
        None => diagnostic,
    }
}

/// The start of a text that may be long or hostile, fit for one line of a message.
#[must_use]
pub fn brief(text: &str) -> String {
    const LIMIT: usize = 60;
    let mut short: String = text
        .chars()
        .take(LIMIT)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(LIMIT).is_some() {
        short.push('…');
    }
    // Quotes are no danger in a message and read better as they were typed.
    short.replace("\\\"", "\"").replace("\\'", "'")
}
