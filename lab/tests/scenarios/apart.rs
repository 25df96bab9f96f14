//! Clients and the controller as if each were on a machine of its own, as they are in life.

use std::path::Path;
use std::process::Command;

use lab::{Idle, Loading, Play, Result, command};

use crate::programs::Programs;
use crate::stage::Stage;

/// Joins the group behind the first word, if there is one, and is last in line for a processor also
/// without: by sched(7) that takes a session of its own, too.
const LAST: &str = "test -z \"$1\" || echo $$ >\"$1\"; shift
    echo 19 2>/dev/null >/proc/self/autogroup; exec chrt --idle 0 \"$@\"";

/// Starts load on the system's door by a client that waits for no processor: what it measures is not
/// how long it was kept from looking.
pub(crate) fn load(stage: &Stage, options: &[&str]) -> Result<Loading> {
    let mut command = stage.lab.controller().command(Path::new("chrt"));
    command.args(["--rr", "1", Programs::lab()]);
    Loading::by(command, &[&[stage.system.door], options].concat())
}

/// Runs a playbook of the bundle with what processors the hosts and their clients leave.
pub(crate) fn play(stage: &Stage, playbook: &str) -> Result<Play> {
    let near = stage.playbook(playbook);
    let group = Idle::make(&format!("{}-controller", stage.lab.name()));
    let mut far = Command::new("setsid");
    far.args(["--wait", "sh", "-c", LAST, "last"]);
    far.arg(group.as_ref().map(Idle::door).unwrap_or_default());
    far.arg(near.get_program()).args(near.get_args());
    let set = near.get_envs();
    far.envs(set.filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = near.get_current_dir() {
        far.current_dir(folder);
    }
    command::finish(&mut far).map(Play::new)
}
