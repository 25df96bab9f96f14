//! Changes of the topology under load: only changed units are restarted or reloaded.

use lab::Result;
use lab::load::Report;
use lab::wait::{self, Poll};

use crate::fixture::{CONNECTIONS, Fixture, RECOVERY, inactive, main_pid, wait_active};
use crate::install::assert_unlocked;
use crate::results::ResultRow;
use crate::system::urls_respond_as_expected;

/// Changes the proxy's configuration; expects a reload without a restart of the proxy or of an
/// instance, and no dropped requests.
pub(crate) fn reloading_the_proxy_drops_no_requests(fixture: &Fixture) -> Result<()> {
    let master = main_pid(fixture.proxy_host(), "randoms-edge.service")?;
    let instance = main_pid(fixture.proxy_host(), "randoms-spread@8082.service")?;
    let changed = with_body_limit(fixture.system.topology);
    apply_under_load(
        fixture,
        &changed,
        "change of the proxy's configuration (reload)",
    )?;
    assert_eq!(
        main_pid(fixture.proxy_host(), "randoms-edge.service")?,
        master,
        "the proxy was restarted"
    );
    assert_eq!(
        main_pid(fixture.proxy_host(), "randoms-spread@8082.service")?,
        instance,
        "an instance was restarted"
    );
    let reloads = fixture.proxy_host().shell(
        "journalctl --sync; journalctl -u randoms-edge -o cat | grep -c '^Reloaded ' || true",
    )?;
    assert_ne!(reloads, "0", "the proxy was not reloaded");
    Ok(())
}

/// Reloads an invalid configuration; expects a failed reload and an unchanged running proxy.
pub(crate) fn an_invalid_configuration_is_not_reloaded(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let config =
        host.shell("ls /etc/randoms/edge/nginx.conf /etc/randoms/edge/haproxy.cfg || true")?;
    let reload = ["systemctl", "reload", "randoms-edge"];
    host.shell(&format!(
        "cp --preserve {config} {config}.kept && echo nonsense >> {config}"
    ))?;
    let reloaded = host.capture(&reload)?;
    host.shell(&format!("mv {config}.kept {config}"))?;
    assert_ne!(reloaded.code, Some(0), "the reload succeeded");
    assert_eq!(inactive(host, &["randoms-edge.service"])?, [""; 0]);
    urls_respond_as_expected(fixture)?;
    host.run(&reload).map(drop)
}

/// Changes an app's environment; expects restarted instances and no dropped requests.
pub(crate) fn changing_the_environment_drops_no_requests(fixture: &Fixture) -> Result<()> {
    let instance = main_pid(fixture.proxy_host(), "randoms-spread@8082.service")?;
    let changed = with_body_limit(fixture.system.topology).replace(
        "    artifact: ",
        "    env: { LAB: changed }\n    artifact: ",
    );
    apply_under_load(fixture, &changed, "change of the environment")?;
    assert_ne!(
        main_pid(fixture.proxy_host(), "randoms-spread@8082.service")?,
        instance
    );
    let environment = fixture.proxy_host().run(&[
        "systemctl",
        "show",
        "--property=Environment",
        "randoms-spread@8082",
    ])?;
    assert!(environment.contains("LAB=changed"), "{environment}");
    Ok(())
}

/// Applies a unit with which no instance starts; expects the previous files and no dropped
/// requests.
pub(crate) fn a_bad_unit_is_rolled_back(fixture: &Fixture) -> Result<()> {
    let (host, unit) = (
        fixture.proxy_host(),
        "/etc/systemd/system/randoms-spread@.service",
    );
    let before = host.shell(&format!("cat {unit}"))?;
    let second = main_pid(host, "randoms-spread@8083.service")?;
    let bad = fixture
        .system
        .topology
        .replace("    artifact: ", "    args: [--nonsense]\n    artifact: ");
    fixture.project.render(&bad)?;
    let load = fixture.load()?;
    let run = fixture.run_playbook("site.yml", &[])?;
    let report = load.finish()?;
    assert_ne!(run.code(), Some(0), "the run succeeded");
    assert!(
        run.output()
            .contains("restored the files from before this run"),
        "{}",
        run.output()
    );
    assert_eq!(host.shell(&format!("cat {unit}"))?, before);
    wait_active(host, &fixture.units)?;
    assert_eq!(
        main_pid(host, "randoms-spread@8083.service")?,
        second,
        "the second instance was restarted"
    );
    fixture.record(ResultRow::with_load(
        "arguments with which no instance starts",
        "0 GET, 0 POST",
        &report,
    ));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    fixture.project.render(fixture.system.topology)?;
    let again = fixture.run_playbook("site.yml", &[])?.success()?;
    assert_eq!(again.count("node1", "changed")?, 0, "{}", again.output());
    Ok(())
}

