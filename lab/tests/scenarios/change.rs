//! Changes of the topology: only what changed is touched, and nothing is lost.

use lab::Result;
use lab::load::Report;
use lab::wait::{self, Seen};

use crate::row::Row;
use crate::stage::{CONNECTIONS, RECOVERY, Stage, inactive, main_pid, wait_active};
use crate::system::it_answers_as_described;

/// A change of the proxy's configuration alone reloads it: same master, no instance touched.
pub(crate) fn reloading_the_proxy_loses_nothing(stage: &Stage) -> Result<()> {
    let master = main_pid(stage.front(), "randoms-edge.service")?;
    let instance = main_pid(stage.front(), "randoms-spread@8082.service")?;
    let changed = with_body_limit(stage.system.topology);
    changed_to(
        stage,
        &changed,
        "change of the proxy's configuration (reload)",
    )?;
    assert_eq!(
        main_pid(stage.front(), "randoms-edge.service")?,
        master,
        "the proxy was restarted"
    );
    assert_eq!(
        main_pid(stage.front(), "randoms-spread@8082.service")?,
        instance,
        "an instance was restarted"
    );
    let reloads = stage.front().shell(
        "journalctl --sync; journalctl -u randoms-edge -o cat | grep -c '^Reloaded ' || true",
    )?;
    assert_ne!(reloads, "0", "the proxy was not reloaded");
    Ok(())
}

/// What the engine does not accept is refused by the reload, and what runs goes on.
pub(crate) fn a_reload_of_nonsense_is_refused(stage: &Stage) -> Result<()> {
    let host = stage.front();
    let config =
        host.shell("ls /etc/randoms/edge/nginx.conf /etc/randoms/edge/haproxy.cfg || true")?;
    let reload = ["systemctl", "reload", "randoms-edge"];
    host.shell(&format!(
        "cp --preserve {config} {config}.kept && echo nonsense >> {config}"
    ))?;
    let refused = host.finish(&reload)?;
    host.shell(&format!("mv {config}.kept {config}"))?;
    assert_ne!(refused.code, Some(0), "it was accepted");
    assert_eq!(inactive(host, &["randoms-edge.service"])?, [""; 0]);
    it_answers_as_described(stage)?;
    host.run(&reload).map(drop)
}

/// A change of the environment restarts the pools of that app.
pub(crate) fn changing_the_environment_loses_nothing(stage: &Stage) -> Result<()> {
    let instance = main_pid(stage.front(), "randoms-spread@8082.service")?;
    let changed = with_body_limit(stage.system.topology).replace(
        "    artifact: ",
        "    env: { LAB: changed }\n    artifact: ",
    );
    changed_to(stage, &changed, "change of the environment")?;
    assert_ne!(
        main_pid(stage.front(), "randoms-spread@8082.service")?,
        instance
    );
    let environment = stage.front().run(&[
        "systemctl",
        "show",
        "--property=Environment",
        "randoms-spread@8082",
    ])?;
    assert!(environment.contains("LAB=changed"), "{environment}");
    Ok(())
}

/// A unit that no instance comes up by: its host goes back to what it had, and nothing is lost.
pub(crate) fn a_bad_unit_is_taken_back(stage: &Stage) -> Result<()> {
    let (host, unit) = (stage.front(), "/etc/systemd/system/randoms-spread@.service");
    let before = host.shell(&format!("cat {unit}"))?;
    let second = main_pid(host, "randoms-spread@8083.service")?;
    let bad = stage
        .system
        .topology
        .replace("    artifact: ", "    args: [--nonsense]\n    artifact: ");
    stage.bundle.render(&bad)?;
    let load = stage.load()?;
    let play = stage.play("site.yml", &[])?;
    let report = load.finish()?;
    assert_ne!(play.code(), Some(0), "it was accepted");
    assert!(
        play.said()
            .contains("restored the files from before this run"),
        "{}",
        play.said()
    );
    assert_eq!(host.shell(&format!("cat {unit}"))?, before);
    wait_active(host, &stage.units)?;
    assert_eq!(
        main_pid(host, "randoms-spread@8083.service")?,
        second,
        "it was touched"
    );
    stage.note(Row::loaded(
        "arguments that no instance starts with",
        "0 GET, 0 POST",
        &report,
    ));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    stage.bundle.render(stage.system.topology)?;
    let again = stage.play("site.yml", &[])?.success()?;
    assert_eq!(again.count("node1", "changed")?, 0, "{}", again.said());
    Ok(())
}

/// A port more is served, and no other one suffers.
pub(crate) fn scaling_up_loses_nothing(stage: &Stage) -> Result<()> {
    let report = changed_to(
        stage,
        &stage.system.topology.replace("8082-8085", "8082-8086"),
        "scale from 4 to 5",
    )?;
    assert_eq!(
        inactive(stage.front(), &["randoms-spread@8086.service"])?,
        [""; 0]
    );
    let fifth = report.served_by.get("spread@8086").copied().unwrap_or(0);
    assert!(
        fifth > 0 || served_now(stage)?,
        "the new instance answered nothing"
    );
    Ok(())
}

