//! Sizes, durations, and rates with their units.

use std::fmt;
use std::time::Duration as StdDuration;

use serde_json::{Value, json};

use super::decode::Scalar;
use super::invalid::Invalid;

/// A size: `64KiB`, `512MiB`, `1GiB`, or with decimal units `500MB`.
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

/// 4 EiB. nginx and `HAProxy` store a size as a signed 64-bit number, and `HAProxy` adds one to it.
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

impl Scalar for ByteSize {
    const NOUN: &'static str = "a size";
    const EXAMPLE: &'static str = "512MiB";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9]+(KiB|MiB|GiB|KB|MB|GB|B)$" })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        match amount(text, &SIZES) {
            Some(bytes) if bytes > LARGEST => Err(Invalid::out_of_range(
                format!("be at most `{}`", Self(LARGEST)),
                "use a smaller size, such as `1GiB`",
            )),
            Some(0) => Err(Invalid::out_of_range(
                "be at least `1B`",
                "use a larger size, such as `512MiB`",
            )),
            Some(bytes) => Ok(Self(bytes)),
            None => Err(Invalid::expected(
                "a whole number and a unit (B, KB, MB, GB, KiB, MiB, or GiB)",
                corrected::<Self>(text, SIZE_UNITS),
            )),
        }
    }
}

/// Other spellings of units, in lower case, and the unit for each.
const SIZE_UNITS: &[(&str, &str)] = &[
    ("", "MiB"),
    ("b", "B"),
    ("k", "KiB"),
    ("m", "MiB"),
    ("g", "GiB"),
    ("ki", "KiB"),
    ("mi", "MiB"),
    ("gi", "GiB"),
    ("kb", "KB"),
    ("mb", "MB"),
    ("gb", "GB"),
    ("kib", "KiB"),
    ("mib", "MiB"),
    ("gib", "GiB"),
];

/// The amount in the smallest unit; the largest number if it overflows. `None` for another format.
fn amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    units.iter().find_map(|(name, unit)| {
        let number = text.strip_suffix(name)?;
        let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let number = is_number.then(|| number.parse().unwrap_or(u64::MAX))?;
        Some(u64::saturating_mul(number, *unit))
    })
}

/// The fix for an amount whose unit is missing or has another spelling.
fn corrected<T: Scalar>(text: &str, units: &[(&str, &str)]) -> String {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let end = plain.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = plain.split_at(end);
    let unit = unit.to_ascii_lowercase();
    let known = units.iter().find(|(name, _)| *name == unit);
    // A number and a known unit always parse, so that `read` below does not call this function.
    let candidate = known
        .filter(|_| !number.is_empty())
        .map(|(_, unit)| format!("{number}{unit}"));
    match candidate.filter(|candidate| T::read(candidate).is_ok()) {
        Some(candidate) => format!("use `{candidate}`"),
        None => format!("use a whole number and a unit, such as `{}`", T::EXAMPLE),
    }
}

/// A duration: `500ms`, `10s`, `2m`, `1h`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Duration(StdDuration);

const DURATIONS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// 24 hours. A longer timeout is probably a typo.
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
    /// The format that nginx, `HAProxy`, systemd, and the server accept: `10s` or `500ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.millis();
        if millis.is_multiple_of(1_000) {
            write!(f, "{}s", millis / 1_000)
        } else {
            write!(f, "{millis}ms")
        }
    }
}

impl Scalar for Duration {
    const NOUN: &'static str = "a duration";
    const EXAMPLE: &'static str = "10s";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h)$" })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        match amount(text, &DURATIONS) {
            Some(millis @ 1..=LONGEST_MS) => Ok(Self::from_millis(millis)),
            Some(0) => Err(Invalid::out_of_range(
                "be at least `1ms`",
                "use a longer duration, such as `10s`",
            )),
            Some(_) => Err(Invalid::out_of_range(
                "be at most `24h`",
                "use `24h` or less",
            )),
            None => Err(Invalid::expected(
                "a whole number and a unit (ms, s, m, or h)",
                corrected::<Self>(text, DURATION_UNITS),
            )),
        }
    }
}

