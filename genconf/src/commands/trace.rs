//! Traces a rendered line to the values of the topology that it depends on.
//!
//! Each value is changed in turn and the topology is rendered again: the line depends on the value if
//! it changes too. Templates need no source map (docs/decisions/0007-explain-by-experiment.md).

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::diagnostic::Diagnostics;
use crate::render::Renderer;
use crate::source::{Kind, Node, Position, Source, Span, read};
use crate::tree::{OutputPath, RenderedFile, Tree};

/// A place of the topology that a line depends on.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Origin {
    /// Line and column, from 1.
    pub(super) at: (usize, usize),
    /// Path of the value: `proxies.edge.listen`.
    pub(super) key: String,
}

/// A scalar of the topology.
struct Scalar {
    span: Span,
    /// Path of the value.
    key: String,
    /// The value; of a name, also each reference to it.
    spans: Vec<Span>,
}

/// Finds origins in one topology.
pub(super) struct Tracer<'t> {
    source: &'t Source,
    topology_dir: &'t str,
    renderers: &'t [Renderer],
}

impl<'t> Tracer<'t> {
    /// A tracer for `source`; `topology_dir` is the path from the output directory to it.
    pub(super) fn new(
        source: &'t Source,
        topology_dir: &'t str,
        renderers: &'t [Renderer],
    ) -> Self {
        Self {
            source,
            topology_dir,
            renderers,
        }
    }

    /// The values that line `line` (from 1) of the file at `path` depends on.
    pub(super) fn origins(&self, path: &OutputPath, line: usize) -> Vec<Origin> {
        let Some(tree) = self.tree(self.source.text()) else {
            return Vec::new();
        };
        let text = tree.get(path).map(text_of).unwrap_or_default();
        let line_text = text.lines().nth(line - 1).unwrap_or_default().to_owned();
        let occurrence = text.lines().take(line).filter(|l| *l == line_text).count();
        let scalars = read(self.source)
            .map(|root| scalars(&root))
            .unwrap_or_default();
        let depends = |scalar: &&Scalar| {
            let mut experiments = self.changed(scalar).filter_map(|t| self.tree(&t));
            let disappears = |other: Tree| {
                let text = successor(path, &tree, &other).unwrap_or_default();
                text.lines().filter(|l| *l == line_text).count() < occurrence
            };
            experiments.any(disappears)
        };
        let origin = |scalar: &Scalar| {
            let Position { line, column } = self.source.position(scalar.span.start);
            Origin {
                at: (line, column),
                key: scalar.key.clone(),
            }
        };
        let found: BTreeSet<_> = scalars.iter().filter(depends).map(origin).collect();
        found.into_iter().collect()
    }

    /// The rendered files of the topology `text`, if it is valid.
    fn tree(&self, text: &str) -> Option<Tree> {
        let source = Source::new(self.source.name(), text);
        let made = crate::generate(
            &source,
            self.topology_dir,
            self.renderers,
            &mut Diagnostics::default(),
        );
        made.ok().map(|made| made.tree)
    }

    /// Variants of the topology in which only this scalar differs.
    fn changed<'l>(&'l self, scalar: &'l Scalar) -> impl Iterator<Item = String> + 'l {
        let text = self.source.text();
        let written = &text[scalar.span.start..scalar.span.end];
        others(written).into_iter().map(move |other| {
            let mut changed = text.to_owned();
            // From the end: a replacement does not move the spans before it.
            for span in scalar.spans.iter().rev() {
                changed.replace_range(span.start..span.end, &other);
            }
            changed
        })
    }
}

fn text_of(file: &RenderedFile) -> String {
    String::from_utf8_lossy(&file.bytes).into_owned()
}

/// The text at `path` in `new`; if the file was renamed, the file that `old` does not have with the most
/// similar path.
fn successor(path: &OutputPath, old: &Tree, new: &Tree) -> Option<String> {
    if let Some(artifact) = new.get(path) {
        return Some(text_of(artifact));
    }
    let fresh = new.iter().filter(|(p, _)| old.get(p).is_none());
    fresh
        .max_by_key(|(p, _)| similarity(p.as_str(), path.as_str()))
        .map(|(_, artifact)| text_of(artifact))
}

/// Length of the common prefix and suffix of two paths.
fn similarity(one: &str, other: &str) -> usize {
    let same = |(a, b): &(u8, u8)| a == b;
    let head = one.bytes().zip(other.bytes()).take_while(same).count();
    let (one, other) = (&one.as_bytes()[head..], &other.as_bytes()[head..]);
    let ends = one.iter().rev().zip(other.iter().rev());
    head + ends.take_while(|(a, b)| a == b).count()
}

