//! Names that units can have, from whatever things were called before.

use std::collections::BTreeSet;

/// Room for a number behind it: names have at most 48 characters.
const LONGEST: usize = 40;

/// Units that genconf makes beside a pool, an app or a proxy are called after it.
const COMPANIONS: [&str; 4] = ["port", "probe", "rotate", "watch"];

/// Names already given.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// A name like `raw` that nothing else has; `other` where nothing of `raw` can stay.
    pub(super) fn give(&mut self, raw: &str, other: &str) -> String {
        let stem = stem(raw, other);
        // No number of four digits: it could be a port.
        let high = (1..).flat_map(|k| (0..1000).map(move |n| format!("{k}-{n}")));
        let numbers = (2..1000).map(|n: u16| n.to_string()).chain(high);
        let numbered = numbers.map(|n| format!("{stem}-{n}"));
        let mut names = std::iter::once(stem.clone()).chain(numbered);
        let name = names.find(|n| self.is_free(n)).unwrap_or(stem);
        self.0.insert(name.clone());
        name
    }

    /// Whether nothing has the name, and no unit beside what has another.
    fn is_free(&self, name: &str) -> bool {
        let of = name.rsplit_once('-').filter(|(_, end)| is_companion(end));
        let stem = format!("{name}-");
        let longer = self.0.range(stem.clone()..);
        let mut ends = longer.map_while(|n| n.strip_prefix(&stem));
        let beside = of.is_some_and(|(of, _)| self.0.contains(of)) || ends.any(is_companion);
        !self.0.contains(name) && !beside
    }
}

/// Whether a unit may end so: a word, or the port of a cluster.
fn is_companion(end: &str) -> bool {
    COMPANIONS.contains(&end) || (end.len() >= 4 && end.bytes().all(|b| b.is_ascii_digit()))
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
        assert_eq!(names.give("ñ", "app"), "app-2");
        assert_eq!(names.give(&"a".repeat(99), "app").len(), LONGEST);
    }

    #[test]
    fn a_name_is_none_of_a_unit_beside_another() {
        let mut names = Names::default();
        assert_eq!(names.give("web", "app"), "web");
        assert_eq!(names.give("web-probe", "app"), "web-probe-2");
        assert_eq!(names.give("db-watch", "app"), "db-watch");
        assert_eq!(names.give("db", "app"), "db-2");
        assert_eq!(names.give("web-2", "app"), "web-2");
        assert_eq!(names.give("web-8081", "app"), "web-8081-2");
    }
}
