//! Valid unit names from arbitrary names.

use std::collections::BTreeSet;

use crate::topology::decode::Scalar as _;
use crate::topology::name::ProjectName;
use crate::topology::reserved::{GROUPS, UNITS};

/// Longest stem: names have at most 48 characters, the rest is for a number.
const MAX_STEM_LENGTH: usize = 40;

/// Suffixes of units that genconf adds to a pool, app, or proxy.
const UNIT_SUFFIXES: [&str; 3] = ["port", "rotate", "watch"];

/// Name of a unit that genconf adds to a project.
const MONITOR: &str = "monitor";

/// Names in use.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// Reserves an unused name derived from `raw`, or from `fallback` if `raw` has no valid character.
    pub(super) fn reserve(&mut self, raw: &str, fallback: &str) -> String {
        let stem = stem(raw, fallback);
        // Numbers with four digits could be ports.
        let high = (1..).flat_map(|k| (0..1000).map(move |n| format!("{k}-{n}")));
        let numbers = (2..1000).map(|n: u16| n.to_string()).chain(high);
        let numbered = numbers.map(|n| format!("{stem}-{n}"));
        let mut names = std::iter::once(stem.clone()).chain(numbered);
        let name = names.find(|n| self.is_free(n)).unwrap_or(stem);
        self.0.insert(name.clone());
        name
    }

    /// Whether the name and the unit names derived from it are unused.
    fn is_free(&self, name: &str) -> bool {
        let owner = name.rsplit_once('-').filter(|(_, end)| is_unit_suffix(end));
        let stem = format!("{name}-");
        let longer = self.0.range(stem.clone()..);
        let mut ends = longer.map_while(|n| n.strip_prefix(&stem));
        let is_unit_name =
            owner.is_some_and(|(owner, _)| self.0.contains(owner)) || ends.any(is_unit_suffix);
        !self.0.contains(name) && !is_unit_name && name != MONITOR
    }
}

/// Whether a unit name can have this suffix: a fixed one, or the port of a cluster.
fn is_unit_suffix(end: &str) -> bool {
    UNIT_SUFFIXES.contains(&end) || (end.len() >= 4 && end.bytes().all(|b| b.is_ascii_digit()))
}

/// Reduces `raw` to lower-case letters, digits, and single inner hyphens, starting with a letter.
pub(super) fn stem(raw: &str, fallback: &str) -> String {
    let mut name = String::new();
    for c in raw.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name = format!("{fallback}-{name}");
    }
    name.truncate(MAX_STEM_LENGTH);
    let name = name.trim_end_matches('-');
    if name.is_empty() {
        fallback.to_owned()
    } else {
        name.to_owned()
    }
}

/// A valid project name derived from `raw`, with which the units of pools and proxies named `names`
/// have no name of a unit of Debian.
pub(super) fn project(raw: &str, names: &[&str]) -> String {
    let stem = stem(raw, "app");
    let is_free = |project: &str| {
        let units = names.iter().map(|name| format!("{project}-{name}"));
        let mut units =
            units.map(|unit| [GROUPS, UNITS].iter().any(|l| l.contains(&unit.as_str())));
        ProjectName::read(project).is_ok() && !units.any(|is_reserved| is_reserved)
    };
    if is_free(&stem) {
        stem
    } else {
        format!("my-{stem}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_valid_and_unique() {
        let mut names = Names::default();
        assert_eq!(names.reserve("My API (v2)", "app"), "my-api-v2");
        assert_eq!(names.reserve("my_api v2", "app"), "my-api-v2-2");
        assert_eq!(names.reserve("8082", "app"), "app-8082");
        assert_eq!(names.reserve("ñ", "app"), "app-2");
        assert_eq!(names.reserve(&"a".repeat(99), "app").len(), MAX_STEM_LENGTH);
    }

    #[test]
    fn a_name_differs_from_derived_unit_names() {
        let mut names = Names::default();
        assert_eq!(names.reserve("web", "app"), "web");
        assert_eq!(names.reserve("web-port", "app"), "web-port-2");
        assert_eq!(names.reserve("monitor", "app"), "monitor-2");
        assert_eq!(names.reserve("db-watch", "app"), "db-watch");
        assert_eq!(names.reserve("db", "app"), "db-2");
        assert_eq!(names.reserve("web-2", "app"), "web-2");
        assert_eq!(names.reserve("web-8081", "app"), "web-8081-2");
    }

    #[test]
    fn a_project_has_no_name_of_a_unit_of_debian() {
        for (raw, names, expected) in [
            ("Shop", &["web", "edge"][..], "shop"),
            ("default", &["default"], "my-default"),
            ("User API", &["web"], "my-user-api"),
            ("avahi", &["web"], "avahi"),
            ("avahi", &["web", "daemon"], "my-avahi"),
        ] {
            assert_eq!(project(raw, names), expected);
        }
    }
}
