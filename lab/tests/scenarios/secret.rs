//! Secrets in environment files.

use lab::Result;

use crate::fixture::{Fixture, main_pid};
use crate::results::ResultRow;

/// The secret, which must be only in its file and in the environment of the app.
const SECRET: &str = "hunter2-and-a-half";
const ENV_FILE: &str = "/etc/randoms/randoms.env";

/// Installs an `env_file`; expects the secret in the app's environment, and not in units, process
/// lists, logs, diffs, or other readable files.
pub(crate) fn a_secret_is_not_exposed(fixture: &Fixture) -> Result<()> {
    let topology = fixture.system.topology;
    fixture
        .project
        .write_artifact("secret.env", format!("TOKEN={SECRET}\n").as_bytes())?;
    let secret = topology.replace(
        "health: /health",
        "health: /health\n    env_file: secret.env",
    );
    fixture.project.render(&secret)?;
    let mut output = String::new();
    for options in [
        ["--check", "--diff"],
        ["--diff", "-vvv"],
        ["--check", "--diff"],
    ] {
        output += &fixture
            .run_playbook("site.yml", &options)?
            .success()?
            .output();
    }
    let host = fixture.proxy_host();
    assert_eq!(host.run(&["stat", "-c", "%a %U", ENV_FILE])?, "600 root");
    // Control: the app and its file have the secret.
    let pid = main_pid(host, "randoms-spread@8082.service")?;
    let environment = host.shell(&format!("tr '\\0' '\\n' < /proc/{pid}/environ"))?;
    assert!(environment.contains(SECRET), "the app does not have it");
    assert!(host.shell(&format!("cat {ENV_FILE}"))?.contains(SECRET));

    assert!(!output.contains(SECRET), "a playbook printed it");
    for (name, line) in OTHER_SOURCES {
        let found = host.shell(line)?;
        assert!(!found.contains(SECRET), "{name} contains it");
    }
    fixture.project.render(topology)?;
    fixture.run_playbook("site.yml", &[])?.success()?;
    let file = host.capture(&["test", "-e", ENV_FILE])?;
    assert_eq!(file.code, Some(1), "the file still exists");
    fixture.record(ResultRow::without_load(
        "secret in an env_file",
        "mode 0600, not exposed",
        "not in units, process lists, the journal, or the output of playbooks".to_owned(),
    ));
    Ok(())
}

/// Sources that must not contain the secret: a name, and the command that prints it.
const OTHER_SOURCES: [(&str, &str); 5] = [
    (
        "a unit",
        "cat /etc/systemd/system/randoms* 2>/dev/null || true",
    ),
    ("systemctl show", "systemctl show 'randoms-*'"),
    ("the process list", "ps axww -o args"),
    ("the journal", "journalctl --sync; journalctl --no-pager"),
    (
        "a world-readable file",
        "find /etc /opt /run /var -xdev -type f -perm -004 -exec grep -l hunter2-and {} + | sed s/^.*$/hunter2-and-a-half/ || true",
    ),
];
