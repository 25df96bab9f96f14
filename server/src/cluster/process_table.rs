//! The list of master and workers a person wants to read.

use std::fmt::Write;
use std::time::Instant;

/// A table of the master and its workers: number, process id, time of birth.
pub(super) fn roster(workers: &[(usize, u32, Instant)]) -> String {
    let mut out = String::from("processes\n");
    out.push_str("┌────────┬────┬─────────┬────────┐\n");
    out.push_str("│ role   │ id │ pid     │ uptime │\n");
    out.push_str("├────────┼────┼─────────┼────────┤\n");
    let master = std::process::id();
    let _ = writeln!(out, "│ master │ –  │ {master:<7} │        │");
    for (index, pid, born) in workers {
        let uptime = age(born.elapsed().as_secs());
        let _ = writeln!(out, "│ worker │ {index:<2} │ {pid:<7} │ {uptime:<6} │");
    }
    out.push_str("└────────┴────┴─────────┴────────┘");
    out
}

/// An age in its largest unit.
fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}D", seconds / 86_400),
    }
}
