//! Variables that are nobody else's to see.

use lab::Result;

use crate::row::Row;
use crate::stage::{Stage, main_pid};

/// What must not be found anywhere but where it belongs.
const SECRET: &str = "hunter2-and-a-half";
const PLACE: &str = "/etc/randoms/randoms.env";

/// The app has it; no unit, process list, log or diff does.
pub(crate) fn a_secret_stays_one(stage: &Stage) -> Result<()> {
    let topology = stage.system.topology;
    stage
        .bundle
        .put_artifact("secret.env", format!("TOKEN={SECRET}\n").as_bytes())?;
    let secret = topology.replace(
        "health: /health",
        "health: /health\n    env_file: secret.env",
    );
    stage.bundle.render(&secret)?;
    let mut told = String::new();
    for options in [
        ["--check", "--diff"],
        ["--diff", "-vvv"],
        ["--check", "--diff"],
    ] {
        told += &stage.play("site.yml", &options)?.success()?.said();
    }
    let host = stage.front();
    assert_eq!(host.run(&["stat", "-c", "%a %U", PLACE])?, "600 root");
    // The control: it can be found where it must be.
    let pid = main_pid(host, "randoms-spread@8082.service")?;
    let environment = host.shell(&format!("tr '\\0' '\\n' < /proc/{pid}/environ"))?;
    assert!(environment.contains(SECRET), "the app was not given it");
    assert!(host.shell(&format!("cat {PLACE}"))?.contains(SECRET));

    assert!(!told.contains(SECRET), "a playbook printed it");
    for (what, line) in ELSEWHERE {
        let found = host.shell(line)?;
        assert!(!found.contains(SECRET), "{what} shows it");
    }
    stage.bundle.render(topology)?;
    stage.play("site.yml", &[])?.success()?;
    let left = host.finish(&["test", "-e", PLACE])?;
    assert_eq!(left.code, Some(1), "it outlived what it was for");
    stage.note(Row::fact(
        "secret in an env_file",
        "0600, nowhere else",
        "not in units, process lists, journal or playbooks' output".to_owned(),
    ));
    Ok(())
}

const ELSEWHERE: [(&str, &str); 5] = [
    (
        "a unit",
        "cat /etc/systemd/system/randoms* 2>/dev/null || true",
    ),
    ("systemctl show", "systemctl show 'randoms-*'"),
    ("the process list", "ps axww -o args"),
    ("the journal", "journalctl --sync; journalctl --no-pager"),
    (
        "what others may read",
        "find /etc /opt /run /var -xdev -type f -perm -004 -exec grep -l hunter2-and {} + | sed s/^.*$/hunter2-and-a-half/ || true",
    ),
];