/// Other spellings of units, in lower case, and the unit for each.
const DURATION_UNITS: &[(&str, &str)] = &[
    ("", "s"),
    ("ms", "ms"),
    ("msec", "ms"),
    ("s", "s"),
    ("sec", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("m", "m"),
    ("min", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("h", "h"),
    ("hr", "h"),
    ("hour", "h"),
    ("hours", "h"),
];

/// Requests per second or minute: `50/s`, `300/m`.
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

    /// `s` for second, `m` for minute.
    #[must_use]
    pub const fn unit(self) -> char {
        self.unit
    }
}

impl Scalar for Rate {
    const NOUN: &'static str = "a rate";
    const EXAMPLE: &'static str = "50/s";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9]+/[sm]$" })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        const MAX: u64 = 1_000_000;
        let units = [("/s", 1), ("/m", 1)];
        match (amount(text, &units), text.chars().last()) {
            (Some(requests @ 1..=MAX), Some(unit)) => Ok(Self {
                requests: u32::try_from(requests).unwrap_or(u32::MAX),
                unit,
            }),
            (Some(_), _) => Err(Invalid::out_of_range(
                format!("be from 1 to {MAX} requests"),
                "use a rate such as `50/s` or `300/m`",
            )),
            (None, _) => Err(Invalid::expected(
                "requests per second or minute",
                corrected::<Self>(text, RATE_UNITS),
            )),
        }
    }
}

/// Other spellings of units, in lower case, and the unit for each.
const RATE_UNITS: &[(&str, &str)] = &[
    ("", "/s"),
    ("/s", "/s"),
    ("r/s", "/s"),
    ("rps", "/s"),
    ("/sec", "/s"),
    ("/second", "/s"),
    ("/m", "/m"),
    ("r/m", "/m"),
    ("rpm", "/m"),
    ("/min", "/m"),
    ("/minute", "/m"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit() {
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
    fn a_duration_has_a_unit() {
        let round = |text| Duration::read(text).map(|d| d.to_string()).ok();
        assert_eq!(round("2m").as_deref(), Some("120s"));
        assert_eq!(round("1500ms").as_deref(), Some("1500ms"));
        for wrong in ["0s", "10", "25h", "1.5s", "s", "1d", "-1s"] {
            assert_eq!(round(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_help_has_the_usual_unit() {
        for (text, help) in [
            ("512", "use `512MiB`"),
            ("64m", "use `64MiB`"),
            ("1 GiB", "use `1GiB`"),
            ("64MB!", "use a whole number and a unit, such as `512MiB`"),
            ("MiB", "use a whole number and a unit, such as `512MiB`"),
            ("", "use a whole number and a unit, such as `512MiB`"),
        ] {
            assert_eq!(corrected::<ByteSize>(text, SIZE_UNITS), help, "{text}");
        }
        assert_eq!(corrected::<Duration>("10", DURATION_UNITS), "use `10s`");
        assert_eq!(corrected::<Rate>("50r/s", RATE_UNITS), "use `50/s`");
        let other = "use a whole number and a unit, such as `10s`";
        assert_eq!(corrected::<Duration>("99h", DURATION_UNITS), other);
    }

    #[test]
    fn rates_are_per_second_or_minute() {
        let rate = |text| Rate::read(text).map(|r| (r.requests(), r.unit())).ok();
        assert_eq!(rate("50/s"), Some((50, 's')));
        assert_eq!(rate("1000000/m"), Some((1_000_000, 'm')));
        for wrong in ["0/s", "1000001/s", "50", "/s", "50/h", "-1/s", "5.5/s", ""] {
            assert_eq!(rate(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn sizes_print_in_their_largest_whole_unit() {
        assert_eq!(ByteSize(1 << 30).to_string(), "1GiB");
        assert_eq!(ByteSize(1536 << 20).to_string(), "1536MiB");
        assert_eq!(ByteSize(1001).to_string(), "1001B");
    }
}
