//! Container image names.

use serde_json::{Value, json};

use super::decode::{Decode, Scalar};
use super::decoder::Decoder;
use super::invalid::Invalid;
use super::schema::Described;
use crate::source::{Node, Span, Spanned};

/// The name of an image and its tag: `randoms`, `randoms:1`, `example.org:5000/shop/web:2.3`.
///
/// The format of `docker build --tag`, without digests, which only a registry assigns.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Image(String);

/// Maximum length of name and tag in Podman and Docker.
const MAX_LENGTH: usize = 255;
/// Maximum length of a tag.
const MAX_TAG_LENGTH: usize = 128;

impl Image {
    /// The name and the tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Scalar for Image {
    const NOUN: &'static str = "an image name";
    const EXAMPLE: &'static str = "shop:1";

    fn schema() -> Value {
        json!({ "type": "string", "maxLength": MAX_LENGTH, "pattern":
            "^[a-z0-9]+([._-]+[a-z0-9]+)*(:[0-9]+/[a-z0-9]+([._-]+[a-z0-9]+)*)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$"
        })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        if text.contains('@') {
            // An archive has its images by tag.
            let name = text.split('@').next().unwrap_or_default();
            let help = match Self::read(name) {
                Ok(image) => format!("use a tag: `{}`", image.0),
                Err(_) => format!("use a tag, such as `{}`", Self::EXAMPLE),
            };
            return Err(Invalid::must("not have a digest", help));
        }
        if text.len() > MAX_LENGTH {
            let help = "use a shorter name";
            return Err(Invalid::too_long(MAX_LENGTH, "bytes", text.len(), help));
        }
        let (name, tag) = split(text);
        if !is_name(name) || !tag.is_none_or(is_tag) {
            let lowered = text.to_ascii_lowercase();
            let help = if lowered != text && Self::read(&lowered).is_ok() {
                format!("use `{lowered}`")
            } else {
                format!("use a name such as `{}`", Self::EXAMPLE)
            };
            let expected = "`NAME` or `NAME:TAG` as in `docker build --tag`";
            return Err(Invalid::expected(expected, help));
        }
        Ok(Self(format!("{name}:{}", tag.unwrap_or("latest"))))
    }
}

/// The image of an app. An invalid one is `None`: the key is set.
#[derive(Clone, Debug)]
pub struct SpannedImage {
    /// The location.
    pub span: Span,
    /// The image, if it is valid.
    pub image: Option<Image>,
}

impl Decode for SpannedImage {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let image = Spanned::<Image>::decode(node, decoder).map(|i| i.value);
        Some(Self {
            span: node.span,
            image,
        })
    }

    fn example() -> String {
        Image::EXAMPLE.to_owned()
    }
}

impl Described for SpannedImage {
    fn describe() -> Value {
        Spanned::<Image>::describe()
    }
}

/// The name and the tag: a colon after the last slash starts the tag, an earlier one a port.
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
    let (host, port) = match first.split_once(':') {
        Some((host, port)) if rest.is_some() => (host, Some(port)),
        _ => (first, None),
    };
    is_part(host)
        && port.is_none_or(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
        && rest.is_none_or(|r| r.split('/').all(is_part))
}

/// Letters and digits with separators between them.
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
        && tag.len() <= MAX_TAG_LENGTH
        && tag.bytes().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_tag_is_latest() {
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
    fn an_image_name_has_safe_characters_only() {
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
