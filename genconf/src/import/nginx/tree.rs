//! The syntax of nginx: directives that end in `;` or hold a block.

use std::ops::Range;

use super::token::{Reader, Token, fault};
use crate::import::Fault;
use crate::source::{Position, Source};

/// A directive, and what stands in its braces.
#[derive(Clone, Debug)]
pub(super) struct Directive {
    /// Its name.
    pub(super) name: String,
    /// Its arguments.
    pub(super) args: Vec<String>,
    /// Where it begins.
    pub(super) place: Position,
    /// Its block; none where it ends in `;`.
    pub(super) block: Option<Vec<Directive>>,
}

impl Directive {
    /// The first argument, or nothing.
    pub(super) fn arg(&self) -> &str {
        self.args.first().map_or("", String::as_str)
    }

    /// What is in its block.
    pub(super) fn inside(&self) -> &[Directive] {
        self.block.as_deref().unwrap_or_default()
    }

    /// As it is written, without its block.
    pub(super) fn text(&self) -> String {
        let words = std::iter::once(&self.name).chain(&self.args);
        words.map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// Deeper than any configuration; a file that goes on is none.
const DEEPEST: usize = 32;

/// Reads what stands in `range` of `source`.
pub(super) fn read(source: &Source, range: &Range<usize>) -> Result<Vec<Directive>, Fault> {
    let text = &source.text()[range.clone()];
    let mut reader = Reader {
        source,
        rest: text.trim_start_matches('\u{feff}'),
        end: range.end,
    };
    reader.block(0)
}

impl Reader<'_> {
    /// Directives up to the end of the block number `depth` deep, or of the file.
    fn block(&mut self, depth: usize) -> Result<Vec<Directive>, Fault> {
        let mut found = Vec::new();
        loop {
            let Some((place, token)) = self.token()? else {
                return if depth == 0 {
                    Ok(found)
                } else {
                    Err(fault(self.here(), "a `{` is not closed"))
                };
            };
            let name = match token {
                Token::Word(name) => name,
                Token::Close if depth > 0 => return Ok(found),
                Token::Close => {
                    return Err(fault(place, "nothing is open that this `}` could close"));
                }
                Token::Open | Token::End => {
                    return Err(fault(place, "a directive begins with its name"));
                }
            };
            found.push(self.directive(name, place, depth)?);
        }
    }

    fn directive(
        &mut self,
        name: String,
        place: Position,
        depth: usize,
    ) -> Result<Directive, Fault> {
        let mut args = Vec::new();
        let unended = format!("`{name}` does not end in `;`");
        loop {
            match self.token()? {
                Some((_, Token::Word(word))) => args.push(word),
                Some((_, Token::End)) => {
                    return Ok(Directive {
                        name,
                        args,
                        place,
                        block: None,
                    });
                }
                Some((at, Token::Open)) if depth < DEEPEST => {
                    if name.ends_with("_by_lua_block") {
                        return Err(fault(at, "a block of Lua cannot be read; take it out"));
                    }
                    let block = Some(self.block(depth + 1)?);
                    return Ok(Directive {
                        name,
                        args,
                        place,
                        block,
                    });
                }
                Some((at, Token::Open)) => return Err(fault(at, "blocks are too deep")),
                Some((at, Token::Close)) => return Err(fault(at, &unended)),
                None => return Err(fault(place, &unended)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Directive>, Fault> {
        super::read(&Source::new("n", text), &(0..text.len()))
    }

    #[test]
    fn words_quotes_comments_and_blocks_are_read() {
        let text = "# c\na 'b; {' \"c\\\"d\" ${e}f; http{ server {} } # end";
        let found = read(text).expect("is sound");
        assert_eq!(found[0].args, ["b; {", "c\"d", "${e}f"]);
        assert_eq!(found[1].inside()[0].name, "server");
        assert_eq!(
            found[1].place,
            Position {
                line: 2,
                column: 24
            }
        );
    }

    #[test]
    fn what_is_not_closed_is_told_with_its_place() {
        for (text, line, column) in [
            ("a {\n b;\n", 3, 1),
            ("a b", 1, 1),
            ("a;\n }", 2, 2),
            ("a 'b", 1, 3),
            ("a }", 1, 3),
        ] {
            let fault = read(text).expect_err("is broken");
            assert_eq!(fault.place, Some(Position { line, column }), "{text:?}");
        }
        let deep = "a {".repeat(100);
        assert!(read(&deep).is_err());
    }
}
