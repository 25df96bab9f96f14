//! Rendering: files that are written, kept, or removed.

use std::fs;
use std::process::Command;

use crate::project::{TOPOLOGY, genconf, outcome, project, snapshot};

#[test]
fn a_second_render_changes_nothing_and_check_succeeds() {
    let folder = project(TOPOLOGY);
    let (code, out, err) = outcome(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    let before = snapshot(folder.path());
    let (code, _, err) = outcome(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!(code, 0);
    assert!(err.contains("files are current"), "{err}");
    assert_eq!(before, snapshot(folder.path()));
    assert_eq!(
        outcome(&genconf(folder.path(), &["topology.yaml", "--check"])),
        (0, String::new(), String::new())
    );
}

#[test]
fn all_errors_are_reported_and_nothing_is_written() {
    let folder = project(
        &TOPOLOGY
            .replace("pool: web }", "pool: wbe }")
            .replace("artifact: web", "artefact: web")
            .replace("8080-8081", "80820"),
    );
    let before = snapshot(folder.path());
    let (code, out, err) = outcome(&genconf(
        folder.path(),
        &["topology.yaml", "--format", "line"],
    ));
    let wanted = "\
topology.yaml:4:16: error[unknown-key]: an app has no key `artefact`; did you mean `artifact`?
topology.yaml:5:35: error[bad-value]: `80820` is not a port or a range of ports; a port is a whole number from 1 to 65535
topology.yaml:6:46: error[unknown-name]: no pool is called `wbe`; did you mean `web`?
";
    assert_eq!((code, out.as_str(), err.as_str()), (1, "", wanted));
    assert_eq!(before, snapshot(folder.path()));
}

#[test]
fn json_diagnostics_are_on_stdout() {
    let folder = project(&TOPOLOGY.replace("pool: web }", "pool: wbe }"));
    let (code, out, err) = outcome(&genconf(
        folder.path(),
        &["topology.yaml", "--format", "json"],
    ));
    assert_eq!((code, err.as_str()), (1, ""));
    let diagnostics: serde_json::Value = serde_json::from_str(&out).expect("is JSON");
    assert_eq!(diagnostics[0]["code"], "unknown-name");
    assert_eq!(diagnostics[0]["primary"]["line"], 6);
    assert_eq!(diagnostics[0]["primary"]["column"], 46);
}

#[test]
fn machine_readable_output_is_one_document() {
    let wrong = TOPOLOGY.replace("pool: web }", "pool: wbe }");
    let warned = TOPOLOGY.replace("apps: {", "apps: { idle: { artifact: idle },");
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("is JSON");
    let run = |topology: &str, args: &[&str]| {
        let folder = project(topology);
        outcome(&genconf(
            folder.path(),
            &[args, &["topology.yaml", "--format", "json"]].concat(),
        ))
    };
    for (args, prefix) in [
        (&["graph"][..], "<svg "),
        (&["plan"], "a\n  + set up"),
        (&["--check"], "missing RUNBOOK.md\n"),
        (&["--diff"], "--- a/"),
    ] {
        let (_, out, err) = run(TOPOLOGY, args);
        assert!(out.starts_with(prefix), "{args:?}: {out}");
        assert!(!err.contains('['), "{args:?}: {err}");
        let (_, out, err) = run(&warned, args);
        assert!(out.starts_with(prefix), "{args:?}: {out}");
        let warnings = err.split_inclusive("]\n").next().unwrap_or_default();
        assert_eq!(json(warnings)[0]["code"], "unused", "{args:?}: {err}");
        let (code, out, err) = run(&wrong, args);
        assert_eq!((code, err.as_str()), (1, ""), "{args:?}");
        assert_eq!(json(&out)[0]["code"], "unknown-name", "{args:?}");
    }
    // Rendering prints only diagnostics.
    assert_eq!(run(TOPOLOGY, &[]).1, "[]\n");
    assert_eq!(json(&run(&warned, &[]).1)[0]["code"], "unused");
    let folder = project(TOPOLOGY);
    genconf(folder.path(), &["topology.yaml"]);
    let conf = folder.path().join("nginx/edge/nginx.conf");
    fs::write(conf, "# by hand\n").expect("can be written");
    let edited = genconf(folder.path(), &["topology.yaml", "--format", "json"]);
    let (code, out, err) = outcome(&edited);
    assert_eq!((code, out.as_str()), (2, "[]\n"));
    assert!(err.contains("-# by hand"), "{err}");
}

#[test]
fn files_that_are_no_longer_rendered_are_removed() {
    let folder = project(TOPOLOGY);
    genconf(folder.path(), &["topology.yaml"]);
    let conf = folder.path().join("nginx/edge/nginx.conf");
    assert!(conf.exists());
    let renamed = TOPOLOGY.replace("edge:", "internal:");
    fs::write(folder.path().join("topology.yaml"), renamed).expect("can be written");
    let (code, out, _) = outcome(&genconf(folder.path(), &["topology.yaml", "--check"]));
    assert_eq!(code, 2);
    assert!(out.contains("orphan nginx/edge/nginx.conf\n"), "{out}");
    assert!(out.contains("missing nginx/internal/nginx.conf\n"), "{out}");
    let (code, _, err) = outcome(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!(code, 0, "{err}");
    assert!(!conf.exists() && !conf.parent().expect("has one").exists());
    assert!(folder.path().join("nginx/internal/nginx.conf").exists());
}

#[test]
fn a_modified_file_is_kept_with_a_diff_unless_forced() {
    let folder = project(TOPOLOGY);
    genconf(folder.path(), &["topology.yaml"]);
    let conf = folder.path().join("nginx/edge/nginx.conf");
    let edited = fs::read_to_string(&conf).expect("is readable") + "# by hand\n";
    fs::write(&conf, &edited).expect("can be written");
    let (code, out, err) = outcome(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!(code, 2, "{err}");
    assert!(out.contains("-# by hand"), "{out}");
    assert!(
        err.contains("nginx/edge/nginx.conf was edited by hand"),
        "{err}"
    );
    assert_eq!(fs::read_to_string(&conf).expect("is readable"), edited);
    let (code, _, err) = outcome(&genconf(folder.path(), &["topology.yaml", "--force"]));
    assert_eq!(code, 0, "{err}");
    assert!(
        !fs::read_to_string(&conf)
            .expect("is readable")
            .contains("by hand")
    );
}

#[test]
fn only_renders_one_directory_and_keeps_the_manifest() {
    let folder = project(TOPOLOGY);
    let (code, _, err) = outcome(&genconf(
        folder.path(),
        &["topology.yaml", "--only", "nginx"],
    ));
    assert_eq!(code, 0, "{err}");
    assert!(folder.path().join("nginx").exists() && !folder.path().join("systemd").exists());
    genconf(folder.path(), &["topology.yaml"]);
    genconf(folder.path(), &["topology.yaml", "--only", "nginx"]);
    let (code, out, _) = outcome(&genconf(folder.path(), &["topology.yaml", "--check"]));
    assert_eq!((code, out.as_str()), (0, ""));
    let (code, _, err) = outcome(&genconf(
        folder.path(),
        &["topology.yaml", "--only", "ngnix"],
    ));
    assert_eq!(code, 64, "{err}");
}

#[test]
fn another_output_directory_refers_to_the_topology() {
    let folder = project(TOPOLOGY);
    let (code, _, err) = outcome(&genconf(folder.path(), &["topology.yaml", "--out", "a/b"]));
    assert_eq!(code, 0, "{err}");
    let inventory =
        fs::read_to_string(folder.path().join("a/b/ansible/inventory.yml")).expect("is readable");
    assert!(inventory.contains("\"../..\""), "{inventory}");
}

#[test]
fn an_unreadable_topology_is_an_error() {
    let folder = project(TOPOLOGY);
    let (code, _, err) = outcome(&genconf(folder.path(), &["none.yaml"]));
    assert_eq!(
        (code, err.as_str()),
        (
            1,
            "error: cannot read none.yaml: No such file or directory (os error 2)\n"
        )
    );
    let (code, _, err) = outcome(&genconf(folder.path(), &["."]));
    assert_eq!(
        (code, err.as_str()),
        (1, "error: cannot read .: Is a directory (os error 21)\n")
    );
    fs::write(folder.path().join("latin1.yaml"), b"project: \xe9\n").expect("can be written");
    let (code, _, err) = outcome(&genconf(folder.path(), &["latin1.yaml"]));
    assert_eq!(
        (code, err.as_str()),
        (
            1,
            "error: cannot read latin1.yaml: it is not UTF-8 text; byte 10 is the first that is not\n"
        )
    );
}

#[test]
fn a_failed_write_keeps_the_old_files() {
    let folder = project(TOPOLOGY);
    genconf(folder.path(), &["topology.yaml"]);
    // A directory in place of a file fails for every user, including root.
    let renamed = TOPOLOGY.replace("edge:", "internal:");
    fs::write(folder.path().join("topology.yaml"), renamed).expect("can be written");
    fs::create_dir_all(folder.path().join("systemd/p-internal.service/file")).expect("can be made");
    let before = snapshot(folder.path());
    let (code, _, err) = outcome(&genconf(folder.path(), &["topology.yaml", "--force"]));
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("p-internal.service"), "{err}");
    assert_eq!(before, snapshot(folder.path()));
}

#[test]
fn a_full_disk_keeps_the_old_files() {
    let folder = project(TOPOLOGY);
    genconf(folder.path(), &["topology.yaml"]);
    let renamed = TOPOLOGY.replace("edge:", "internal:");
    fs::write(folder.path().join("topology.yaml"), renamed).expect("can be written");
    let before = snapshot(folder.path());
    // A limit on the file size fails like a full disk.
    let limited = Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 2; exec \"$0\" topology.yaml"])
        .arg(env!("CARGO_BIN_EXE_genconf"))
        .current_dir(folder.path())
        .output()
        .expect("bash starts");
    let (code, _, err) = outcome(&limited);
    assert_eq!(code, 1, "{err}");
    assert!(
        err.contains("error: cannot write") && err.contains("File too large"),
        "{err}"
    );
    assert_eq!(before, snapshot(folder.path()));
}

#[test]
fn a_killed_run_leaves_complete_files_and_the_next_run_writes_the_rest() {
    for delay_us in [0_u32, 300, 1_000, 3_000, 10_000] {
        let folder = project(TOPOLOGY);
        genconf(folder.path(), &["topology.yaml"]);
        let old = snapshot(folder.path());
        let renamed = TOPOLOGY.replace("8080-8081", "8080-8089");
        fs::write(folder.path().join("topology.yaml"), renamed).expect("can be written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_genconf"))
            .arg("topology.yaml")
            .current_dir(folder.path())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("genconf starts");
        std::thread::sleep(std::time::Duration::from_micros(u64::from(delay_us)));
        let _ = child.kill();
        child.wait().expect("it ended");
        let killed = snapshot(folder.path());
        let (code, _, err) = outcome(&genconf(folder.path(), &["topology.yaml"]));
        assert_eq!(code, 0, "{err}");
        let new = snapshot(folder.path());
        for (name, bytes) in killed
            .iter()
            .filter(|(n, _)| !n.starts_with(".genconf.stage") && n != "topology.yaml")
        {
            let is_complete = old.iter().chain(&new).any(|(n, b)| n == name && b == bytes);
            assert!(is_complete, "{name} is incomplete");
        }
        assert!(
            new.iter().all(|(n, _)| !n.starts_with(".genconf.stage")),
            "the staging directory was not removed"
        );
    }
}

