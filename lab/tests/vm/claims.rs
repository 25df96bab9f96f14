//! What is claimed of the VM, each claim with the control that could refute it.

use std::time::Duration;

use lab::Result;
use lab::wait::{Seen, until};

use crate::machine::Machine;
use crate::url::{Asking, get, sum};

/// Emulated machines boot in a minute; on a busy machine it takes several.
const BOOT: Duration = Duration::from_mins(10);

/// The three URLs answer as the README says.
pub(crate) fn each_url_is_answered(_: &Machine) -> Result<()> {
    assert_eq!(sum(&get("/api/randoms?cant=1000")?)?, 1000);
    assert_eq!(sum(&get("/api/randoms/?cant=1000")?)?, 1000);
    let cluster = get("/cluster/api/randoms?cant=1000")?;
    assert_eq!(sum(&cluster)?, 1000);
    let info = get("/info")?;
    assert!(
        info.contains("single@8080"),
        "/info is not of single: {info}"
    );
    // Control: what nobody serves is not answered.
    assert!(get("/no/such/path").is_err());
    Ok(())
}

/// Every instance, every worker and the proxy are active.
pub(crate) fn everything_described_is_active(machine: &Machine) -> Result<()> {
    let processors = machine.vagrant_shell("nproc")?;
    let active = active(machine)?;
    let workers = processors.parse().unwrap_or(0);
    assert!(workers > 0, "nproc said {processors}");
    for unit in described(workers) {
        assert!(active.contains(&unit), "{unit} is not among {active:?}");
    }
    Ok(())
}

/// `systemctl restart 'randoms-spread@*'` replaces every process and refuses no request.
pub(crate) fn restarting_a_pool_leaves_the_url_answering(machine: &Machine) -> Result<()> {
    let before = processes(machine)?;
    let asking = Asking::begin("/api/randoms?cant=1000");
    let restarted = machine.shell("sudo systemctl restart 'randoms-spread@*'");
    let (answered, failed) = asking.end();
    restarted?;
    assert!(failed.is_empty(), "{} failed: {failed:?}", failed.len());
    assert!(answered > 0, "nothing was asked during the restart");
    let after = processes(machine)?;
    assert_eq!(before.len(), 4, "{before:?}");
    assert!(
        after.iter().all(|pid| !before.contains(pid)),
        "{before:?} and then {after:?}: not all were replaced"
    );
    Ok(())
}

/// `systemctl stop randoms.target` stops all, and `start` brings all back.
pub(crate) fn target_stops_and_starts_all(machine: &Machine) -> Result<()> {
    machine.shell("sudo systemctl stop randoms.target")?;
    let left = active(machine)?;
    assert!(left.is_empty(), "still active: {left:?}");
    // The proxy first asks its clients to go, and answers meanwhile.
    until("silent", Duration::from_mins(1), || match get("/info") {
        Ok(_) => Seen::NotYet("a stopping service answered".to_owned()),
        Err(_) => Seen::Yes(()),
    })?;
    machine.shell("sudo systemctl start randoms.target")?;
    answers_again(Duration::from_mins(1))?;
    everything_described_is_active(machine)?;
    each_url_is_answered(machine)
}

/// `make up` on a VM that is up applies the topology again, which changes nothing.
pub(crate) fn up_again_changes_nothing(machine: &Machine) -> Result<()> {
    let again = machine.up_again()?;
    assert_eq!(again.code, Some(0), "{}", again.said());
    let said = again.said();
    // Those of site.yml and of deploy.yml.
    let tallies: Vec<&str> = said.lines().filter(|l| l.contains("changed=")).collect();
    assert_eq!(tallies.len(), 2, "{said}");
    assert!(tallies.iter().all(|l| l.contains("changed=0")), "{said}");
    each_url_is_answered(machine)
}

