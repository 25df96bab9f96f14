//! Load clients with a high CPU priority and playbooks with a low one, as if they ran on separate
//! machines.

use std::path::Path;
use std::process::Command;

use lab::{IdleCgroup, LoadRun, PlaybookRun, Result, command};

use crate::fixture::Fixture;
use crate::programs::Programs;

/// Runs a command at idle priority, and in the control group of the first argument unless it is
/// empty. The autogroup of a new session also gets the lowest priority (sched(7)).
const AT_IDLE_PRIORITY: &str = "test -z \"$1\" || echo $$ >\"$1\"; shift
    echo 19 2>/dev/null >/proc/self/autogroup; exec chrt --idle 0 \"$@\"";

/// Starts load on the system's URL with a real-time priority, so that latencies do not include the
/// client's waits for a CPU.
pub(crate) fn load(fixture: &Fixture, options: &[&str]) -> Result<LoadRun> {
    let mut command = fixture.lab.controller().command(Path::new("chrt"));
    command.args(["--rr", "1", Programs::lab()]);
    LoadRun::start_with(command, &[&[fixture.system.url], options].concat())
}

/// Runs a rendered playbook with the CPU time that hosts and clients leave.
pub(crate) fn run_playbook(fixture: &Fixture, playbook: &str) -> Result<PlaybookRun> {
    let inner = fixture.playbook_command(playbook);
    let group = IdleCgroup::create(&format!("{}-controller", fixture.lab.name()));
    let mut outer = Command::new("setsid");
    outer.args(["--wait", "sh", "-c", AT_IDLE_PRIORITY, "idle"]);
    outer.arg(
        group
            .as_ref()
            .map(IdleCgroup::procs_file)
            .unwrap_or_default(),
    );
    outer.arg(inner.get_program()).args(inner.get_args());
    let variables = inner.get_envs();
    outer.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = inner.get_current_dir() {
        outer.current_dir(directory);
    }
    command::capture(&mut outer).map(PlaybookRun::new)
}
