//! Paths of forwarded requests: the URL of `proxy_pass` and `rewrite`.

use super::directive::Directive;
use super::pattern::{Matching, Pattern};
use crate::topology::decode::Scalar as _;
use crate::topology::path::UrlPath;

/// The path of forwarded requests.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Rewriting {
    /// Value of the key `rewrite`.
    pub(super) rewrite: Option<String>,
    /// How the path differs from nginx.
    pub(super) difference: Option<String>,
}

/// The rewriting of a location; `uri` is the path in the URL of its `proxy_pass`.
pub(super) fn of(
    block: &Directive,
    pattern: &Pattern<'_>,
    uri: Option<&str>,
) -> Result<Rewriting, String> {
    let rewrites = block.inside().iter().filter(|d| changes_path(d));
    let rewriting = match (rewrites.collect::<Vec<_>>().as_slice(), uri) {
        // nginx ignores the path in the URL of `proxy_pass` after a rewrite.
        ([directive], _) => by_rewrite(directive, pattern).ok_or_else(|| {
            format!(
                "`{}` is not supported: `rewrite` of a route replaces the path of the location",
                directive.text()
            )
        })?,
        ([], Some(uri)) => by_url(pattern, uri),
        ([], None) => Rewriting::default(),
        _ => return Err("several `rewrite` directives are not supported".to_owned()),
    };
    let Some(to) = &rewriting.rewrite else {
        return Ok(rewriting);
    };
    UrlPath::read(to).map_err(|reason| format!("invalid rewrite `{to}`: {reason}"))?;
    if trimmed(to) == pattern.trimmed() {
        return Ok(Rewriting {
            rewrite: None,
            ..rewriting
        });
    }
    Ok(rewriting)
}

/// Whether the directive changes the path of forwarded requests. Redirects do not.
pub(super) fn changes_path(directive: &Directive) -> bool {
    let flag = directive.args.get(2).map(String::as_str);
    let is_redirect = ["redirect", "permanent"].map(Some).contains(&flag)
        || directive.args.get(1).is_some_and(|to| to.contains("://"));
    directive.name == "rewrite" && !is_redirect
}

fn trimmed(path: &str) -> &str {
    path.trim_end_matches('/')
}

/// nginx replaces the text of the location, genconf the path without the slash at its end.
fn by_url(pattern: &Pattern<'_>, uri: &str) -> Rewriting {
    let (from, to) = (pattern.trimmed(), trimmed(uri));
    let is_exact = pattern.matching == Matching::Exact;
    let differs = !is_exact && pattern.path.ends_with('/') != uri.ends_with('/');
    let rest = if pattern.path.ends_with('/') {
        "x"
    } else {
        "/x"
    };
    let difference = differs.then(|| {
        format!("`{from}/x` is passed on as `{to}/x`; nginx passes it on as `{uri}{rest}`")
    });
    Rewriting {
        rewrite: Some(uri.to_owned()),
        difference,
    }
}

/// A `rewrite` that removes or replaces the path of the location, as a route does.
fn by_rewrite(directive: &Directive, pattern: &Pattern<'_>) -> Option<Rewriting> {
    let [expression, replacement, flag] = directive.args.as_slice() else {
        return None;
    };
    if flag != "break" || pattern.matching != Matching::Prefix {
        return None;
    }
    let expression = expression.strip_prefix('^').unwrap_or(expression);
    let expression = expression.strip_suffix('$').unwrap_or(expression);
    let (prefix, capture) = captured(expression)?;
    let base = replacement.strip_suffix(&format!("${}", capture.number))?;
    let prefix = unescaped(prefix)?;
    let from = pattern.trimmed();
    let below = format!("{from}/");
    let to = match capture.slash {
        Slash::Before if prefix == below => base.strip_suffix('/')?,
        Slash::Optional if prefix == from => base.strip_suffix('/')?,
        Slash::Captured if prefix == from && !base.ends_with('/') => base,
        _ => return None,
    };
    // Without the slash, the expression of nginx does not match the path of the location itself.
    let is_unchanged = !pattern.path.ends_with('/') && capture.slash == Slash::Before;
    let difference = is_unchanged
        .then(|| format!("`{from}` is passed on as `{to}/`; nginx passes it on unchanged"));
    Some(Rewriting {
        rewrite: Some(if to.is_empty() { "/" } else { to }.to_owned()),
        difference,
    })
}

