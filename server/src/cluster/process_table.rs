//! The table of the supervisor and its workers in the log.

use std::fmt::Write;
use std::time::Instant;

/// Formats the supervisor and its workers: number, process ID, start time.
pub(super) fn process_table(workers: &[(usize, u32, Instant)]) -> String {
    let mut out = String::from("processes\n");
    out.push_str("┌────────────┬────┬─────────┬────────┐\n");
    out.push_str("│ role       │ id │ pid     │ uptime │\n");
    out.push_str("├────────────┼────┼─────────┼────────┤\n");
    let supervisor = std::process::id();
    let _ = writeln!(out, "│ supervisor │ –  │ {supervisor:<7} │        │");
    for (number, pid, started) in workers {
        let uptime = uptime(started.elapsed().as_secs());
        let _ = writeln!(out, "│ worker     │ {number:<2} │ {pid:<7} │ {uptime:<6} │");
    }
    out.push_str("└────────────┴────┴─────────┴────────┘");
    out
}

/// Formats a number of seconds in the largest unit.
fn uptime(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}D", seconds / 86_400),
    }
}