/// A port less: drained, then gone with its socket.
pub(crate) fn scaling_down_loses_nothing(stage: &Stage) -> Result<()> {
    changed_to(stage, stage.system.topology, "scale from 5 to 4")?;
    let rest = stage.front().run(&[
        "systemctl",
        "list-units",
        "--no-legend",
        "randoms-spread@8086.*",
    ])?;
    assert_eq!(rest, "", "something of 8086 is left");
    let ports = stage.front().run(&["ss", "-Hltn", "sport = :8086"])?;
    assert_eq!(ports, "", "8086 is still open");
    Ok(())
}

/// Control of a change of the environment: the same one by hand, with the ports closed meanwhile.
pub(crate) fn changing_the_environment_by_hand_is_counted(stage: &Stage) -> Result<()> {
    let (host, pool) = (stage.front(), "randoms-spread");
    let (sockets, services) = (
        format!("'{pool}-port@*.socket'"),
        format!("'{pool}@*.service'"),
    );
    let folder = format!("/run/systemd/system/{pool}@.service.d");
    let load = stage.load()?;
    host.shell(&format!(
        "mkdir {folder} && printf '[Service]\\nEnvironment=LAB=by-hand\\n' > {folder}/90-lab.conf \
         && systemctl daemon-reload && systemctl stop {sockets} {services}"
    ))?;
    stage.wait_unserved(&stage.url("/api/randoms"))?;
    host.shell(&format!(
        "systemctl start {pool}.target $(seq --format '{pool}-port@%.0f.socket' 8082 8085)"
    ))?;
    let report = load.finish()?;
    host.shell(&format!(
        "rm -r {folder} && systemctl daemon-reload && systemctl restart {services}"
    ))?;
    wait_active(host, &stage.units)?;
    assert!(report.failures() > 0, "{report}");
    Ok(())
}

/// Control of scaling up: a proxy that is told of a port before anybody serves it.
pub(crate) fn a_port_that_does_not_answer_yet_is_counted(stage: &Stage) -> Result<()> {
    let (host, config) = (stage.front(), "/etc/randoms/edge/nginx.conf");
    let silent =
        "import socket, time; s = socket.create_server((\"127.0.0.1\", 8099)); time.sleep(600)";
    host.shell(&format!(
        "systemd-run --quiet --unit=silent python3 -c '{silent}' && cp --preserve {config} {config}.kept \
         && sed -i 's/^\\( *server 127.0.0.1:\\)8085 .*/&\\n\\18099 max_fails=0;/' {config} && systemctl reload randoms-edge"
    ))?;
    let load = stage.load_on("/api/randoms", &["--requests", "100", "--timeout", "2"])?;
    let report = load.finish()?;
    host.shell(&format!(
        "mv {config}.kept {config} && systemctl reload randoms-edge && systemctl stop silent"
    ))?;
    assert!(report.failures() > 0, "{report}");
    Ok(())
}

/// Control of scaling down: a port that goes without a drain, while POSTs wait behind it.
pub(crate) fn a_port_that_is_not_drained_is_counted(stage: &Stage) -> Result<()> {
    let (host, unit) = (stage.front(), "randoms-spread@8085.service");
    let load = stage.load_on("/api/randoms", &["--post", "100"])?;
    let tell = |signal: &str| {
        let signal = format!("--signal={signal}");
        host.run(&["systemctl", "kill", "--kill-whom=main", &signal, unit])
    };
    tell("STOP")?;
    // Half of the clients' connections.
    let waiting = "ss -Htn state established 'sport = :8085' | awk '$1 > 0' | wc -l";
    wait::until("requests wait", RECOVERY, || match host.shell(waiting) {
        Ok(count) if count.parse().is_ok_and(|n: u32| n >= CONNECTIONS / 2) => Seen::Yes(()),
        seen => Seen::NotYet(format!("{seen:?}")),
    })?;
    // Told to end, even this one would answer what waits.
    let socket = "randoms-spread-port@8085.socket";
    tell("KILL")?;
    host.run(&["systemctl", "stop", socket])?;
    host.run(&["systemctl", "start", socket, unit])?;
    let report = load.finish()?;
    wait_active(host, &stage.units)?;
    assert!(report.post.failures() > 0, "{report}");
    Ok(())
}

fn with_body_limit(topology: &str) -> String {
    topology.replace("    engine: ", "    max_body: 2MiB\n    engine: ")
}

fn served_now(stage: &Stage) -> Result<bool> {
    let report = stage.load()?.finish()?;
    Ok(report.served_by.contains_key("spread@8086"))
}

fn changed_to(stage: &Stage, topology: &str, fault: &str) -> Result<Report> {
    stage.bundle.render(topology)?;
    let load = stage.load()?;
    let play = stage.play("site.yml", &[])?;
    let report = load.finish()?;
    let play = play.success()?;
    assert_ne!(play.count("node1", "changed")?, 0, "nothing was changed");
    wait_active(stage.front(), &stage.units)?;
    stage.note(Row::loaded(fault, "0 GET, 0 POST", &report));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(report)
}