/// Applies a unit with which no instance starts to several hosts; expects that hosts which the run did
/// not reach have the previous files too, that no lock is left, and no dropped requests.
pub(crate) fn a_bad_unit_is_restored_on_all_hosts(fixture: &Fixture) -> Result<()> {
    let unit = "cat /etc/systemd/system/randoms-spread@.service";
    let read = || {
        let hosts = fixture.lab.hosts().iter().skip(1);
        hosts
            .map(|host| host.shell(unit))
            .collect::<Result<Vec<_>>>()
    };
    let before = read()?;
    let bad = fixture
        .system
        .topology
        .replace("health: /health", "health: /health, args: [--nonsense]");
    fixture.project.render(&bad)?;
    let load = fixture.load()?;
    let run = fixture.run_playbook("site.yml", &[])?;
    let report = load.finish()?;
    let after = read()?;
    fixture.project.render(fixture.system.topology)?;
    fixture.record(ResultRow::with_load(
        "arguments with which no instance starts, on the first of two hosts",
        "previous files on all hosts, 0 GET, 0 POST",
        &report,
    ));
    assert_ne!(run.code(), Some(0), "the run succeeded");
    assert_eq!(before, after, "{}", run.output());
    for host in fixture.lab.hosts() {
        assert_unlocked(host)?;
    }
    let again = fixture.run_playbook("site.yml", &[])?.success()?;
    for host in fixture.lab.hosts() {
        let changed = again.count(host.name(), "changed")?;
        assert_eq!(changed, 0, "{}", again.output());
    }
    fixture.run_playbook("status.yml", &[])?.success()?;
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}

/// Adds a port to a pool; expects requests at the new instance and no dropped requests.
pub(crate) fn scaling_up_drops_no_requests(fixture: &Fixture) -> Result<()> {
    let report = apply_under_load(
        fixture,
        &fixture.system.topology.replace("8082-8085", "8082-8086"),
        "scale from 4 to 5",
    )?;
    assert_eq!(
        inactive(fixture.proxy_host(), &["randoms-spread@8086.service"])?,
        [""; 0]
    );
    let fifth = report.by_instance.get("spread@8086").copied().unwrap_or(0);
    assert!(
        fifth > 0 || is_new_port_used(fixture)?,
        "the new instance received no requests"
    );
    Ok(())
}

/// Removes a port of a pool; expects a closed socket and no dropped requests.
pub(crate) fn scaling_down_drops_no_requests(fixture: &Fixture) -> Result<()> {
    apply_under_load(fixture, fixture.system.topology, "scale from 5 to 4")?;
    let rest = fixture.proxy_host().run(&[
        "systemctl",
        "list-units",
        "--no-legend",
        "randoms-spread@8086.*",
    ])?;
    assert_eq!(rest, "", "units of 8086 still exist");
    let ports = fixture
        .proxy_host()
        .run(&["ss", "-Hltn", "sport = :8086"])?;
    assert_eq!(ports, "", "8086 is still open");
    Ok(())
}

