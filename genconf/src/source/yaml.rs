//! From text to nodes, by the events of the YAML crate.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span as Range};

use super::{Entry, Kind, Node, Source, Span};

/// Nodes a file may come to once its aliases are written out. A file of this
/// size is 20 MB of YAML; a bomb of nested aliases passes it in 30 lines.
const NODE_BUDGET: usize = 2_000_000;

/// Bytes of text a file may have. Larger ones are not topologies.
pub const BYTE_BUDGET: usize = 16 * 1024 * 1024;

/// Why a text is not YAML we read, and where.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The place.
    pub span: Span,
    /// A short phrase, lower case, no full stop.
    pub message: String,
}

/// Reads the one document of `source`.
pub fn read(source: &Source) -> Result<Rc<Node>, Fault> {
    if source.text().len() > BYTE_BUDGET {
        return Err(fault(Span::default(), "the file is larger than 16 MiB"));
    }
    let mut builder = Builder::new(source.text());
    for event in Parser::new_from_str(source.text()) {
        let (event, range) = event.map_err(|e| builder.scan_fault(&e))?;
        builder.take(event, &range)?;
    }
    builder.finish()
}

fn fault(span: Span, message: impl Into<String>) -> Fault {
    Fault {
        span,
        message: message.into(),
    }
}

/// A collection whose end has not come yet.
struct Open {
    start: usize,
    anchor: usize,
    keyed: bool,
    children: Vec<Rc<Node>>,
    size: usize,
}

/// A node and how many nodes it comes to with its aliases written out.
#[derive(Clone)]
struct Weighed {
    node: Rc<Node>,
    size: usize,
}

