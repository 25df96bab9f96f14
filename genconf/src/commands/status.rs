//! `genconf status`: the state of every instance, queried over SSH.
//!
//! Ansible asks `genconf-host` of each host and writes each result to a file; here they are merged into one
//! table.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde_json::{Value, json};

use super::ansible;
use super::exit::Exit;
use super::options::{
    Format, GlobalArgs, NOT_FOUND, NOT_FOUND_HELP, OutDirArg, TopologyArg, default_out_dir,
};
use super::streams::{Streams, printable};

/// Arguments of the command.
#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
    /// The topology
    #[command(flatten)]
    pub topology: TopologyArg,
    /// The output directory
    #[command(flatten)]
    pub out_dir: OutDirArg,
    /// Arguments for Ansible, such as `-- --user root --limit node1`
    #[arg(last = true)]
    pub ansible: Vec<OsString>,
}

/// Prints one row for each instance of each host.
pub fn run(args: &StatusArgs, global: &GlobalArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let Some(out_dir) = out_dir(args, global) else {
        return streams.fail(NOT_FOUND, NOT_FOUND_HELP);
    };
    let inventory = out_dir.join("ansible/inventory.yml");
    if !inventory.is_file() {
        let message = format!("{} does not exist", inventory.display());
        return streams.fail(&message, "write it with `genconf render`");
    }
    let results = tempfile::Builder::new()
        .prefix("genconf-status.")
        .tempdir()?;
    let mut command = query(args, &out_dir, results.path())?;
    let printed = match ansible::output(&mut command, streams)? {
        Ok(printed) => printed,
        Err(exit) => return Ok(exit),
    };
    let rows = rows(results.path())?;
    if rows.is_empty() {
        let message = format!("Ansible queried no host:\n{printed}");
        return streams.fail(&message, "check the hosts and `--limit` after `--`");
    }
    print(&rows, global.output, streams)?;
    let unhealthy = rows.iter().filter(|row| row["healthy"] != true).count();
    if unhealthy > 0 {
        streams.note(&format!(
            "{unhealthy} of {} instances need attention: `journalctl -u UNIT` on the host, or `ssh HOST`",
            rows.len()
        ))?;
        return Ok(Exit::Unhealthy);
    }
    Ok(Exit::Success)
}

/// The output directory; it is enough to have the rendered files.
fn out_dir(args: &StatusArgs, global: &GlobalArgs) -> Option<PathBuf> {
    let named = args.out_dir.out_dir.clone();
    named.or_else(|| {
        let topology = global.topology(Some(&args.topology))?;
        Some(default_out_dir(&topology))
    })
}

fn print(rows: &[Value], format: Format, streams: &mut Streams<'_>) -> io::Result<()> {
    match format {
        Format::Human => write!(streams.out, "{}", table(rows)),
        Format::Json => writeln!(streams.out, "{:#}", Value::Array(rows.to_vec())),
        Format::Line => rows.iter().try_for_each(|row| {
            let cells = HEAD.map(|key| format!("{key}={}", cell(key, &row[key])));
            writeln!(streams.out, "{}", cells.join("\t"))
        }),
    }
}

/// The command on each host.
const QUERY: &str = r#"{{ genconf_program }} playbook {{ genconf_project }} '{"step": "status"}'"#;

/// The command that queries the hosts and writes each result below `results`.
fn query(args: &StatusArgs, out_dir: &Path, results: &Path) -> io::Result<Command> {
    let directory = out_dir.join("ansible").canonicalize()?;
    let mut command = ansible::command("ansible", &directory);
    command
        .arg("genconf_hosts")
        .args(["--become", "--module-name", "ansible.builtin.raw"])
        .args(["--args", QUERY])
        .arg("--tree")
        .arg(results)
        .args(&args.ansible)
        .env("ANSIBLE_LOAD_CALLBACK_PLUGINS", "true");
    Ok(command)
}

/// The rows of every host, by host and instance; a host without a result is one row.
fn rows(results: &Path) -> io::Result<Vec<Value>> {
    let mut files: Vec<_> = std::fs::read_dir(results)?
        .map(|e| e.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    let mut rows = Vec::new();
    for file in files {
        let host = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let result: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
        let reply = reply(&result);
        match reply["rows"].as_array() {
            Some(rows_of_host) => rows.extend(rows_of_host.iter().cloned()),
            None => rows.push(without_result(&host, &result, &reply)),
        }
    }
    Ok(rows)
}

/// The reply of genconf-host: the last line of its output.
fn reply(result: &Value) -> Value {
    let output = result["stdout"].as_str().unwrap_or_default();
    let last = output.trim_end().lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_default()
}

fn without_result(host: &str, result: &Value, reply: &Value) -> Value {
    let state = if result["unreachable"] == true {
        "unreachable"
    } else {
        "failed"
    };
    let reasons = [&reply["error"], &result["stderr"], &result["msg"]].into_iter();
    let mut reasons = reasons
        .filter_map(Value::as_str)
        .filter(|reason| !reason.is_empty());
    let reason = reasons.next().unwrap_or_default().trim_end();
    json!({
        "host": host, "pool": null, "instance": null, "state": state, "pid": null, "uptime": null, "restarts": null,
        "memory": null, "cpu": null, "release": null, "health": reason, "healthy": false,
    })
}

const HEAD: [&str; 11] = [
    "host", "pool", "instance", "state", "pid", "uptime", "restarts", "memory", "cpu", "release",
    "health",
];

/// What stands for a value that is not known.
const NONE: &str = "-";

fn table(rows: &[Value]) -> String {
    let mut cells = vec![HEAD.map(str::to_owned).to_vec()];
    cells.extend(
        rows.iter()
            .map(|row| HEAD.map(|key| cell(key, &row[key])).to_vec()),
    );
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|column| {
            cells
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let line = |row: Vec<String>| {
        let padded = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    cells.into_iter().map(line).collect::<Vec<_>>().concat()
}

fn cell(key: &str, value: &Value) -> String {
    let Some(number) = value.as_u64().or(value.as_f64().map(|_| 0)) else {
        let text = value.as_str().and_then(|text| text.lines().next());
        return printable(text.filter(|t| !t.is_empty()).unwrap_or(NONE));
    };
    match key {
        "uptime" => duration(number),
        "memory" => format!("{}.{} MiB", number >> 20, ((number & 0xF_FFFF) * 10) >> 20),
        "cpu" => format!("{}%", value.as_f64().unwrap_or_default()),
        "pid" if number == 0 => NONE.to_owned(),
        _ => value.to_string(),
    }
}

/// A duration in seconds, in its two largest units.
fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = json!({
            "host": "node1", "pool": "spread", "instance": "randoms-spread@8082", "state": "active", "pid": 42,
            "uptime": 3_725, "restarts": 0, "memory": 4_930_000, "cpu": 0.5, "release": "0123456789ab", "health": "ok",
        });
        let expected = "\
host   pool    instance             state   pid  uptime  restarts  memory   cpu   release       health
node1  spread  randoms-spread@8082  active  42   1h 2m   0         4.7 MiB  0.5%  0123456789ab  ok
";
        assert_eq!(table(&[row]), expected);
    }
}