/// The slash after the prefix of an expression.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Slash {
    /// The capture starts with it.
    Captured,
    /// It is before the capture.
    Before,
    /// It is before the capture, or missing.
    Optional,
}

/// The capture at the end of an expression.
struct Capture {
    number: u8,
    slash: Slash,
}

/// Splits an expression in a prefix and a capture of the rest.
fn captured(expression: &str) -> Option<(&str, Capture)> {
    for (end, number, slash) in [
        ("(/|$)(.*)", 2, Slash::Optional),
        ("(?:/|$)(.*)", 1, Slash::Optional),
        ("/?(.*)", 1, Slash::Optional),
        ("(/.*)", 1, Slash::Captured),
    ] {
        if let Some(prefix) = expression.strip_suffix(end) {
            return Some((prefix, Capture { number, slash }));
        }
    }
    let prefix = expression.strip_suffix("(.*)")?;
    let slash = if prefix.ends_with('/') {
        Slash::Before
    } else {
        Slash::Captured
    };
    Some((prefix, Capture { number: 1, slash }))
}

/// The text that an expression without operators matches.
fn unescaped(expression: &str) -> Option<String> {
    let mut text = String::new();
    let mut chars = expression.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(chars.next().filter(char::is_ascii_punctuation)?),
            // A dot matches itself, too.
            c if c.is_ascii_alphanumeric() || "._/@:=,-".contains(c) => text.push(c),
            _ => return None,
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::super::directive;
    use super::{Pattern, of};
    use crate::source::Source;

    fn rewriting(location: &str) -> Result<(Option<String>, bool), String> {
        let source = Source::new("n", location);
        let found = directive::read(&source, &(0..location.len())).expect("is valid");
        let pattern = Pattern::of(&found[0]).expect("is valid");
        let rewriting = of(&found[0], &pattern, None)?;
        Ok((rewriting.rewrite, rewriting.difference.is_some()))
    }

    #[test]
    fn a_rewrite_of_the_path_of_the_location_is_supported() {
        for (location, to, differs) in [
            (
                "location /api/ { rewrite ^/api/(.*)$ /$1 break; }",
                "/",
                false,
            ),
            (
                "location /api/ { rewrite ^/api/(.*) /v2/$1 break; }",
                "/v2",
                false,
            ),
            (
                "location /api/ { rewrite /api/(.*) /$1 break; }",
                "/",
                false,
            ),
            (
                "location /api { rewrite ^/api/(.*)$ /$1 break; }",
                "/",
                true,
            ),
            (
                "location /api { rewrite ^/api(/.*)$ $1 break; }",
                "/",
                false,
            ),
            (
                "location /api { rewrite ^/api(.*)$ /b$1 break; }",
                "/b",
                false,
            ),
            (
                "location /api { rewrite ^/api/?(.*)$ /$1 break; }",
                "/",
                false,
            ),
            (
                "location /api { rewrite ^/api(/|$)(.*) /$2 break; }",
                "/",
                false,
            ),
            (
                "location /a.b/ { rewrite ^/a\\.b/(.*)$ /$1 break; }",
                "/",
                false,
            ),
            (
                "location / { rewrite ^/(.*)$ /app/$1 break; }",
                "/app",
                false,
            ),
        ] {
            let expected = (Some(to.to_owned()), differs);
            assert_eq!(rewriting(location), Ok(expected), "{location}");
        }
    }

    #[test]
    fn other_rewrites_are_rejected() {
        for location in [
            "location /api/ { rewrite ^/api/(.*)$ /$1 last; }",
            "location /api/ { rewrite ^/api/(.*)$ /$1; }",
            "location /api/ { rewrite ^/api/(.*)$ /$1?a=b break; }",
            "location /api/ { rewrite ^/api/(.*)$ /index.php?q=$1 break; }",
            "location /api/ { rewrite ^/other/(.*)$ /$1 break; }",
            "location /api { rewrite ^/api(.*)$ /$1 break; }",
            "location /api/ { rewrite ^/api/([0-9]+)$ /$1 break; }",
            "location /api/ { rewrite ^ /index.html break; }",
            "location /a { rewrite ^/a/b$ /c break; rewrite ^/a/(.*)$ /$1 break; }",
        ] {
            assert!(rewriting(location).is_err(), "{location}");
        }
        let redirect = "location /api/ { rewrite ^/api/old$ /api/new permanent; }";
        assert_eq!(rewriting(redirect), Ok((None, false)));
    }
}
