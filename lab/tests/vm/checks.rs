//! Checks of the VM of the root topology.

use std::time::Duration;

use lab::Result;
use lab::wait::{Poll, until};

use crate::http::{RequestLoop, get, sum};
use crate::virtual_machine::VirtualMachine;

/// Limit of a boot: an emulated VM boots in a minute, and in several on a busy machine.
const BOOT_TIMEOUT: Duration = Duration::from_mins(10);

/// No fault: expects the responses that the README documents.
pub(crate) fn each_url_responds(_: &VirtualMachine) -> Result<()> {
    assert_eq!(sum(&get("/api/randoms?cant=1000")?)?, 1000);
    assert_eq!(sum(&get("/api/randoms/?cant=1000")?)?, 1000);
    let cluster = get("/cluster/api/randoms?cant=1000")?;
    assert_eq!(sum(&cluster)?, 1000);
    let info = get("/info")?;
    assert!(
        info.contains("single@8080"),
        "the response of /info is not from single: {info}"
    );
    // Control: a path without a route fails.
    assert!(get("/no/such/path").is_err());
    Ok(())
}

/// No fault: expects every instance, every worker, and the proxy to be active.
pub(crate) fn all_services_are_active(vm: &VirtualMachine) -> Result<()> {
    let cpus = vm.vagrant_shell("nproc")?;
    let active = active(vm)?;
    let workers = cpus.parse().unwrap_or(0);
    assert!(workers > 0, "the output of nproc is {cpus}");
    for unit in expected_services(workers) {
        assert!(active.contains(&unit), "{unit} is not among {active:?}");
    }
    Ok(())
}

/// Restarts all instances of a pool; expects new processes and no failed request.
pub(crate) fn restarting_a_pool_drops_no_requests(vm: &VirtualMachine) -> Result<()> {
    let before = processes(vm)?;
    let requests = RequestLoop::start("/api/randoms?cant=1000");
    let restarted = vm.shell("sudo systemctl restart 'randoms-spread@*'");
    let (succeeded, failed) = requests.stop();
    restarted?;
    assert!(failed.is_empty(), "{} failed: {failed:?}", failed.len());
    assert!(succeeded > 0, "no request was sent during the restart");
    let after = processes(vm)?;
    assert_eq!(before.len(), 4, "{before:?}");
    assert!(
        after.iter().all(|pid| !before.contains(pid)),
        "not all processes were replaced: {before:?}, then {after:?}"
    );
    Ok(())
}

/// Stops and starts `randoms.target`; expects no active service, then all active.
pub(crate) fn target_stops_and_starts_all(vm: &VirtualMachine) -> Result<()> {
    vm.shell("sudo systemctl stop randoms.target")?;
    let left = active(vm)?;
    assert!(left.is_empty(), "still active: {left:?}");
    // The proxy still responds while it drains connections.
    until("failing", Duration::from_mins(1), || match get("/info") {
        Ok(_) => Poll::Pending("the request succeeded".to_owned()),
        Err(_) => Poll::Ready(()),
    })?;
    vm.shell("sudo systemctl start randoms.target")?;
    wait_responding(Duration::from_mins(1))?;
    all_services_are_active(vm)?;
    each_url_responds(vm)
}

/// Runs `make up` again; expects no changes.
pub(crate) fn up_again_changes_nothing(vm: &VirtualMachine) -> Result<()> {
    let again = vm.up_again()?;
    assert_eq!(again.code, Some(0), "{}", again.output());
    let output = again.output();
    // Of site.yml and deploy.yml.
    let recaps: Vec<&str> = output.lines().filter(|l| l.contains("changed=")).collect();
    assert_eq!(recaps.len(), 2, "{output}");
    assert!(recaps.iter().all(|l| l.contains("changed=0")), "{output}");
    each_url_responds(vm)
}