#[test]
fn the_staging_directory_of_a_killed_run_is_removed() {
    let folder = project(TOPOLOGY);
    let stage = folder.path().join(".genconf.stage");
    fs::create_dir(&stage).expect("can be made");
    fs::write(stage.join("3"), "half").expect("can be written");
    let (code, _, err) = outcome(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!(code, 0, "{err}");
    assert!(!stage.exists());
}

#[test]
fn another_topology_does_not_replace_rendered_files() {
    let folder = project(TOPOLOGY);
    let (code, ..) = outcome(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!(code, 0);
    let inventory = folder.path().join("ansible/inventory.yml");
    let before = fs::read_to_string(&inventory).expect("rendered");
    let other = fs::read_to_string(folder.path().join("topology.yaml")).expect("written");
    let other = other.replace("project: p", "project: q");
    fs::write(folder.path().join("other.yaml"), other).expect("can be written");
    let (code, _, err) = outcome(&genconf(folder.path(), &["other.yaml"]));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("is that of topology.yaml"), "{err}");
    assert_eq!(fs::read_to_string(&inventory).expect("still there"), before);
    let (code, ..) = outcome(&genconf(folder.path(), &["other.yaml", "--out", "other"]));
    assert_eq!(code, 0);
    let (code, ..) = outcome(&genconf(folder.path(), &["other.yaml", "--force"]));
    assert_eq!(code, 0);
}
