//! `genconf render`: files that are written, kept, and refused.

use std::fs;
use std::process::Command;

use crate::project::{VALID, genconf, output, project, snapshot};

#[test]
fn a_second_run_changes_nothing_and_check_agrees() {
    let folder = project(VALID);
    let (code, out, err) = output(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    let before = snapshot(folder.path());
    let (code, _, err) = output(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!(code, 0);
    assert!(err.contains("files are current"), "{err}");
    assert_eq!(before, snapshot(folder.path()));
    assert_eq!(
        output(&genconf(folder.path(), &["topology.yaml", "--check"])),
        (0, String::new(), String::new())
    );
}

#[test]
fn all_errors_are_printed_and_no_file_is_written() {
    let folder = project(
        &VALID
            .replace("pool: web }", "pool: wbe }")
            .replace("artifact: web", "artefact: web")
            .replace("8080-8081", "80820"),
    );
    let before = snapshot(folder.path());
    let (code, out, err) = output(&genconf(folder.path(), &["topology.yaml", "-o", "line"]));
    let wanted = "\
topology.yaml:4:16: error[unknown-key]: unknown key `artefact` in app `web`; did you mean `artifact`?
topology.yaml:5:35: error[out-of-range]: an entry of `ports` must be from 1 to 65535, found `80820`; use `65535` or less
topology.yaml:6:46: error[unknown-name]: pool `wbe` is not defined; did you mean `web`?
";
    assert_eq!((code, out.as_str(), err.as_str()), (1, "", wanted));
    assert_eq!(before, snapshot(folder.path()));
}

#[test]
fn json_diagnostics_are_printed_on_standard_output() {
    let folder = project(&VALID.replace("pool: web }", "pool: wbe }"));
    let (code, out, err) = output(&genconf(folder.path(), &["topology.yaml", "-o", "json"]));
    assert_eq!((code, err.as_str()), (1, ""));
    let diagnostics: serde_json::Value = serde_json::from_str(&out).expect("is JSON");
    assert_eq!(diagnostics[0]["code"], "unknown-name");
    assert_eq!(diagnostics[0]["primary"]["line"], 6);
    assert_eq!(diagnostics[0]["primary"]["column"], 46);
}

#[test]
fn json_on_standard_output_is_one_document() {
    let wrong = VALID.replace("pool: web }", "pool: wbe }");
    let warned = VALID.replace("apps: {", "apps: { idle: { artifact: idle },");
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("is JSON");
    let run = |topology: &str, words: &[&str]| {
        let folder = project(topology);
        output(&genconf(
            folder.path(),
            &[words, &["topology.yaml", "-o", "json"]].concat(),
        ))
    };
    for (words, begins) in [
        (&["graph"][..], "<svg "),
        (
            &["plan", "--offline"],
            "[\n  {\n    \"error\": null,\n    \"host\": \"a\"",
        ),
        (&["--check"], "[\n  {\n    \"path\": \"RUNBOOK.md\""),
        (&["--diff"], "[\n  {\n    \"path\": \"RUNBOOK.md\""),
    ] {
        let (_, out, err) = run(VALID, words);
        assert!(out.starts_with(begins), "{words:?}: {out}");
        assert!(!err.contains('['), "{words:?}: {err}");
        let (_, out, err) = run(&warned, words);
        assert!(out.starts_with(begins), "{words:?}: {out}");
        let warnings = err.split_inclusive("]\n").next().unwrap_or_default();
        assert_eq!(json(warnings)[0]["code"], "unused", "{words:?}: {err}");
        let (code, out, err) = run(&wrong, words);
        assert_eq!((code, err.as_str()), (1, ""), "{words:?}");
        assert_eq!(json(&out)[0]["code"], "unknown-name", "{words:?}");
    }
    // Rendering has no other result.
    assert_eq!(run(VALID, &[]).1, "[]\n");
    assert_eq!(json(&run(&warned, &[]).1)[0]["code"], "unused");
    let folder = project(VALID);
    genconf(folder.path(), &["topology.yaml"]);
    let conf = folder.path().join("nginx/edge/nginx.conf");
    fs::write(conf, "# by hand\n").expect("can be written");
    let edited = genconf(folder.path(), &["topology.yaml", "-o", "json"]);
    let (code, out, err) = output(&edited);
    assert_eq!((code, err.as_str()), (1, ""));
    assert_eq!(json(&out)[0]["code"], "edited-file");
    assert_eq!(json(&out)[0]["primary"]["file"], "./nginx/edge/nginx.conf");
}

#[test]
fn files_without_a_source_are_removed() {
    let folder = project(VALID);
    genconf(folder.path(), &["topology.yaml"]);
    let conf = folder.path().join("nginx/edge/nginx.conf");
    assert!(conf.exists());
    let renamed = VALID.replace("edge:", "front:");
    fs::write(folder.path().join("topology.yaml"), renamed).expect("can be written");
    let (code, out, _) = output(&genconf(folder.path(), &["topology.yaml", "--check"]));
    assert_eq!(code, 2);
    assert!(out.contains("orphaned nginx/edge/nginx.conf\n"), "{out}");
    assert!(out.contains("missing nginx/front/nginx.conf\n"), "{out}");
    let (code, _, err) = output(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!(code, 0, "{err}");
    assert!(!conf.exists() && !conf.parent().expect("has one").exists());
    assert!(folder.path().join("nginx/front/nginx.conf").exists());
}

#[test]
fn a_file_edited_by_hand_is_refused_with_a_diff_until_forced() {
    let folder = project(VALID);
    genconf(folder.path(), &["topology.yaml"]);
    let conf = folder.path().join("nginx/edge/nginx.conf");
    let edited = fs::read_to_string(&conf).expect("is readable") + "# by hand\n";
    fs::write(&conf, &edited).expect("can be written");
    let (code, out, err) = output(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!(code, 1, "{err}");
    assert!(out.contains("-# by hand"), "{out}");
    assert!(
        err.contains("nginx/edge/nginx.conf was edited by hand"),
        "{err}"
    );
    assert_eq!(fs::read_to_string(&conf).expect("is readable"), edited);
    let (code, _, err) = output(&genconf(folder.path(), &["topology.yaml", "--force"]));
    assert_eq!(code, 0, "{err}");
    assert!(
        !fs::read_to_string(&conf)
            .expect("is readable")
            .contains("by hand")
    );
}

#[test]
fn only_restricts_rendering_to_one_directory() {
    let folder = project(VALID);
    let (code, _, err) = output(&genconf(
        folder.path(),
        &["topology.yaml", "--only", "nginx"],
    ));
    assert_eq!(code, 0, "{err}");
    assert!(folder.path().join("nginx").exists() && !folder.path().join("systemd").exists());
    genconf(folder.path(), &["topology.yaml"]);
    genconf(folder.path(), &["topology.yaml", "--only", "nginx"]);
    let (code, out, _) = output(&genconf(folder.path(), &["topology.yaml", "--check"]));
    assert_eq!((code, out.as_str()), (0, ""));
    let (code, _, err) = output(&genconf(
        folder.path(),
        &["topology.yaml", "--only", "ngnix"],
    ));
    assert_eq!(code, 64, "{err}");
}

#[test]
fn another_output_directory_refers_to_the_topology() {
    let folder = project(VALID);
    let (code, _, err) = output(&genconf(
        folder.path(),
        &["topology.yaml", "--out-dir", "a/b"],
    ));
    assert_eq!(code, 0, "{err}");
    let inventory =
        fs::read_to_string(folder.path().join("a/b/ansible/inventory.yml")).expect("is readable");
    assert!(inventory.contains("\"../..\""), "{inventory}");
}

#[test]
fn a_topology_that_cannot_be_read_is_a_clear_error() {
    let folder = project(VALID);
    let (code, _, err) = output(&genconf(folder.path(), &["none.yaml"]));
    assert_eq!(
        (code, err.as_str()),
        (
            1,
            "error: cannot read none.yaml: No such file or directory (os error 2)\nhelp: create one with `genconf init`, or name it: `genconf check path/to/topology.yaml`\n"
        )
    );
    fs::write(folder.path().join("latin1.yaml"), b"project: \xe9\n").expect("can be written");
    let (code, _, err) = output(&genconf(folder.path(), &["latin1.yaml"]));
    assert_eq!(
        (code, err.as_str()),
        (
            1,
            "error: cannot read latin1.yaml: expected UTF-8 text, found another encoding at byte 10\nhelp: save the file as UTF-8\n"
        )
    );
}

#[test]
fn a_failed_write_keeps_all_old_files() {
    let folder = project(VALID);
    genconf(folder.path(), &["topology.yaml"]);
    // A directory at the path of a file: not even root can write there.
    let renamed = VALID.replace("edge:", "front:");
    fs::write(folder.path().join("topology.yaml"), renamed).expect("can be written");
    fs::create_dir_all(folder.path().join("systemd/p-front.service/in-the-way"))
        .expect("can be made");
    let before = snapshot(folder.path());
    let (code, _, err) = output(&genconf(folder.path(), &["topology.yaml", "--force"]));
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("p-front.service"), "{err}");
    assert_eq!(before, snapshot(folder.path()));
}

#[test]
fn a_full_disk_keeps_all_old_files() {
    let folder = project(VALID);
    genconf(folder.path(), &["topology.yaml"]);
    let renamed = VALID.replace("edge:", "front:");
    fs::write(folder.path().join("topology.yaml"), renamed).expect("can be written");
    let before = snapshot(folder.path());
    // The largest file a process may write: the kernel refuses more as it does on a full disk.
    let limited = Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 2; exec \"$0\" topology.yaml"])
        .arg(env!("CARGO_BIN_EXE_genconf"))
        .current_dir(folder.path())
        .output()
        .expect("bash starts");
    let (code, _, err) = output(&limited);
    assert_eq!(code, 1, "{err}");
    assert!(
        err.contains("error: cannot write") && err.contains("File too large"),
        "{err}"
    );
    assert_eq!(before, snapshot(folder.path()));
}

#[test]
fn a_killed_run_leaves_complete_files_and_the_next_run_finishes() {
    for delay_us in [0_u32, 300, 1_000, 3_000, 10_000] {
        let folder = project(VALID);
        genconf(folder.path(), &["topology.yaml"]);
        let old = snapshot(folder.path());
        let renamed = VALID.replace("8080-8081", "8080-8089");
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
        let (code, _, err) = output(&genconf(folder.path(), &["topology.yaml"]));
        assert_eq!(code, 0, "{err}");
        let new = snapshot(folder.path());
        for (name, bytes) in killed
            .iter()
            .filter(|(n, _)| !n.starts_with(".genconf.stage") && n != "topology.yaml")
        {
            let whole = old.iter().chain(&new).any(|(n, b)| n == name && b == bytes);
            assert!(whole, "{name} is incomplete");
        }
        assert!(
            new.iter().all(|(n, _)| !n.starts_with(".genconf.stage")),
            "the staging directory was not removed"
        );
    }
}

#[test]
fn staged_files_of_a_killed_run_are_removed() {
    let folder = project(VALID);
    let stage = folder.path().join(".genconf.stage");
    // Before the first file was renamed, and after the last one was.
    for _ in 0..2 {
        fs::create_dir(&stage).expect("can be made");
        fs::write(stage.join("3"), "half").expect("can be written");
        let (code, _, err) = output(&genconf(folder.path(), &["topology.yaml"]));
        assert_eq!(code, 0, "{err}");
        assert!(!stage.exists());
    }
}

#[test]
fn files_of_another_topology_are_not_overwritten() {
    let folder = project(VALID);
    let (code, ..) = output(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!(code, 0);
    let inventory = folder.path().join("ansible/inventory.yml");
    let before = fs::read_to_string(&inventory).expect("rendered");
    let other = fs::read_to_string(folder.path().join("topology.yaml")).expect("written");
    let other = other.replace("project: p", "project: q");
    fs::write(folder.path().join("other.yaml"), other).expect("can be written");
    let (code, _, err) = output(&genconf(folder.path(), &["other.yaml"]));
    assert_eq!(code, 1, "{err}");
    assert!(
        err.contains("has the rendered files of topology.yaml"),
        "{err}"
    );
    assert_eq!(fs::read_to_string(&inventory).expect("still there"), before);
    let (code, ..) = output(&genconf(
        folder.path(),
        &["other.yaml", "--out-dir", "other"],
    ));
    assert_eq!(code, 0);
    let (code, ..) = output(&genconf(folder.path(), &["other.yaml", "--force"]));
    assert_eq!(code, 0);
}