/// Runs the deploy of `make up` with a changed program; expects every instance to run it.
pub(crate) fn a_changed_program_is_deployed(vm: &VirtualMachine) -> Result<()> {
    let changed = vm.change_the_program()?;
    vm.deploy()?;
    let running = vm.shell(&format!(
        "sudo sha256sum /proc/{{{}}}/exe | cut -d ' ' -f 1 | sort -u",
        processes(vm)?.join(",")
    ))?;
    assert_eq!(running, changed.digest()?);
    each_url_responds(vm)
}

/// Sets the clock a day ahead and back; expects no restart and no failed request.
pub(crate) fn a_clock_change_restarts_nothing(vm: &VirtualMachine) -> Result<()> {
    let before = processes(vm)?;
    let requests = RequestLoop::start("/api/randoms?cant=1000");
    // Sleeps longer than every watchdog timeout after each change.
    let jumped = vm.shell(
        "sudo timedatectl set-ntp false 2>/dev/null; date +%s; \
         sudo date --set '+1 day' >/dev/null; date +%s; sleep 5; \
         sudo date --set '-1 day' >/dev/null; sleep 5; \
         sudo timedatectl set-ntp true 2>/dev/null || true",
    );
    let (succeeded, failed) = requests.stop();
    let times: Vec<i64> = jumped?.lines().filter_map(|t| t.parse().ok()).collect();
    assert!(
        times.len() == 2 && times[1] - times[0] > 80_000,
        "the clock was not changed: {times:?}"
    );
    assert!(failed.is_empty(), "{} failed: {failed:?}", failed.len());
    assert!(succeeded > 0, "no request was sent");
    assert_eq!(processes(vm)?, before, "an instance was replaced");
    all_services_are_active(vm)
}

/// Reboots the VM; expects all services and the forwarded port to work again.
pub(crate) fn all_services_start_after_a_reboot(vm: &VirtualMachine) -> Result<()> {
    let boot_id = "cat /proc/sys/kernel/random/boot_id";
    let before = vm.shell(boot_id)?;
    // The connection may end before the command does.
    vm.ssh("sudo systemctl reboot")?;
    until("rebooted", BOOT_TIMEOUT, || match vm.shell(boot_id) {
        Ok(now) if now != before => Poll::Ready(()),
        Ok(_) => Poll::Pending("not rebooted yet".to_owned()),
        Err(error) => Poll::Pending(error.to_string()),
    })?;
    wait_responding(BOOT_TIMEOUT)?;
    each_url_responds(vm)?;
    all_services_are_active(vm)
}

fn wait_responding(limit: Duration) -> Result<()> {
    until("responding", limit, || match get("/info") {
        Ok(_) => Poll::Ready(()),
        Err(error) => Poll::Pending(error.to_string()),
    })?;
    Ok(())
}

/// Services of the root topology, on a host with `workers` CPUs.
fn expected_services(workers: u32) -> Vec<String> {
    let single = std::iter::once("randoms-single@8080.service".to_owned());
    let shared = (1..=workers).map(|n| format!("randoms-shared-8081@{n}.service"));
    let spread = (8082..=8085).map(|port| format!("randoms-spread@{port}.service"));
    let edge = std::iter::once("randoms-edge.service".to_owned());
    single.chain(shared).chain(spread).chain(edge).collect()
}

/// Active services of the project.
fn active(vm: &VirtualMachine) -> Result<Vec<String>> {
    let listed = vm.shell(
        "systemctl list-units 'randoms*.service' --state=active --plain --no-legend --no-pager",
    )?;
    let units = listed.lines().filter_map(|line| line.split(' ').next());
    Ok(units.map(str::to_owned).collect())
}

/// Main processes of the pool `spread`.
fn processes(vm: &VirtualMachine) -> Result<Vec<String>> {
    let listed =
        vm.shell("systemctl show 'randoms-spread@*.service' --property=MainPID --value")?;
    let pids = listed.lines().map(str::trim).filter(|pid| !pid.is_empty());
    Ok(pids.map(str::to_owned).collect())
}
