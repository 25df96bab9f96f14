//! Status codes of healthy responses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An inclusive range of status codes; `first` and `last` are equal for one code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StatusRange {
    /// The smallest code.
    pub first: u16,
    /// The largest code.
    pub last: u16,
}

/// The status codes of a healthy response, in the format of `HAProxy`: `200-299,401`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct StatusRanges(Vec<StatusRange>);

impl StatusRanges {
    /// Whether `status` is in one of the ranges.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        let is_in = |range: &StatusRange| (range.first..=range.last).contains(&status);
        self.0.iter().any(is_in)
    }
}

impl FromIterator<StatusRange> for StatusRanges {
    fn from_iter<I: IntoIterator<Item = StatusRange>>(ranges: I) -> Self {
        Self(ranges.into_iter().collect())
    }
}

impl fmt::Display for StatusRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

impl fmt::Display for StatusRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "{}", ranges.join(","))
    }
}

impl FromStr for StatusRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) if first <= last => Ok(Self { first, last }),
            _ => Err(format!("expected a status code or a range, found {text:?}")),
        }
    }
}

impl TryFrom<String> for StatusRanges {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.split(',').map(str::parse).collect()
    }
}

impl From<StatusRanges> for String {
    fn from(ranges: StatusRanges) -> Self {
        ranges.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_both_ends() {
        let ranges = StatusRanges::try_from("200-299,401".to_owned()).unwrap();
        assert_eq!(ranges.to_string(), "200-299,401");
        let healthy: Vec<u16> = (100..600).filter(|s| ranges.contains(*s)).collect();
        assert_eq!(healthy.first(), Some(&200));
        assert_eq!(healthy.last(), Some(&401));
        assert_eq!(healthy.len(), 101);
        for wrong in ["", "200-", "299-200", "200,,201", "ok"] {
            assert!(
                StatusRanges::try_from(wrong.to_owned()).is_err(),
                "{wrong:?}"
            );
        }
    }
}
