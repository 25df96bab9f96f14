//! Parses nginx configuration to directives.

use std::borrow::Cow;
use std::ops::Range;

use super::token::{Reader, Token, error_at, in_quotes};
use crate::import::{ImportError, secret};
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

    /// The text without its block, for messages: secrets are omitted.
    pub(super) fn text(&self) -> String {
        let mut text = self.name.clone();
        let mut is_secret = SECRETS.contains(&self.name.as_str());
        for argument in &self.args {
            let is_operator = OPERATORS.contains(&argument.as_str());
            text.push(' ');
            match argument {
                _ if is_operator => text.push_str(argument),
                _ if is_secret || secret::is_secret("", argument) => text.push_str(secret::OMITTED),
                _ => text.push_str(&readable(argument)),
            }
            is_secret = is_secret || (self.sets_or_compares() && names_secret(argument));
        }
        text
    }

    /// Whether its first argument is a name, and the others are values.
    fn sets_or_compares(&self) -> bool {
        let name = self.name.as_str();
        name.ends_with("_param")
            || ["add_header", "if", "set"].contains(&name)
            || name.ends_with("_set_header")
    }
}

/// Words of a condition that are not values (`if` of `ngx_http_rewrite_module`).
const OPERATORS: [&str; 7] = ["=", "!=", "~", "~*", "!~", "!~*", ")"];

/// Directives with a secret as their argument (`ngx_http_secure_link_module`).
const SECRETS: [&str; 2] = ["secure_link_md5", "secure_link_secret"];

/// Whether this is the name of a header or of a variable with credentials: `X-Api-Key`, `($http_cookie`.
fn names_secret(name: &str) -> bool {
    let name = name.trim_start_matches(['(', '$']).replace('-', "_");
    let ends = name.to_ascii_uppercase();
    let is_header = ["AUTHORIZATION", "COOKIE"]
        .iter()
        .any(|end| ends.ends_with(end));
    is_header || secret::is_secret(&name, "value")
}

/// An argument in quotes if it has characters that end a word.
fn readable(argument: &str) -> Cow<'_, str> {
    let ends_word = |c: char| c.is_whitespace() || matches!(c, ';' | '{' | '}' | '"');
    if argument.is_empty() || argument.contains(ends_word) {
        Cow::Owned(in_quotes(argument))
    } else {
        Cow::Borrowed(argument)
    }
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
    fn secrets_are_omitted_from_messages() {
        for (text, expected) in [
            (
                "proxy_set_header Authorization 'Basic YWJj';",
                "proxy_set_header Authorization ...",
            ),
            (
                "proxy_set_header X-Api-Key abc;",
                "proxy_set_header X-Api-Key ...",
            ),
            ("set $upstream_token abc;", "set $upstream_token ..."),
            (
                "if ($http_x_api_key != \"abc\") { return 403; }",
                "if ($http_x_api_key != ... )",
            ),
            ("secure_link_md5 \"$uri abc\";", "secure_link_md5 ..."),
            ("proxy_pass http://user:abc@10.0.0.1:80;", "proxy_pass ..."),
            (
                "proxy_set_header Host $host;",
                "proxy_set_header Host $host",
            ),
            (
                "server_name token.example.org b.example.org;",
                "server_name token.example.org b.example.org",
            ),
            (
                "ssl_certificate_key /etc/a.key;",
                "ssl_certificate_key /etc/a.key",
            ),
            ("location ~ \\.php$ {}", "location ~ \\.php$"),
        ] {
            assert_eq!(read(text).expect(text)[0].text(), expected);
        }
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
