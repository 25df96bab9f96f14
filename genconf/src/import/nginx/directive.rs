//! Parses nginx configuration to directives.

use std::borrow::Cow;
use std::ops::Range;

use super::token::{Reader, Token, error_at};
use crate::import::ImportError;
use crate::source::{Position, Source};

/// A directive with its block.
#[derive(Clone, Debug)]
pub(super) struct Directive {
    /// Name.
    pub(super) name: String,
    /// Arguments.
    pub(super) args: Vec<String>,
    /// Position of its name.
    pub(super) position: Position,
    /// Block; `None` if the directive ends with `;`.
    pub(super) block: Option<Vec<Directive>>,
}

impl Directive {
    /// The first argument, or an empty string.
    pub(super) fn arg(&self) -> &str {
        self.args.first().map_or("", String::as_str)
    }

    /// The directives in its block.
    pub(super) fn inside(&self) -> &[Directive] {
        self.block.as_deref().unwrap_or_default()
    }

    /// The text without its block, for messages: values of headers with credentials are omitted.
    pub(super) fn text(&self) -> String {
        let mut text = self.name.clone();
        let has_credentials = self.has_credentials();
        for (index, argument) in self.args.iter().enumerate() {
            text.push(' ');
            if has_credentials && index > 0 {
                text.push_str("***");
            } else {
                text.push_str(&quoted(argument));
            }
        }
        text
    }

    /// Whether it sets a header that has credentials as its value (RFC 9110, section 11; RFC 6265).
    fn has_credentials(&self) -> bool {
        let header = self.arg().to_ascii_lowercase();
        let names = ["authorization", "cookie", "token", "secret", "key"];
        matches!(
            self.name.as_str(),
            "proxy_set_header" | "add_header" | "uwsgi_param" | "fastcgi_param"
        ) && names.iter().any(|name| header.ends_with(name))
    }
}

/// An argument as it is written: with quotes if it has characters that end a word.
fn quoted(argument: &str) -> Cow<'_, str> {
    let ends_word = |c: char| c.is_whitespace() || matches!(c, ';' | '{' | '}' | '"');
    if !argument.is_empty() && !argument.replace("${", "$").contains(ends_word) {
        return Cow::Borrowed(argument);
    }
    let escaped = argument.replace('\\', "\\\\").replace('"', "\\\"");
    Cow::Owned(format!("\"{escaped}\""))
}

/// Maximum depth of blocks.
const MAX_DEPTH: usize = 32;

/// Parses `range` of `source`.
pub(super) fn read(source: &Source, range: &Range<usize>) -> Result<Vec<Directive>, ImportError> {
    let text = &source.text()[range.clone()];
    let mut reader = Reader {
        source,
        rest: text.trim_start_matches('\u{feff}'),
        end: range.end,
    };
    reader.block(0)
}

impl Reader<'_> {
    /// Parses directives up to the end of the block at `depth`, or of the file.
    fn block(&mut self, depth: usize) -> Result<Vec<Directive>, ImportError> {
        let mut found = Vec::new();
        loop {
            let Some((position, token)) = self.token()? else {
                return if depth == 0 {
                    Ok(found)
                } else {
                    Err(error_at(self.here(), "a block is not closed: expected `}`"))
                };
            };
            let name = match token {
                Token::Word(name) => name,
                Token::Close if depth > 0 => return Ok(found),
                Token::Close => {
                    return Err(error_at(position, "unexpected `}`: no block is open"));
                }
                Token::Open | Token::End => {
                    return Err(error_at(position, "expected the name of a directive"));
                }
            };
            found.push(self.directive(name, position, depth)?);
        }
    }

    fn directive(
        &mut self,
        name: String,
        position: Position,
        depth: usize,
    ) -> Result<Directive, ImportError> {
        let mut args = Vec::new();
        let unterminated = format!("`{name}` does not end with `;`");
        loop {
            match self.token()? {
                Some((_, Token::Word(word))) => args.push(word),
                Some((_, Token::End)) => {
                    return Ok(Directive {
                        name,
                        args,
                        position,
                        block: None,
                    });
                }
                Some((at, Token::Open)) if depth < MAX_DEPTH => {
                    if name.ends_with("_by_lua_block") {
                        return Err(error_at(
                            at,
                            "Lua blocks are not supported; remove the block",
                        ));
                    }
                    let block = Some(self.block(depth + 1)?);
                    return Ok(Directive {
                        name,
                        args,
                        position,
                        block,
                    });
                }
                Some((at, Token::Open)) => {
                    return Err(error_at(
                        at,
                        "blocks are nested too deeply: at most 32 levels",
                    ));
                }
                Some((at, Token::Close)) => return Err(error_at(at, &unterminated)),
                None => return Err(error_at(position, &unterminated)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Directive>, ImportError> {
        super::read(&Source::new("n", text), &(0..text.len()))
    }

    #[test]
    fn words_quotes_comments_and_blocks_are_read() {
        let text = "# c\na 'b; {' \"c\\\"d\" ${e}f; http{ server {} } # end";
        let found = read(text).expect("is valid");
        assert_eq!(found[0].args, ["b; {", "c\"d", "${e}f"]);
        assert_eq!(found[1].inside()[0].name, "server");
        assert_eq!(
            found[1].position,
            Position {
                line: 2,
                column: 24
            }
        );
    }

    #[test]
    fn syntax_errors_have_a_position() {
        for (text, line, column) in [
            ("a {\n b;\n", 3, 1),
            ("a b", 1, 1),
            ("a;\n }", 2, 2),
            ("a 'b", 1, 3),
            ("a }", 1, 3),
        ] {
            let error = read(text).expect_err("is invalid");
            assert_eq!(error.position, Some(Position { line, column }), "{text:?}");
        }
        let deep = "a {".repeat(100);
        assert!(read(&deep).is_err());
    }
}
