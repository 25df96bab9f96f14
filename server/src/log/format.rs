//! The formats of log lines: text, text for the journal, and JSON.

use std::fmt;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use super::Event;
use crate::settings::LogFormat;

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Timestamp and message.
    Text,
    /// Level (`<6>`, `sd-daemon(3)`) and message; the journal adds time and process.
    Journal,
    /// One JSON object per line.
    Json,
}

impl Format {
    /// Selects the journal format for text if standard output is connected to the journal
    /// (`JOURNAL_STREAM`, `systemd.exec(5)`).
    pub(super) fn select(format: LogFormat) -> Self {
        match format {
            LogFormat::Json => Self::Json,
            LogFormat::Text if std::env::var_os("JOURNAL_STREAM").is_some() => Self::Journal,
            LogFormat::Text => Self::Text,
        }
    }

    /// Appends the line of an event.
    pub(super) fn write(self, out: &mut Vec<u8>, at: SystemTime, event: &Event) {
        // Writing to memory does not fail.
        let _ = match self {
            Self::Text => writeln!(out, "{} {}", Timestamp(at), Message(event)),
            Self::Journal => writeln!(out, "{}{}", level(event).0, Message(event)),
            Self::Json => json(out, at, event),
        };
    }
}

fn level(event: &Event) -> (&'static str, &'static str) {
    match event {
        Event::Generated { .. } | Event::Info(_) => ("<6>", "info"),
        Event::Warning(_) => ("<4>", "warning"),
    }
}

/// The message of an event without time and level.
struct Message<'a>(&'a Event);

impl fmt::Display for Message<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Event::Generated { cant, duration } => {
                write!(
                    out,
                    "generated list cant={cant} took={}us",
                    duration.as_micros()
                )
            }
            Event::Info(text) => out.write_str(text),
            Event::Warning(text) => write!(out, "warning: {text}"),
        }
    }
}

fn json(out: &mut Vec<u8>, at: SystemTime, event: &Event) -> io::Result<()> {
    let (time, level, pid) = (Timestamp(at), level(event).1, std::process::id());
    write!(
        out,
        r#"{{"time":"{time}","level":"{level}","pid":{pid},"event":"#
    )?;
    match event {
        Event::Generated { cant, duration } => {
            let micros = duration.as_micros();
            writeln!(
                out,
                r#""generated list","cant":{cant},"took_us":{micros}}}"#
            )
        }
        Event::Info(text) | Event::Warning(text) => writeln!(out, "{}}}", serde_json::json!(text)),
    }
}

/// A time in UTC in the format of RFC 3339, with milliseconds.
struct Timestamp(SystemTime);

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let millis = since.subsec_millis();
        write!(
            out,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"
        )
    }
}

/// Returns year, month, and day of a number of days since 1970-01-01. Years start
/// in March internally, so that the leap day is the last day of a year.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_IN_400_YEARS: u64 = 146_097;
    const FROM_MARCH_OF_YEAR_0: u64 = 719_468;
    let shifted = days + FROM_MARCH_OF_YEAR_0;
    let (era, day_of_era) = (shifted / DAYS_IN_400_YEARS, shifted % DAYS_IN_400_YEARS);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn timestamp_is_utc_in_rfc_3339() {
        let at = |millis| Timestamp(UNIX_EPOCH + Duration::from_millis(millis)).to_string();
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_399_999), "2000-02-28T23:59:59.999Z");
        assert_eq!(at(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(at(1_795_132_800_000), "2026-11-20T00:00:00.000Z");
        assert_eq!(at(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn json_line_is_json() {
        let mut out = Vec::new();
        let event = Event::Info("a \"quoted\"\nline".to_owned());
        Format::Json.write(&mut out, UNIX_EPOCH, &event);
        let read: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(read["event"], "a \"quoted\"\nline");
        assert_eq!(
            out.split_last().map(|(_, rest)| rest.contains(&b'\n')),
            Some(false)
        );
    }

    #[test]
    fn journal_line_has_a_level_and_no_time() {
        let mut out = Vec::new();
        let duration = Duration::from_micros(12);
        Format::Journal.write(
            &mut out,
            UNIX_EPOCH,
            &Event::Generated { cant: 5, duration },
        );
        assert_eq!(out, b"<6>generated list cant=5 took=12us\n");
    }
}