struct Builder<'t> {
    text: &'t str,
    open: Vec<Open>,
    anchors: HashMap<usize, Weighed>,
    root: Option<Rc<Node>>,
    documents: usize,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            open: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            documents: 0,
        }
    }

    fn scan_fault(&self, error: &ScanError) -> Fault {
        let at = error.marker().byte_offset().unwrap_or(self.text.len());
        let at = at.min(self.text.len());
        let end = self.text[at..]
            .chars()
            .next()
            .map_or(at, |c| at + c.len_utf8());
        fault(Span { start: at, end }, error.info().clone())
    }

    fn take(&mut self, event: Event<'_>, range: &Range) -> Result<(), Fault> {
        let span = self.span(range);
        match event {
            Event::DocumentStart(..) => self.document(span),
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let text = text.into_owned();
                let node = Node {
                    span,
                    kind: Kind::Scalar { text, plain },
                };
                let weighed = Weighed {
                    node: Rc::new(node),
                    size: 1,
                };
                self.add(weighed, anchor, span)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.begin(span, anchor, false);
                Ok(())
            }
            Event::MappingStart(_, anchor, _) => {
                self.begin(span, anchor, true);
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(id) => self.alias(id, span),
            _ => Ok(()),
        }
    }

    fn document(&mut self, span: Span) -> Result<(), Fault> {
        self.documents += 1;
        if self.documents > 1 {
            return Err(fault(
                span,
                "a second document begins here; one file is one topology",
            ));
        }
        Ok(())
    }

    fn begin(&mut self, span: Span, anchor: usize, keyed: bool) {
        self.open.push(Open {
            start: span.start,
            anchor,
            keyed,
            children: Vec::new(),
            size: 1,
        });
    }

    fn end(&mut self, span: Span) -> Result<(), Fault> {
        let Some(open) = self.open.pop() else {
            return Err(fault(span, "a collection ends that never began"));
        };
        // A block collection ends where the next token begins: its last child is the better end.
        let last = open.children.last().map_or(open.start, |n| n.span.end);
        let end = if self.closes(span) { span.end } else { last };
        let span = Span {
            start: open.start,
            end: end.max(open.start),
        };
        let kind = if open.keyed {
            Kind::Mapping(pairs(&open.children))
        } else {
            Kind::Sequence(open.children)
        };
        let weighed = Weighed {
            node: Rc::new(Node { span, kind }),
            size: open.size,
        };
        self.add(weighed, open.anchor, span)
    }

    fn closes(&self, span: Span) -> bool {
        self.text
            .get(span.start..span.end)
            .is_some_and(|t| t == "]" || t == "}")
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<(), Fault> {
        let Some(weighed) = self.anchors.get(&id).cloned() else {
            return Err(fault(span, "this alias is inside the node it names"));
        };
        self.add(weighed, 0, span)
    }

    fn add(&mut self, weighed: Weighed, anchor: usize, span: Span) -> Result<(), Fault> {
        if anchor != 0 {
            self.anchors.insert(anchor, weighed.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(weighed.node);
            return Ok(());
        };
        open.size = open.size.saturating_add(weighed.size);
        if open.size > NODE_BUDGET {
            return Err(fault(
                span,
                format!(
                    "the file comes to more than {NODE_BUDGET} values once its aliases are written out"
                ),
            ));
        }
        open.children.push(weighed.node);
        Ok(())
    }

    fn span(&self, range: &Range) -> Span {
        let byte = |m: &granit_parser::Marker| m.byte_offset().unwrap_or(self.text.len());
        let (start, end) = (byte(&range.start), byte(&range.end));
        let written = self.text.get(start..end).unwrap_or("");
        // The parser's range of a plain scalar may reach over the white space behind it.
        Span {
            start,
            end: start + written.trim_end().len(),
        }
    }

    fn finish(self) -> Result<Rc<Node>, Fault> {
        self.root
            .ok_or_else(|| fault(Span::default(), "the file is empty"))
    }
}

fn pairs(children: &[Rc<Node>]) -> Vec<Entry> {
    children
        .chunks_exact(2)
        .map(|pair| Entry {
            key: Rc::clone(&pair[0]),
            value: Rc::clone(&pair[1]),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, path: &[&str]) -> String {
        let root = read(&Source::new("t", text)).expect("is YAML");
        let node = path
            .iter()
            .fold(&*root, |n, key| n.get(key).expect("has the key"));
        text[node.span.start..node.span.end].to_owned()
    }

    #[test]
    fn spans_cover_what_was_written() {
        let text =
            "a:\n  b: [1, 2]  # two\n  c: \"x y\"\n  d:\n    - 1\n    - 2\ne: plain text   \n";
        assert_eq!(written(text, &["a", "b"]), "[1, 2]");
        assert_eq!(written(text, &["a", "c"]), "\"x y\"");
        assert_eq!(written(text, &["a", "d"]), "- 1\n    - 2");
        assert_eq!(written(text, &["e"]), "plain text");
    }

    #[test]
    fn scalars_keep_their_text() {
        let root = read(&Source::new("t", "a: no\nb: 010\nc: 1e3\n")).expect("is YAML");
        let text = |key| root.get(key).and_then(Node::text).expect("is there");
        assert_eq!([text("a"), text("b"), text("c")], ["no", "010", "1e3"]);
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        use std::fmt::Write as _;
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..30 {
            let p = n - 1;
            let ten = vec![format!("*a{p}"); 10].join(", ");
            writeln!(text, "a{n}: &a{n} [{ten}]").expect("a string takes text");
        }
        let fault = read(&Source::new("t", text)).expect_err("is a bomb");
        assert!(
            fault.message.contains("2000000 values"),
            "{}",
            fault.message
        );
    }

    #[test]
    fn a_second_document_and_an_empty_file_are_refused() {
        let message = |text: &str| {
            read(&Source::new("t", text))
                .expect_err("is refused")
                .message
        };
        assert_eq!(
            message("a: 1\n---\nb: 2\n"),
            "a second document begins here; one file is one topology"
        );
        assert_eq!(message("# nothing\n"), "the file is empty");
    }
}