/// Control: changes the environment by hand with closed ports; expects failures.
pub(crate) fn changing_the_environment_by_hand_drops_requests(fixture: &Fixture) -> Result<()> {
    let (host, pool) = (fixture.proxy_host(), "randoms-spread");
    let (sockets, services) = (
        format!("'{pool}-port@*.socket'"),
        format!("'{pool}@*.service'"),
    );
    let directory = format!("/run/systemd/system/{pool}@.service.d");
    let load = fixture.load()?;
    host.shell(&format!(
        "mkdir {directory} && printf '[Service]\\nEnvironment=LAB=by-hand\\n' > {directory}/90-lab.conf \
         && systemctl daemon-reload && systemctl stop {sockets} {services}"
    ))?;
    fixture.wait_failing(&fixture.url("/api/randoms"))?;
    host.shell(&format!(
        "systemctl start {pool}.target $(seq --format '{pool}-port@%.0f.socket' 8082 8085)"
    ))?;
    let report = load.finish()?;
    host.shell(&format!(
        "rm -r {directory} && systemctl daemon-reload && systemctl restart {services}"
    ))?;
    wait_active(host, &fixture.units)?;
    assert!(report.failures() > 0, "{report}");
    Ok(())
}

/// Control: adds a port to the proxy on which no process responds; expects failures.
pub(crate) fn an_upstream_that_does_not_respond_drops_requests(fixture: &Fixture) -> Result<()> {
    let (host, config) = (fixture.proxy_host(), "/etc/randoms/edge/nginx.conf");
    let silent =
        "import socket, time; s = socket.create_server((\"127.0.0.1\", 8099)); time.sleep(600)";
    host.shell(&format!(
        "systemd-run --quiet --unit=silent python3 -c '{silent}' && cp --preserve {config} {config}.kept \
         && sed -i 's/^\\( *server 127.0.0.1:\\)8085 .*/&\\n\\18099 max_fails=0;/' {config} && systemctl reload randoms-edge"
    ))?;
    let load = fixture.load_path("/api/randoms", &["--requests", "100", "--timeout", "2"])?;
    let report = load.finish()?;
    host.shell(&format!(
        "mv {config}.kept {config} && systemctl reload randoms-edge && systemctl stop silent"
    ))?;
    assert!(report.failures() > 0, "{report}");
    Ok(())
}

/// Control: closes a port without a drain while POST requests wait; expects failures.
pub(crate) fn an_undrained_port_drops_requests(fixture: &Fixture) -> Result<()> {
    let (host, unit) = (fixture.proxy_host(), "randoms-spread@8085.service");
    let load = fixture.load_path("/api/randoms", &["--post", "100"])?;
    let send_signal = |signal: &str| {
        let signal = format!("--signal={signal}");
        host.run(&["systemctl", "kill", "--kill-whom=main", &signal, unit])
    };
    send_signal("STOP")?;
    // Until requests of half of the connections wait.
    let waiting = "ss -Htn state established 'sport = :8085' | awk '$1 > 0' | wc -l";
    wait::until(
        "at the expected waiting requests",
        RECOVERY,
        || match host.shell(waiting) {
            Ok(count) if count.parse().is_ok_and(|n: u32| n >= CONNECTIONS / 2) => Poll::Ready(()),
            observed => Poll::Pending(format!("{observed:?}")),
        },
    )?;
    // SIGTERM would let the instance finish the waiting requests.
    let socket = "randoms-spread-port@8085.socket";
    send_signal("KILL")?;
    host.run(&["systemctl", "stop", socket])?;
    host.run(&["systemctl", "start", socket, unit])?;
    let report = load.finish()?;
    wait_active(host, &fixture.units)?;
    assert!(report.post.failures() > 0, "{report}");
    Ok(())
}

pub(crate) fn with_body_limit(topology: &str) -> String {
    topology.replace("    engine: ", "    max_body: 2MiB\n    engine: ")
}

fn is_new_port_used(fixture: &Fixture) -> Result<bool> {
    let report = fixture.load()?.finish()?;
    Ok(report.by_instance.contains_key("spread@8086"))
}

/// Applies another topology under load; expects changes and no dropped requests.
fn apply_under_load(fixture: &Fixture, topology: &str, fault: &str) -> Result<Report> {
    fixture.project.render(topology)?;
    let load = fixture.load()?;
    let run = fixture.run_playbook("site.yml", &[])?;
    let report = load.finish()?;
    let run = run.success()?;
    assert_ne!(run.count("node1", "changed")?, 0, "nothing was changed");
    wait_active(fixture.proxy_host(), &fixture.units)?;
    fixture.record(ResultRow::with_load(fault, "0 GET, 0 POST", &report));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(report)
}
