//! Values of an ecosystem file, where most keys accept more than one type.

use serde_json::{Map, Value};

use crate::import::shell_split;
use crate::topology::decode::Scalar as _;
use crate::topology::quantity::{ByteSize, Duration};

/// A string, number, or boolean as text.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The first of `keys` with a value, as text.
pub(super) fn first(entry: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|k| entry.get(*k)).and_then(text)
}

/// Words from a list, or from one string.
pub(super) fn list(value: Option<&Value>) -> Option<Vec<String>> {
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(text).collect(),
        Some(other) => shell_split::split(&text(other)?),
    }
}

/// The number of processes, and whether it depends on the CPUs.
pub(super) fn instances(value: Option<&Value>, cpus: u16) -> Result<(u16, bool), String> {
    let Some(text) = value.and_then(text) else {
        return Ok((1, false));
    };
    let count = match text.trim() {
        "max" => 0,
        number => number.parse::<i32>().map_err(|_| {
            format!(
                "invalid `instances: {text}`: expected a number or `max`, such as `instances: 2`"
            )
        })?,
    };
    if count <= 0 {
        let available = i32::from(cpus).saturating_add(count).max(1);
        return Ok((u16::try_from(available).unwrap_or(1), true));
    }
    match u16::try_from(count) {
        Ok(count @ ..=512) => Ok((count, false)),
        _ => Err(format!("`instances` must be at most 512, found {text}")),
    }
}

/// A size in PM2 syntax: `300M`, `1G`, `500K`, or bytes.
pub(super) fn size(value: &Value) -> Option<ByteSize> {
    let text = text(value)?;
    let upper = text.trim().to_ascii_uppercase();
    let upper = upper.strip_suffix('B').unwrap_or(&upper);
    let unit = upper.chars().last()?;
    let unit = match unit {
        'K' | 'M' | 'G' => format!("{unit}iB"),
        _ => "B".to_owned(),
    };
    let number = upper.trim_end_matches(['K', 'M', 'G']).trim();
    ByteSize::read(&format!("{number}{unit}")).ok()
}

/// Milliseconds, as a number or with a unit.
pub(super) fn duration(value: &Value) -> Option<Duration> {
    let text = text(value)?;
    Duration::read(&text)
        .or_else(|_| Duration::read(&format!("{text}ms")))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_parsed_like_in_pm2() {
        let count = |value: Value| instances(Some(&value), 4);
        assert_eq!(count("4".into()), Ok((4, false)));
        assert_eq!(count(0.into()), Ok((4, true)));
        assert_eq!(count("max".into()), Ok((4, true)));
        assert_eq!(count((-1).into()), Ok((3, true)));
        assert_eq!(count((-9).into()), Ok((1, true)));
        assert!(count("many".into()).is_err() && count(100_000.into()).is_err());
        assert_eq!(instances(None, 4), Ok((1, false)));
    }

    #[test]
    fn sizes_are_parsed_like_in_pm2() {
        let read = |value: Value| size(&value).map(|s| s.to_string());
        assert_eq!(read("300M".into()).as_deref(), Some("300MiB"));
        assert_eq!(read("1G".into()).as_deref(), Some("1GiB"));
        assert_eq!(read("512mb".into()).as_deref(), Some("512MiB"));
        assert_eq!(read(1_048_576.into()).as_deref(), Some("1MiB"));
        assert_eq!(read("much".into()), None);
    }
}
