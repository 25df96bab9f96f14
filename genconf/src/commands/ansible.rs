//! Programs of Ansible, run with the rendered inventory.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use super::exit::Exit;
use super::streams::Streams;

/// A command of `program` with the settings and the inventory in the rendered directory `ansible`.
///
/// Its playbooks find the `genconf-host` that was installed with this program.
pub(super) fn command(program: &str, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .arg("--inventory")
        .arg(directory.join("inventory.yml"))
        .env("ANSIBLE_CONFIG", directory.join("ansible.cfg"))
        .env("ANSIBLE_NOCOLOR", "1")
        .env("PATH", path_with_own_directory())
        .stdin(Stdio::null());
    command
}

/// Runs a command; returns what it printed, whether or not it succeeded. `Err` is the end of the run: it is
/// not installed.
pub(super) fn output(
    command: &mut Command,
    streams: &mut Streams<'_>,
) -> io::Result<Result<String, Exit>> {
    streams.detail(&format!("{command:?}"))?;
    match command.output() {
        Ok(output) => {
            let printed = [output.stdout, output.stderr].concat();
            Ok(Ok(String::from_utf8_lossy(&printed).trim_end().to_owned()))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let help = "install it: `apt install ansible` or `pipx install ansible-core`";
            streams.fail("ansible is not installed", help).map(Err)
        }
        Err(e) => Err(e),
    }
}

/// `PATH`, after the directory of this program.
fn path_with_own_directory() -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = std::env::current_exe().ok();
    let own = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    let directories = own.into_iter().chain(std::env::split_paths(&path));
    std::env::join_paths(directories).unwrap_or(path)
}
