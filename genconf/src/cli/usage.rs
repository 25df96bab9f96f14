//! Help for an invalid command line.

use std::io::{self, Write as _};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::commands::exit::Exit;
use crate::commands::streams::Streams;
use crate::diagnostic::human::Color;

/// Options that were renamed, and how to write them now.
const RENAMED_OPTIONS: &[(&str, &str)] = &[
    ("--out", "use `--out-dir DIR`"),
    (
        "--format",
        "use `--output human|json|line`; for a diagram, `genconf graph --format FORMAT`",
    ),
    ("--example", "use `genconf init NAME`"),
    ("--as", "use `genconf graph --format FORMAT`"),
];

/// Commands of similar programs, and how to do the same.
const OTHER_COMMANDS: &[(&str, &str)] = &[
    (
        "apply",
        "run `ansible-playbook -i ansible/inventory.yml ansible/site.yml`",
    ),
    (
        "deploy",
        "run `ansible-playbook -i ansible/inventory.yml ansible/deploy.yml`",
    ),
    (
        "rollback",
        "run `ansible-playbook -i ansible/inventory.yml ansible/rollback.yml`",
    ),
    ("logs", "run `journalctl -f -u 'PROJECT*'` on the host"),
    ("restart", "run `genconf-host restart PROJECT` on the host"),
    (
        "scale",
        "change `ports` or `workers` of the pool, then `genconf render` and `genconf plan`",
    ),
    ("ps", "run `genconf status`"),
    ("ls", "run `genconf status`"),
];

/// The help for an option or a command that does not exist.
fn help_for_unknown(error: &clap::Error) -> Option<&'static str> {
    let (kind, known) = match error.kind() {
        ErrorKind::UnknownArgument => (ContextKind::InvalidArg, RENAMED_OPTIONS),
        ErrorKind::InvalidSubcommand => (ContextKind::InvalidSubcommand, OTHER_COMMANDS),
        _ => return None,
    };
    let Some(ContextValue::String(found)) = error.get(kind) else {
        return None;
    };
    let entry = known.iter().find(|(name, _)| name == found)?;
    Some(entry.1)
}

/// Prints help, a version, or an error of the command line.
pub(super) fn print(error: &clap::Error, streams: &mut Streams<'_>) -> io::Result<Exit> {
    if let Some(help) = help_for_unknown(error) {
        let message = error.to_string();
        let first = message.lines().next().unwrap_or_default();
        return streams.reject_usage(first.trim_start_matches("error: "), help);
    }
    let requested = is_help(error);
    let (stream, color) = if requested {
        (&mut streams.out, streams.out_color)
    } else {
        (&mut streams.err, streams.err_color)
    };
    let text = error.render();
    match color {
        Color::Always => write!(stream, "{}", text.ansi())?,
        Color::Never => write!(stream, "{text}")?,
    }
    Ok(if requested {
        Exit::Success
    } else {
        Exit::Usage
    })
}

fn is_help(error: &clap::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    )
}
