//! `genconf status`: every instance of every host, by SSH.
//!
//! Ansible asks the hosts by the module that `ansible/status.yml` uses and
//! leaves each one's answer in a file; here they become one table.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::cli::{Exit, StatusArgs, StatusFormat, Streams};

/// Runs the command.
pub fn run(args: &StatusArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let inventory = args.bundle.join("ansible/inventory.yml");
    if !inventory.is_file() {
        writeln!(
            streams.err,
            "error: {} is no bundle: it has no ansible/inventory.yml",
            args.bundle.display()
        )?;
        return Ok(Exit::Fault);
    }
    let answers = tempfile::Builder::new()
        .prefix("genconf-status.")
        .tempdir()?;
    let said = match ask(args, answers.path()) {
        Ok(said) => said,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            writeln!(streams.err, "error: ansible is not installed")?;
            return Ok(Exit::Fault);
        }
        Err(e) => return Err(e),
    };
    let rows = rows(answers.path())?;
    if rows.is_empty() {
        writeln!(streams.err, "error: no host was asked\n{said}")?;
        return Ok(Exit::Fault);
    }
    match args.format {
        StatusFormat::Table => write!(streams.out, "{}", table(&rows))?,
        StatusFormat::Json => writeln!(streams.out, "{:#}", Value::Array(rows.clone()))?,
    }
    let amiss = rows.iter().filter(|row| row["fine"] != true).count();
    if amiss > 0 {
        writeln!(streams.err, "{amiss} of {} not as described", rows.len())?;
        return Ok(Exit::Drift);
    }
    Ok(Exit::Fine)
}

/// Has Ansible leave each host's answer in the folder `answers`; gives back its own words.
fn ask(args: &StatusArgs, answers: &Path) -> io::Result<String> {
    let folder = args.bundle.join("ansible").canonicalize()?;
    let role = folder.join("roles/genconf");
    let output = Command::new("ansible")
        .arg("genconf_hosts")
        .arg("--inventory")
        .arg(folder.join("inventory.yml"))
        .args(["--become", "--module-name", "genconf_status"])
        .args(["--args", r#"{"host": "{{ genconf_host }}"}"#])
        .arg("--tree")
        .arg(answers)
        .args(&args.ansible)
        .env("ANSIBLE_CONFIG", folder.join("ansible.cfg"))
        .env("ANSIBLE_LIBRARY", role.join("library"))
        .env("ANSIBLE_MODULE_UTILS", role.join("module_utils"))
        .env("ANSIBLE_LOAD_CALLBACK_PLUGINS", "true")
        .env("ANSIBLE_NOCOLOR", "1")
        .stdin(Stdio::null())
        .output()?;
    Ok([output.stdout, output.stderr]
        .map(|b| String::from_utf8_lossy(&b).into_owned())
        .concat())
}

/// The rows of every host, by host and instance; a host that did not answer is a row of its own.
fn rows(answers: &Path) -> io::Result<Vec<Value>> {
    let mut files: Vec<_> = std::fs::read_dir(answers)?
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
        let answer: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
        match answer["rows"].as_array() {
            Some(answered) => rows.extend(answered.iter().cloned()),
            None => rows.push(silent(&host, &answer)),
        }
    }
    Ok(rows)
}

fn silent(host: &str, answer: &Value) -> Value {
    let state = if answer["unreachable"] == true {
        "unreachable"
    } else {
        "failed"
    };
    json!({
        "host": host, "pool": "", "instance": "", "state": state, "pid": 0, "uptime": 0, "restarts": 0,
        "memory": 0, "cpu": 0.0, "release": "", "health": answer["msg"].as_str().unwrap_or_default(), "fine": false,
    })
}

const HEAD: [&str; 11] = [
    "host", "pool", "instance", "state", "pid", "uptime", "restarts", "memory", "cpu", "release",
    "health",
];

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
    let number = value.as_u64().unwrap_or_default();
    match key {
        "uptime" => span(number),
        "memory" => format!("{}.{} MiB", number >> 20, ((number & 0xF_FFFF) * 10) >> 20),
        "cpu" => format!("{}%", value.as_f64().unwrap_or_default()),
        "pid" if number == 0 => String::new(),
        _ => value.as_str().map_or_else(
            || value.to_string(),
            |text| text.lines().next().unwrap_or_default().to_owned(),
        ),
    }
}

/// Seconds as people say them: the two largest units.
fn span(seconds: u64) -> String {
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
    fn a_table_is_as_wide_as_its_widest_cell() {
        let row = json!({
            "host": "node1", "pool": "spread", "instance": "randoms-spread@8082", "state": "active", "pid": 42,
            "uptime": 3_725, "restarts": 0, "memory": 4_930_000, "cpu": 0.5, "release": "0123456789ab", "health": "ok",
        });
        let wanted = "\
host   pool    instance             state   pid  uptime  restarts  memory   cpu   release       health
node1  spread  randoms-spread@8082  active  42   1h 2m   0         4.7 MiB  0.5%  0123456789ab  ok
";
        assert_eq!(table(&[row]), wanted);
    }
}
