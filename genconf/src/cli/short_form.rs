//! `genconf TOPOLOGY …`, the short form of `genconf render TOPOLOGY …`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser as _};

use super::Cli;

/// Parses `args`, whose first item is the name of the program, in the long or in the short form.
pub(super) fn parse(mut args: Vec<OsString>) -> Result<Cli, clap::Error> {
    let error = match Cli::try_parse_from(&args) {
        Ok(cli) => return Ok(cli),
        Err(error) => error,
    };
    let is_short_form = match error.kind() {
        ErrorKind::InvalidSubcommand => match error.get(ContextKind::InvalidSubcommand) {
            Some(ContextValue::String(name)) => names_topology(OsStr::new(name)),
            _ => false,
        },
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => false,
        _ => is_short_form(&args),
    };
    if !is_short_form {
        return Err(error);
    }
    args.insert(1, "render".into());
    Cli::try_parse_from(args)
}

/// Whether the first argument that is not an option names a topology.
fn is_short_form(args: &[OsString]) -> bool {
    let mut rest = args.iter().skip(1).map(OsString::as_os_str);
    while let Some(argument) = rest.next() {
        if takes_value(argument) {
            rest.next();
        } else if argument == "-" || !argument.as_encoded_bytes().starts_with(b"-") {
            return names_topology(argument);
        }
    }
    false
}

/// Whether `argument` is an option of `genconf render` whose value is the next argument.
fn takes_value(argument: &OsStr) -> bool {
    let mut command = Cli::command();
    command.build();
    let options = command
        .find_subcommand("render")
        .map(clap::Command::get_arguments);
    options.into_iter().flatten().any(|option| {
        let short = option.get_short().map(|short| format!("-{short}"));
        let long = option.get_long().map(|long| format!("--{long}"));
        let is_named = short
            .into_iter()
            .chain(long)
            .any(|name| argument == name.as_str());
        is_named && option.get_action().takes_values()
    })
}

fn names_topology(argument: &OsStr) -> bool {
    let command = Cli::command();
    let is_command = |name: &OsStr| {
        name.to_str()
            .is_some_and(|n| command.find_subcommand(n).is_some())
    };
    let path = Path::new(argument);
    let is_yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
    !is_command(argument) && (argument == "-" || is_yaml || path.exists())
}