/// Other values for `written`; those that are not valid there are skipped when they are parsed.
fn others(written: &str) -> Vec<String> {
    const VALUES: [&str; 14] = [
        "true",
        "false",
        "fork",
        "cluster",
        "round_robin",
        "least_conn",
        "ip_hash",
        "random",
        "tcp",
        "unix",
        "max",
        "node",
        "probe",
        "haproxy",
    ];
    let mut others = Vec::new();
    for step in [1000, 1, 7, 100] {
        others.extend(shifted(written, step));
    }
    let quoted = written.len() > 1 && written.ends_with(['"', '\'']);
    let inner = written.len() - usize::from(quoted);
    others.push(format!("{}x{}", &written[..inner], &written[inner..]));
    others.push(format!(
        "{}/x{}",
        written[..inner].trim_end_matches('/'),
        &written[inner..]
    ));
    others.extend(
        VALUES
            .iter()
            .filter(|w| **w != written)
            .map(|w| (*w).to_owned()),
    );
    others
}

/// Every number of the last dotted part raised by `step`: `8082-8085` becomes `9082-9085`.
fn shifted(written: &str, step: u64) -> Option<String> {
    let (head, tail) = written
        .rsplit_once('.')
        .map_or(("", written), |(h, t)| (&written[..=h.len()], t));
    let mut out = head.to_owned();
    let mut digits = String::new();
    let mut any = false;
    for c in tail.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        if let Ok(number) = digits.parse::<u64>() {
            out.push_str(&(number + step).to_string());
            any = true;
        }
        digits.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    any.then_some(out)
}

/// Every scalar value and every name, in the order of the text.
fn scalars(root: &Rc<Node>) -> Vec<Scalar> {
    let mut found = Vec::new();
    collect(root, "", &mut found);
    let mut names = Vec::new();
    for section in ["hosts", "apps", "pools", "proxies"] {
        if let Some(Kind::Mapping(entries)) = root.get(section).map(|n| &n.kind) {
            names.extend(entries.iter().map(|e| (section, Rc::clone(&e.key))));
        }
    }
    for (section, key) in names {
        let name = key.text().unwrap_or_default();
        let mut spans = vec![key.span];
        spans.extend(
            found
                .iter()
                .filter(|l| refers(&l.key, section))
                .filter(|l| text_at(root, l.span) == Some(name))
                .map(|l| l.span),
        );
        spans.sort_unstable();
        found.push(Scalar {
            span: key.span,
            key: format!("{section}.{name}"),
            spans,
        });
    }
    found
}

/// Whether the value at `key` names something of `section`.
fn refers(key: &str, section: &str) -> bool {
    let last = key.rsplit('.').find(|part| part.parse::<usize>().is_err());
    matches!(
        (last, section),
        (Some("app"), "apps") | (Some("pool"), "pools") | (Some("hosts"), "hosts")
    )
}

fn text_at(node: &Rc<Node>, span: Span) -> Option<&str> {
    match &node.kind {
        Kind::Scalar { text, .. } => (node.span == span).then_some(text),
        Kind::Sequence(elements) => elements.iter().find_map(|n| text_at(n, span)),
        Kind::Mapping(entries) => entries.iter().find_map(|e| text_at(&e.value, span)),
    }
}

fn collect(node: &Rc<Node>, key: &str, found: &mut Vec<Scalar>) {
    let below = |step: &str| {
        if key.is_empty() {
            step.to_owned()
        } else {
            format!("{key}.{step}")
        }
    };
    match &node.kind {
        Kind::Scalar { .. } if node.is_null() => {}
        Kind::Scalar { .. } => found.push(Scalar {
            span: node.span,
            key: key.to_owned(),
            spans: vec![node.span],
        }),
        Kind::Sequence(elements) => {
            for (index, element) in elements.iter().enumerate() {
                collect(element, &below(&index.to_string()), found);
            }
        }
        Kind::Mapping(entries) => {
            for entry in entries {
                collect(
                    &entry.value,
                    &below(entry.key.text().unwrap_or_default()),
                    found,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shifted_in_place() {
        assert_eq!(shifted("8082-8085", 1000).as_deref(), Some("9082-9085"));
        assert_eq!(
            shifted("192.168.56.11", 1).as_deref(),
            Some("192.168.56.12")
        );
        assert_eq!(shifted("10s", 1).as_deref(), Some("11s"));
        assert_eq!(shifted("spread", 1), None);
    }
}
