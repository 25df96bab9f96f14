//! Builds nodes from the events of the YAML parser.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span as Range};

use super::yaml_error::{DEFAULT_FIX, YamlError, error, fix, translated};
use super::{Entry, Kind, Node, Source, Span};

/// Maximum number of nodes with all aliases expanded. A file of this size is 20 MB of YAML; nested
/// aliases exceed it in 30 lines.
const NODE_BUDGET: usize = 2_000_000;

/// Maximum size of a file in bytes.
pub const BYTE_BUDGET: usize = 16 * 1024 * 1024;

/// Parses the only document of `source`.
pub fn read(source: &Source) -> Result<Rc<Node>, YamlError> {
    if source.text().len() > BYTE_BUDGET {
        let size = source.text().len();
        return Err(error(
            Span::default(),
            format!("the file must be at most {BYTE_BUDGET} bytes, found {size}"),
            "split the file: one topology per project",
        ));
    }
    let mut builder = Builder::new(source.text());
    for event in Parser::new_from_str(source.text()) {
        let (event, range) = event.map_err(|e| builder.scan_error(&e))?;
        builder.take(event, &range)?;
    }
    builder.finish(source.is_stdin())
}

/// A collection that is not closed yet.
struct Open {
    start: usize,
    anchor: usize,
    keyed: bool,
    children: Vec<Rc<Node>>,
    size: usize,
}

/// A node and its number of nodes with all aliases expanded.
#[derive(Clone)]
struct Counted {
    node: Rc<Node>,
    size: usize,
}

struct Builder<'t> {
    text: &'t str,
    open: Vec<Open>,
    anchors: HashMap<usize, Counted>,
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

    fn scan_error(&self, scan: &ScanError) -> YamlError {
        let at = scan.marker().byte_offset().unwrap_or(self.text.len());
        let at = at.min(self.text.len());
        let end = self.text[at..]
            .chars()
            .next()
            .map_or(at, |c| at + c.len_utf8());
        let message = scan.info().clone();
        let help = fix(&message);
        let message = translated(&message, &self.text[at..]).unwrap_or(message);
        error(Span { start: at, end }, message, help)
    }

    fn take(&mut self, event: Event<'_>, range: &Range) -> Result<(), YamlError> {
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
                let counted = Counted {
                    node: Rc::new(node),
                    size: 1,
                };
                self.add(counted, anchor, span)
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

    fn document(&mut self, span: Span) -> Result<(), YamlError> {
        self.documents += 1;
        if self.documents > 1 {
            return Err(error(
                span,
                "a file must contain one document, found a second one",
                "remove `---`, or move the second document to another file",
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

    fn end(&mut self, span: Span) -> Result<(), YamlError> {
        let Some(open) = self.open.pop() else {
            return Err(error(
                span,
                "this list or mapping was not opened",
                DEFAULT_FIX,
            ));
        };
        // The parser ends a block collection at the next token; use the end of the last child.
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
        let counted = Counted {
            node: Rc::new(Node { span, kind }),
            size: open.size,
        };
        self.add(counted, open.anchor, span)
    }

    fn closes(&self, span: Span) -> bool {
        self.text
            .get(span.start..span.end)
            .is_some_and(|t| t == "]" || t == "}")
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<(), YamlError> {
        let Some(counted) = self.anchors.get(&id).cloned() else {
            return Err(error(
                span,
                "an alias must not be inside of the node with its anchor",
                "remove the alias, or move it out of that node",
            ));
        };
        self.add(counted, 0, span)
    }

    fn add(&mut self, counted: Counted, anchor: usize, span: Span) -> Result<(), YamlError> {
        if anchor != 0 {
            self.anchors.insert(anchor, counted.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(counted.node);
            return Ok(());
        };
        open.size = open.size.saturating_add(counted.size);
        if open.size > NODE_BUDGET {
            return Err(error(
                span,
                format!("the file must have at most {NODE_BUDGET} values with aliases expanded"),
                "remove nested aliases",
            ));
        }
        open.children.push(counted.node);
        Ok(())
    }

    fn span(&self, range: &Range) -> Span {
        let byte = |m: &granit_parser::Marker| m.byte_offset().unwrap_or(self.text.len());
        let (start, end) = (byte(&range.start), byte(&range.end));
        let written = self.text.get(start..end).unwrap_or("");
        // The parser's range of a plain scalar may include trailing white space.
        Span {
            start,
            end: start + written.trim_end().len(),
        }
    }

    fn finish(self, is_stdin: bool) -> Result<Rc<Node>, YamlError> {
        let (message, help) = if is_stdin {
            (
                "expected a topology, found empty standard input",
                "pass a topology on standard input: `genconf check - < topology.yaml`",
            )
        } else {
            (
                "expected a topology, found an empty file",
                "create a starter topology in another file: `genconf init -t new.yaml`",
            )
        };
        self.root
            .ok_or_else(|| error(Span::default(), message, help))
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

    fn covered(text: &str, path: &[&str]) -> String {
        let root = read(&Source::new("t", text)).expect("is YAML");
        let node = path
            .iter()
            .fold(&*root, |n, key| n.get(key).expect("has the key"));
        text[node.span.start..node.span.end].to_owned()
    }

    #[test]
    fn spans_cover_the_text_of_a_node() {
        let text =
            "a:\n  b: [1, 2]  # two\n  c: \"x y\"\n  d:\n    - 1\n    - 2\ne: plain text   \n";
        assert_eq!(covered(text, &["a", "b"]), "[1, 2]");
        assert_eq!(covered(text, &["a", "c"]), "\"x y\"");
        assert_eq!(covered(text, &["a", "d"]), "- 1\n    - 2");
        assert_eq!(covered(text, &["e"]), "plain text");
    }

    #[test]
    fn scalars_keep_their_text() {
        let root = read(&Source::new("t", "a: no\nb: 010\nc: 1e3\n")).expect("is YAML");
        let text = |key| root.get(key).and_then(Node::text).expect("is there");
        assert_eq!([text("a"), text("b"), text("c")], ["no", "010", "1e3"]);
    }

    #[test]
    fn nested_aliases_are_limited() {
        use std::fmt::Write as _;
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..30 {
            let p = n - 1;
            let ten = vec![format!("*a{p}"); 10].join(", ");
            writeln!(text, "a{n}: &a{n} [{ten}]").expect("a string takes text");
        }
        let error = read(&Source::new("t", text)).expect_err("is too large");
        assert!(
            error.message.contains("2000000 values"),
            "{}",
            error.message
        );
    }

    #[test]
    fn a_second_document_and_an_empty_file_are_errors() {
        let message = |text: &str| {
            read(&Source::new("t", text))
                .expect_err("is an error")
                .message
        };
        assert_eq!(
            message("a: 1\n---\nb: 2\n"),
            "a file must contain one document, found a second one"
        );
        assert_eq!(
            message("# nothing\n"),
            "expected a topology, found an empty file"
        );
    }
}
