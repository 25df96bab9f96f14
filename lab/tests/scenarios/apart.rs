//! The controller on a processor of its own, as on the machine of its own that it has in life.

use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::thread;

use lab::{Loading, Result};

use crate::programs::Programs;
use crate::stage::Stage;

/// What the hosts and their clients run on.
const THEIRS: &str = "0";
/// What the controller runs on, where there is a second one.
const ITS: &str = "1";

/// Hosts that are kept off the controller's processor for as long as this lives.
pub(crate) struct Apart<'a> {
    stage: &'a Stage,
}

impl<'a> Apart<'a> {
    /// Moves what runs on the hosts, and with it all that is started there from now on.
    pub(crate) fn keep(stage: &'a Stage) -> Result<Self> {
        let apart = Self { stage };
        apart.bind(THEIRS)?;
        Ok(apart)
    }

    /// Starts load on the system's door, beside the hosts.
    pub(crate) fn load(&self, options: &[&str]) -> Result<Loading> {
        let mut command = self.stage.lab.controller().command(Path::new("taskset"));
        command.args(["--cpu-list", THEIRS, Programs::lab()]);
        Loading::by(command, &[&[self.stage.system.door], options].concat())
    }

    /// A playbook of the bundle, to be run away from them.
    pub(crate) fn playbook(&self, playbook: &str) -> Command {
        let near = self.stage.playbook(playbook);
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", controller()]);
        command.arg(near.get_program()).args(near.get_args());
        command.envs(
            near.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        if let Some(folder) = near.get_current_dir() {
            command.current_dir(folder);
        }
        command
    }

    fn bind(&self, processors: &str) -> Result<()> {
        // What ends meanwhile need not be moved.
        let all = format!(
            "for process in /proc/[0-9]*; do \
             taskset --all-tasks --cpu-list --pid {processors} \"${{process#/proc/}}\"; done >/dev/null 2>&1; :"
        );
        for host in self.stage.lab.hosts() {
            host.shell(&all)?;
        }
        Ok(())
    }
}

impl Drop for Apart<'_> {
    fn drop(&mut self) {
        let _ = self.bind(&format!("0-{}", processors() - 1));
    }
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

fn controller() -> &'static str {
    if processors() > 1 { ITS } else { THEIRS }
}
