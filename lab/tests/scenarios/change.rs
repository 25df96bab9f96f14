//! Changes of the topology: only what changed is touched, and nothing is lost.

use lab::Result;
use lab::load::Report;

use crate::row::Row;
use crate::stage::{Stage, inactive, main_pid, wait_active};

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