/// The part of `make up` that ships does so with a changed program: every instance of a pool runs it.
pub(crate) fn a_changed_program_is_shipped(machine: &Machine) -> Result<()> {
    let changed = machine.change_the_program()?;
    machine.ship()?;
    let running = machine.shell(&format!(
        "sudo sha256sum /proc/{{{}}}/exe | cut -d ' ' -f 1 | sort -u",
        processes(machine)?.join(",")
    ))?;
    assert_eq!(running, changed.digest()?);
    each_url_is_answered(machine)
}

/// The clock jumps a day ahead and a day back: nobody is taken for dead, no request is lost, and
/// what is as described is still so.
pub(crate) fn a_jump_of_the_clock_is_not_noticed(machine: &Machine) -> Result<()> {
    let before = processes(machine)?;
    let asking = Asking::begin("/api/randoms?cant=1000");
    // Longer than every watchdog's bound between the jumps and after them.
    let jumped = machine.shell(
        "sudo timedatectl set-ntp false 2>/dev/null; date +%s; \
         sudo date --set '+1 day' >/dev/null; date +%s; sleep 5; \
         sudo date --set '-1 day' >/dev/null; sleep 5; \
         sudo timedatectl set-ntp true 2>/dev/null || true",
    );
    let (answered, failed) = asking.end();
    let times: Vec<i64> = jumped?.lines().filter_map(|t| t.parse().ok()).collect();
    assert!(
        times.len() == 2 && times[1] - times[0] > 80_000,
        "the clock did not jump: {times:?}"
    );
    assert!(failed.is_empty(), "{} failed: {failed:?}", failed.len());
    assert!(answered > 0, "nothing was asked meanwhile");
    assert_eq!(processes(machine)?, before, "an instance was replaced");
    everything_described_is_active(machine)
}

/// After a reboot all is back without a hand, the forwarded port included.
pub(crate) fn reboot_brings_all_back(machine: &Machine) -> Result<()> {
    let boot_id = "cat /proc/sys/kernel/random/boot_id";
    let before = machine.shell(boot_id)?;
    // The connection may end before the command does.
    machine.ssh("sudo systemctl reboot")?;
    until("rebooted", BOOT, || match machine.shell(boot_id) {
        Ok(now) if now != before => Seen::Yes(()),
        Ok(_) => Seen::NotYet("the old boot".to_owned()),
        Err(error) => Seen::NotYet(error.to_string()),
    })?;
    answers_again(BOOT)?;
    each_url_is_answered(machine)?;
    everything_described_is_active(machine)
}

fn answers_again(limit: Duration) -> Result<()> {
    until("answering", limit, || match get("/info") {
        Ok(_) => Seen::Yes(()),
        Err(error) => Seen::NotYet(error.to_string()),
    })?;
    Ok(())
}

/// The services the root topology describes, on a host with that many processors.
fn described(workers: u32) -> Vec<String> {
    let single = std::iter::once("randoms-single@8080.service".to_owned());
    let shared = (1..=workers).map(|n| format!("randoms-shared-8081@{n}.service"));
    let spread = (8082..=8085).map(|port| format!("randoms-spread@{port}.service"));
    let edge = std::iter::once("randoms-edge.service".to_owned());
    single.chain(shared).chain(spread).chain(edge).collect()
}

/// Our services that systemd calls active.
fn active(machine: &Machine) -> Result<Vec<String>> {
    let listed = machine.shell(
        "systemctl list-units 'randoms*.service' --state=active --plain --no-legend --no-pager",
    )?;
    let units = listed.lines().filter_map(|line| line.split(' ').next());
    Ok(units.map(str::to_owned).collect())
}

/// Main processes of the pool `spread`.
fn processes(machine: &Machine) -> Result<Vec<String>> {
    let listed =
        machine.shell("systemctl show 'randoms-spread@*.service' --property=MainPID --value")?;
    let pids = listed.lines().map(str::trim).filter(|pid| !pid.is_empty());
    Ok(pids.map(str::to_owned).collect())
}
