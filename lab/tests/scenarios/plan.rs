//! `genconf plan`, which queries the hosts.

use lab::command::{self, CommandOutput};
use lab::{Error, Result};

use crate::fixture::Fixture;
use crate::results::ResultRow;
use crate::topology_change::with_body_limit;

/// Exit code of a plan that has steps.
const CHANGES: i32 = 2;

/// Plans a change that is not rendered, on a host on which a unit was disabled by hand; expects the steps for
/// both, an unchanged host, and no steps after the apply.
pub(crate) fn a_plan_lists_what_an_apply_does(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let same = plan(fixture)?;
    assert_eq!(
        (same.code, same.stdout.as_str()),
        (Some(0), ""),
        "{}",
        same.output()
    );
    host.run(&["systemctl", "disable", "randoms-spread@8083.service"])?;
    let changed = with_body_limit(fixture.system.topology);
    let topology = fixture.project.path().join("topology.yaml");
    std::fs::write(&topology, &changed).map_err(Error::io("writing the topology"))?;
    let before = host.shell(STATE)?;
    let planned = plan(fixture)?;
    assert_eq!(planned.code, Some(CHANGES), "{}", planned.output());
    let steps: Vec<&str> = planned.stdout.lines().collect();
    let engine = if host.shell("ls /etc/randoms/edge")?.contains("haproxy.cfg") {
        "haproxy.cfg"
    } else {
        "nginx.conf"
    };
    let wanted = [
        "node1".to_owned(),
        format!("  write /etc/randoms/edge/{engine}"),
        // The list of installed files.
        "  write /etc/randoms/files.json".to_owned(),
        "  enable randoms-spread@8083.service".to_owned(),
        "  reload randoms-edge.service".to_owned(),
    ];
    assert_eq!(steps, wanted, "{}", planned.output());
    assert_eq!(host.shell(STATE)?, before, "the plan has changed the host");
    fixture.project.render(&changed)?;
    fixture.run_playbook("site.yml", &[])?.success()?;
    let applied = plan(fixture)?;
    assert_eq!(
        (applied.code, applied.stdout.as_str()),
        (Some(0), ""),
        "{}",
        applied.output()
    );
    fixture.project.render(fixture.system.topology)?;
    fixture.run_playbook("site.yml", &[])?.success()?;
    fixture.record(ResultRow::without_load(
        "plan of a change, with a unit that was disabled by hand",
        "both are listed, the host is unchanged",
        "4 steps; none after the apply".to_owned(),
    ));
    Ok(())
}

/// What a plan could change.
const STATE: &str = "cat /etc/randoms/*/*.c* /etc/randoms/spec.json | sha256sum; \
    systemctl show -P InvocationID,ActiveState 'randoms*'; systemctl is-enabled 'randoms-spread@8083.service' || true; \
    ls -A /run/genconf/randoms /var/lib/genconf";

fn plan(fixture: &Fixture) -> Result<CommandOutput> {
    let controller = fixture.lab.controller();
    command::capture(&mut controller.plan_command(&fixture.project, &["--exit-code"]))
}
