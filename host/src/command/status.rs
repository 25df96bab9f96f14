//! Prints the state of every instance.

use super::Output;
use super::site::Site;
use crate::status::{self, Row};

/// The rows as a table or as JSON. Fails if anything is not as described.
pub(super) async fn print(site: &Site, json: bool) -> Result<Output, String> {
    let rows = status::rows(site.context()).await?;
    let is_healthy = rows.iter().all(|row| row.healthy);
    if json {
        return Output::json(&rows, is_healthy);
    }
    Ok(Output {
        text: table(&rows),
        is_success: is_healthy,
    })
}

fn table(rows: &[Row]) -> String {
    let mut lines = vec![line([
        "pool", "instance", "state", "pid", "restarts", "release", "health",
    ])];
    lines.extend(rows.iter().map(|row| {
        line([
            &row.pool,
            &row.instance,
            &row.state,
            &row.pid.to_string(),
            &row.restarts.to_string(),
            &row.release,
            &row.health,
        ])
    }));
    lines.join("\n")
}

fn line(cells: [&str; 7]) -> String {
    let [pool, instance, state, pid, restarts, release, health] = cells;
    let line = format!(
        "{pool:<10} {instance:<24} {state:<11} {pid:>7} {restarts:>8}  {release:<12}  {health}"
    );
    line.trim_end().to_owned()
}
