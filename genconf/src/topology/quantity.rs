//! Sizes and durations in the forms people write.

use std::fmt;
use std::time::Duration as StdDuration;

use serde_json::{Value, json};

use super::decode::Leaf;

/// A number of bytes: `64KiB`, `512MiB`, `1GiB`, or with decimal units `500MB`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ByteSize(u64);

const SIZES: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

/// 4 EiB: nginx and `HAProxy` hold a size in 64 bits with a sign, and the latter counts one further.
const LARGEST: u64 = 1 << 62;

impl ByteSize {
    /// A size in bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// Whole mebibytes, rounded up.
    #[must_use]
    pub const fn mebibytes(self) -> u64 {
        self.0.div_ceil(1 << 20)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary = SIZES[..3].iter().rev();
        let fits = binary
            .clone()
            .find(|(_, unit)| self.0 > 0 && self.0.is_multiple_of(*unit));
        match fits {
            Some((name, unit)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl Leaf for ByteSize {
    const WHAT: &'static str = "a size";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9]+(KiB|MiB|GiB|KB|MB|GB|B)$" })
    }

    fn read(text: &str) -> Result<Self, String> {
        let bytes = SIZES.iter().find_map(|(name, unit)| {
            let number = text.strip_suffix(name)?;
            digits(number)?.checked_mul(*unit)
        });
        match bytes {
            Some(bytes) if bytes > LARGEST => {
                Err("at most 4611686018427387904B, which is 4 EiB".to_owned())
            }
            Some(bytes) if bytes > 0 => Ok(Self(bytes)),
            _ => Err("write a whole number and a unit: `64KiB`, `512MiB`, `1GiB`".to_owned()),
        }
    }
}

/// A span of time: `500ms`, `10s`, `2m`, `1h`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Duration(StdDuration);

const DURATIONS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// A day; a longer timeout is a slip of the pen.
const LONGEST_MS: u64 = 24 * 3_600_000;

impl Duration {
    /// A duration of whole milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(StdDuration::from_millis(millis))
    }

    /// Milliseconds.
    #[must_use]
    pub fn millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// Seconds, rounded up.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.millis().div_ceil(1_000)
    }
}

impl fmt::Display for Duration {
    /// The form that nginx, `HAProxy`, systemd and the server all read: `10s` or `500ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.millis();
        if millis.is_multiple_of(1_000) {
            write!(f, "{}s", millis / 1_000)
        } else {
            write!(f, "{millis}ms")
        }
    }
}

impl Leaf for Duration {
    const WHAT: &'static str = "a duration";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h)$" })
    }

    fn read(text: &str) -> Result<Self, String> {
        let millis = DURATIONS.iter().find_map(|(name, unit)| {
            let number = text.strip_suffix(name)?;
            digits(number)?.checked_mul(*unit)
        });
        match millis {
            Some(millis @ 1..=LONGEST_MS) => Ok(Self::from_millis(millis)),
            Some(0) => Err("a duration is longer than nothing; write `1ms` or more".to_owned()),
            Some(_) => Err("a day, `24h`, is the longest".to_owned()),
            None => Err("write a whole number and a unit: `500ms`, `10s`, `2m`, `1h`".to_owned()),
        }
    }
}

/// Requests in a span of time: `50/s` or `300/m`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rate {
    requests: u32,
    unit: char,
}

impl Rate {
    /// The number of requests.
    #[must_use]
    pub const fn requests(self) -> u32 {
        self.requests
    }

    /// `s` for a second, `m` for a minute.
    #[must_use]
    pub const fn unit(self) -> char {
        self.unit
    }
}

impl Leaf for Rate {
    const WHAT: &'static str = "a rate";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9]+/[sm]$" })
    }

    fn read(text: &str) -> Result<Self, String> {
        let read = |unit: char| {
            let number = text.strip_suffix(unit)?.strip_suffix('/')?;
            let requests = digits(number).and_then(|n| u32::try_from(n).ok())?;
            (1..=1_000_000)
                .contains(&requests)
                .then_some(Self { requests, unit })
        };
        let help = "write requests for a second or a minute: `50/s`, `300/m`";
        read('s')
            .or_else(|| read('m'))
            .ok_or_else(|| help.to_owned())
    }
}

fn digits(text: &str) -> Option<u64> {
    let all = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let size = |text| ByteSize::read(text).map(ByteSize::bytes).ok();
        assert_eq!(size("512MiB"), Some(512 << 20));
        assert_eq!(size("1GB"), Some(1_000_000_000));
        assert_eq!(size("7B"), Some(7));
        assert_eq!(size("4611686018427387904B"), Some(LARGEST));
        for wrong in [
            "",
            "512",
            "0MiB",
            "-1KiB",
            "1.5GiB",
            "MiB",
            "99999999999GiB",
            "4611686018427387905B",
            "9000000000GiB",
            "1 GiB",
            "+1KiB",
        ] {
            assert_eq!(size(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn durations_are_read_and_printed_in_one_form() {
        let round = |text| Duration::read(text).map(|d| d.to_string()).ok();
        assert_eq!(round("2m").as_deref(), Some("120s"));
        assert_eq!(round("1500ms").as_deref(), Some("1500ms"));
        for wrong in ["0s", "10", "25h", "1.5s", "s", "1d", "-1s"] {
            assert_eq!(round(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn sizes_print_in_their_largest_whole_unit() {
        assert_eq!(ByteSize(1 << 30).to_string(), "1GiB");
        assert_eq!(ByteSize(1536 << 20).to_string(), "1536MiB");
        assert_eq!(ByteSize(1001).to_string(), "1001B");
    }
}
