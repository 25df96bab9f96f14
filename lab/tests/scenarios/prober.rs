//! Apps that cannot tell systemd that they are alive, wherever their pools listen.

use std::time::Duration;

use lab::wait::{self, Seen};
use lab::{Host, Result};

use crate::row::Row;
use crate::stage::{RECOVERY, Stage, main_pid, wait_replaced};
use crate::system::runs_of;

/// An instance of each pool of `fleet::PROBED`, by its host and its prober.
const PROBED: [(&str, &str, &str); 3] = [
    ("front", "probed-local@8070.service", "probed-local-probe"),
    ("node1", "probed-far@8082.service", "probed-far-probe"),
    ("node1", "probed-own@8090.service", "probed-own-probe"),
];

/// At half a second each longer than an instance of `fleet::PROBED` may take to its first answer,
/// and two silences more.
const ROUNDS: usize = 8;

/// A round takes two seconds on a busy machine.
const ASKED: Duration = Duration::from_mins(1);

/// What answers stays, whether its address is a path, its host's own or any.
pub(crate) fn what_answers_its_prober_is_left_alone(stage: &Stage) -> Result<()> {
    let hosts = || PROBED.map(|(host, unit, prober)| (stage.lab.host(host), unit, prober));
    let mut before = Vec::new();
    for (host, unit, prober) in hosts() {
        let host = host?;
        before.push((runs_of(host, unit)?, rounds(host, prober)?));
    }
    for ((host, unit, prober), (runs, asked)) in hosts().into_iter().zip(before) {
        let host = host?;
        wait_rounds(host, prober, asked + ROUNDS)?;
        assert_eq!(runs_of(host, unit)?, runs, "{unit} was replaced");
        wait_known(host, unit)?;
    }
    stage.note(Row::fact(
        "probed on a path, the host's own address, any address",
        "left alone",
        format!("the same runs after {ROUNDS} questions each"),
    ));
    Ok(())
}

/// SIGSTOP: each is found where it listens.
pub(crate) fn what_hangs_is_replaced_by_its_prober(stage: &Stage) -> Result<()> {
    let mut slowest = Duration::ZERO;
    for (host, unit, prober) in PROBED {
        let host = stage.lab.host(host)?;
        wait_known(host, unit)?;
        let pid = main_pid(host, unit)?;
        host.run(&["kill", "-STOP", &pid.to_string()])?;
        slowest = slowest.max(wait_replaced(host, unit, pid)?);
        let told = host.shell(&format!(
            "journalctl --sync; journalctl -u {prober} -o cat -g 'failed the health check 2 times, restarted'"
        ))?;
        assert!(told.contains(unit), "{told}");
        wait_known(host, unit)?;
    }
    stage.note(Row::fact(
        "hang (SIGSTOP) of what is probed on a path, the host's own address, any address",
        "replaced",
        format!("after at most {:.1} s", slowest.as_secs_f64()),
    ));
    Ok(())
}

/// Waits until the prober has had an answer from the present run of `unit`: until then it is taken
/// to be on its way up.
pub(crate) fn wait_known(host: &Host, unit: &str) -> Result<Duration> {
    let (stem, port) = unit.split_once('@').unwrap_or((unit, ""));
    let port = port.trim_end_matches(".service");
    let line =
        format!("echo $(systemctl show -P InvocationID {unit}) 0; cat /run/{stem}-probe/{port}");
    let state = format!("{unit} known to its prober");
    let ((), took) = wait::until(&state, RECOVERY, || {
        match host.finish(&["sh", "-c", &line]) {
            Ok(said) if is_twice_the_same(&said.stdout) => Seen::Yes(()),
            Ok(said) => Seen::NotYet(said.said()),
            Err(error) => Seen::NotYet(error.to_string()),
        }
    })?;
    Ok(took)
}

fn is_twice_the_same(lines: &str) -> bool {
    let mut lines = lines.lines();
    matches!((lines.next(), lines.next()), (Some(one), Some(other)) if one == other)
}

/// Waits until `prober` has ended `wanted` rounds of questions.
fn wait_rounds(host: &Host, prober: &str, wanted: usize) -> Result<Duration> {
    let state = format!("{wanted} rounds of {prober}");
    let ((), took) = wait::until(&state, ASKED, || match rounds(host, prober) {
        Ok(ended) if ended >= wanted => Seen::Yes(()),
        seen => Seen::NotYet(format!("{seen:?}")),
    })?;
    Ok(took)
}

/// How often `prober` has asked, whatever it was told: systemd notes each end.
fn rounds(host: &Host, prober: &str) -> Result<usize> {
    let listed = host.shell(&format!(
        "journalctl --sync; journalctl -u {prober}.service -o cat | grep '^Finished' || true"
    ))?;
    Ok(listed.lines().count())
}
