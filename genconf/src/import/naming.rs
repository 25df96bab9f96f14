//! Names that units can have, from whatever things were called before.

use std::collections::BTreeSet;

/// Room for a number behind it: names have at most 48 characters.
const LONGEST: usize = 40;

/// Names already given.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// A name like `raw` that nothing else has; `other` where nothing of `raw` can stay.
    pub(super) fn give(&mut self, raw: &str, other: &str) -> String {
        let stem = stem(raw, other);
        let numbered = (2..).map(|n| format!("{stem}-{n}"));
        let mut names = std::iter::once(stem.clone()).chain(numbered);
        let name = names.find(|n| !self.0.contains(n)).unwrap_or(stem);
        self.0.insert(name.clone());
        name
    }
}

/// Lower-case letters, digits and single inner hyphens, a letter first.
pub(super) fn stem(raw: &str, other: &str) -> String {
    let mut name = String::new();
    for c in raw.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name = format!("{other}-{name}");
    }
    name.truncate(LONGEST);
    let name = name.trim_end_matches('-');
    if name.is_empty() {
        other.to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fit_for_units_and_given_once() {
        let mut names = Names::default();
        assert_eq!(names.give("My API (v2)", "app"), "my-api-v2");
        assert_eq!(names.give("my_api v2", "app"), "my-api-v2-2");
        assert_eq!(names.give("8082", "app"), "app-8082");
        assert_eq!(names.give("ñ", "app"), "app");
        assert_eq!(names.give(&"a".repeat(99), "app").len(), LONGEST);
    }
}
