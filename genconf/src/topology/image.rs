//! Names of container images.

use serde_json::{Value, json};

use super::decode::{Decode, Leaf};
use super::schema::Described;
use crate::diagnostic::Diagnostics;
use crate::source::{Node, Span, Spanned};

/// The name of an image and its tag: `randoms`, `randoms:1`, `example.org:5000/shop/web:2.3`.
///
/// What `docker build --tag` takes, without the digest that only a registry can give.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Image(String);

/// Longest name and tag together, as both engines have it.
const LONGEST: usize = 255;
/// Longest tag.
const LONGEST_TAG: usize = 128;

impl Image {
    /// The name, with a tag in any case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Leaf for Image {
    const WHAT: &'static str = "an image";

    fn schema() -> Value {
        json!({ "type": "string", "maxLength": LONGEST, "pattern":
            "^[a-z0-9]+([._-]+[a-z0-9]+)*(:[0-9]+/[a-z0-9]+([._-]+[a-z0-9]+)*)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$"
        })
    }

    fn read(text: &str) -> Result<Self, String> {
        if text.contains('@') {
            return Err(
                "write a tag, not a digest: an archive knows its images by tags".to_owned(),
            );
        }
        let (name, tag) = split(text);
        if text.len() > LONGEST || !is_name(name) || !tag.is_none_or(is_tag) {
            return Err(
                "write NAME or NAME:TAG, in small letters, digits and `._-/` as `docker build --tag` takes it"
                    .to_owned(),
            );
        }
        Ok(Self(format!("{name}:{}", tag.unwrap_or("latest"))))
    }
}

/// The image of an app, as it was written. One that cannot be read was told
/// and is blank: the app still has one, whatever it is.
#[derive(Clone, Debug)]
pub struct Written {
    /// Where.
    pub span: Span,
    /// What.
    pub image: Option<Image>,
}

impl Decode for Written {
    fn decode(node: &Node, faults: &mut Diagnostics) -> Option<Self> {
        let image = Spanned::<Image>::decode(node, faults).map(|i| i.value);
        Some(Self {
            span: node.span,
            image,
        })
    }
}

impl Described for Written {
    fn describe() -> Value {
        Spanned::<Image>::describe()
    }
}

/// A colon after the last slash begins the tag; an earlier one a port.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (text, None),
    }
}

fn is_name(name: &str) -> bool {
    let (first, rest) = match name.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (name, None),
    };
    let (place, port) = match first.split_once(':') {
        Some((place, port)) if rest.is_some() => (place, Some(port)),
        _ => (first, None),
    };
    is_part(place)
        && port.is_none_or(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
        && rest.is_none_or(|r| r.split('/').all(is_part))
}

/// Letters and digits, with single or repeated separators between them.
fn is_part(part: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let inner = |b: u8| plain(b) || b"._-".contains(&b);
    let ends = |b: Option<&u8>| b.is_some_and(|b| plain(*b));
    let bytes = part.as_bytes();
    ends(bytes.first()) && ends(bytes.last()) && part.bytes().all(inner)
}

fn is_tag(tag: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    !tag.is_empty()
        && !tag.starts_with(['.', '-'])
        && tag.len() <= LONGEST_TAG
        && tag.bytes().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_a_tag_in_any_case() {
        let read = |text| Image::read(text).map(|i| i.0).ok();
        for (text, whole) in [
            ("randoms", "randoms:latest"),
            ("randoms:1", "randoms:1"),
            ("a/b-c/d.e__f:V1.2-x_y", "a/b-c/d.e__f:V1.2-x_y"),
            ("example.org:5000/web", "example.org:5000/web:latest"),
            ("localhost:5000/web:2", "localhost:5000/web:2"),
        ] {
            assert_eq!(read(text).as_deref(), Some(whole));
        }
    }

    #[test]
    fn what_an_engine_or_a_shell_would_take_for_something_else_is_refused() {
        for wrong in [
            "",
            ":1",
            "a:",
            "a:-x",
            "a:.x",
            "-a",
            "a-",
            "--privileged",
            "A",
            "a b",
            "a\nb",
            "a;b",
            "a/",
            "/a",
            "a//b",
            "a:b:c",
            "a:x/b",
            "$(x)",
            "a%i",
            "é",
            "a@sha256:00",
            "{{a}}",
        ] {
            assert!(Image::read(wrong).is_err(), "{wrong:?}");
        }
        assert!(Image::read(&"a".repeat(300)).is_err());
        assert!(Image::read(&format!("a:{}", "b".repeat(129))).is_err());
    }
}
