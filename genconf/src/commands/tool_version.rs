//! The version that a tool prints.

use std::fmt;

/// Numbers separated by dots, compared one by one.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct ToolVersion(Vec<u64>);

impl ToolVersion {
    /// The first version in `text`: two numbers or more, as in `nginx/1.22.1` and
    /// `version 2.6.12-1+deb12u4`.
    pub(super) fn find(text: &str) -> Option<Self> {
        let is_other = |c: char| !c.is_ascii_digit() && c != '.';
        text.split(is_other).find_map(|word| {
            let numbers = word.trim_matches('.').split('.').map(str::parse);
            let numbers = numbers.collect::<Result<Vec<_>, _>>().ok()?;
            (numbers.len() > 1).then_some(Self(numbers))
        })
    }
}

impl fmt::Display for ToolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u64::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_tools_print() {
        for (printed, version) in [
            ("nginx version: nginx/1.22.1", Some("1.22.1")),
            (
                "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/",
                Some("2.6.12"),
            ),
            ("3.0", Some("3.0")),
            ("systemd 252 (252.39-1~deb12u1)", Some("252.39")),
            ("nginx version: none.", None),
            ("", None),
        ] {
            let found = ToolVersion::find(printed).map(|v| v.to_string());
            assert_eq!(found.as_deref(), version, "{printed}");
        }
    }

    #[test]
    fn versions_are_compared_by_numbers() {
        let older = |a: &str, b: &str| ToolVersion::find(a) < ToolVersion::find(b);
        assert!(older("1.9.9", "1.26"));
        assert!(older("1.25.5", "1.26"));
        assert!(!older("1.26.3", "1.26"));
        assert!(!older("3.0.1", "2.6.12"));
    }
}
