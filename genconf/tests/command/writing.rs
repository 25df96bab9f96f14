//! What is written, and what is left alone.

use std::fs;
use std::process::Command;

use crate::project::{SOUND, genconf, project, said, snapshot};

#[test]
fn a_second_run_changes_nothing_and_check_agrees() {
    let folder = project(SOUND);
    let (code, out, err) = said(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    let before = snapshot(folder.path());
    let (code, _, err) = said(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!(code, 0);
    assert!(err.contains("files are current"), "{err}");
    assert_eq!(before, snapshot(folder.path()));
    assert_eq!(
        said(&genconf(folder.path(), &["topology.yaml", "--check"])),
        (0, String::new(), String::new())
    );
}

#[test]
fn faults_are_all_told_and_nothing_is_written() {
    let folder = project(
        &SOUND
            .replace("pool: web }", "pool: wbe }")
            .replace("artifact: web", "artefact: web")
            .replace("8080-8081", "80820"),
    );
    let before = snapshot(folder.path());
    let (code, out, err) = said(&genconf(
        folder.path(),
        &["topology.yaml", "--format", "line"],
    ));
    let wanted = "\
topology.yaml:4:16: error[unknown-key]: unknown key `artefact` in app `web`; did you mean `artifact`?
topology.yaml:5:35: error[out-of-range]: an entry of `ports` must be from 1 to 65535, found `80820`; use `65535` or less
topology.yaml:6:46: error[unknown-name]: pool `wbe` is not defined; did you mean `web`?
";
    assert_eq!((code, out.as_str(), err.as_str()), (1, "", wanted));
    assert_eq!(before, snapshot(folder.path()));
}

#[test]
fn json_faults_are_data_on_stdout() {
    let folder = project(&SOUND.replace("pool: web }", "pool: wbe }"));
    let (code, out, err) = said(&genconf(
        folder.path(),
        &["topology.yaml", "--format", "json"],
    ));
    assert_eq!((code, err.as_str()), (1, ""));
    let faults: serde_json::Value = serde_json::from_str(&out).expect("is JSON");
    assert_eq!(faults[0]["code"], "unknown-name");
    assert_eq!(faults[0]["primary"]["line"], 6);
    assert_eq!(faults[0]["primary"]["column"], 46);
}

#[test]
fn what_a_program_reads_is_one_document() {
    let wrong = SOUND.replace("pool: web }", "pool: wbe }");
    let warned = SOUND.replace("apps: {", "apps: { idle: { artifact: idle },");
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("is JSON");
    let run = |topology: &str, words: &[&str]| {
        let folder = project(topology);
        said(&genconf(
            folder.path(),
            &[words, &["topology.yaml", "--format", "json"]].concat(),
        ))
    };
    for (words, begins) in [
        (&["graph"][..], "<svg "),
        (&["plan"], "a\n  + set up"),
        (&["--check"], "missing RUNBOOK.md\n"),
        (&["--diff"], "--- a/"),
    ] {
        let (_, out, err) = run(SOUND, words);
        assert!(out.starts_with(begins), "{words:?}: {out}");
        assert!(!err.contains('['), "{words:?}: {err}");
        let (_, out, err) = run(&warned, words);
        assert!(out.starts_with(begins), "{words:?}: {out}");
        let told = err.split_inclusive("]\n").next().unwrap_or_default();
        assert_eq!(json(told)[0]["code"], "unused", "{words:?}: {err}");
        let (code, out, err) = run(&wrong, words);
        assert_eq!((code, err.as_str()), (1, ""), "{words:?}");
        assert_eq!(json(&out)[0]["code"], "unknown-name", "{words:?}");
    }
    // Writing has no other data; what is told to people is beside it.
    assert_eq!(run(SOUND, &[]).1, "[]\n");
    assert_eq!(json(&run(&warned, &[]).1)[0]["code"], "unused");
    let folder = project(SOUND);
    genconf(folder.path(), &["topology.yaml"]);
    let conf = folder.path().join("nginx/door/nginx.conf");
    fs::write(conf, "# by hand\n").expect("can be written");
    let edited = genconf(folder.path(), &["topology.yaml", "--format", "json"]);
    let (code, out, err) = said(&edited);
    assert_eq!((code, out.as_str()), (2, "[]\n"));
    assert!(err.contains("-# by hand"), "{err}");
}

#[test]
fn what_is_no_longer_described_is_removed() {
    let folder = project(SOUND);
    genconf(folder.path(), &["topology.yaml"]);
    let conf = folder.path().join("nginx/door/nginx.conf");
    assert!(conf.exists());
    let renamed = SOUND.replace("door:", "gate:");
    fs::write(folder.path().join("topology.yaml"), renamed).expect("can be written");
    let (code, out, _) = said(&genconf(folder.path(), &["topology.yaml", "--check"]));
    assert_eq!(code, 2);
    assert!(out.contains("orphan nginx/door/nginx.conf\n"), "{out}");
    assert!(out.contains("missing nginx/gate/nginx.conf\n"), "{out}");
    let (code, _, err) = said(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!(code, 0, "{err}");
    assert!(!conf.exists() && !conf.parent().expect("has one").exists());
    assert!(folder.path().join("nginx/gate/nginx.conf").exists());
}

#[test]
fn a_file_edited_by_hand_is_refused_with_a_diff_until_forced() {
    let folder = project(SOUND);
    genconf(folder.path(), &["topology.yaml"]);
    let conf = folder.path().join("nginx/door/nginx.conf");
    let edited = fs::read_to_string(&conf).expect("is readable") + "# by hand\n";
    fs::write(&conf, &edited).expect("can be written");
    let (code, out, err) = said(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!(code, 2, "{err}");
    assert!(out.contains("-# by hand"), "{out}");
    assert!(
        err.contains("nginx/door/nginx.conf was edited by hand"),
        "{err}"
    );
    assert_eq!(fs::read_to_string(&conf).expect("is readable"), edited);
    let (code, _, err) = said(&genconf(folder.path(), &["topology.yaml", "--force"]));
    assert_eq!(code, 0, "{err}");
    assert!(
        !fs::read_to_string(&conf)
            .expect("is readable")
            .contains("by hand")
    );
}

#[test]
fn only_writes_one_folder_and_forgets_nothing() {
    let folder = project(SOUND);
    let (code, _, err) = said(&genconf(
        folder.path(),
        &["topology.yaml", "--only", "nginx"],
    ));
    assert_eq!(code, 0, "{err}");
    assert!(folder.path().join("nginx").exists() && !folder.path().join("systemd").exists());
    genconf(folder.path(), &["topology.yaml"]);
    genconf(folder.path(), &["topology.yaml", "--only", "nginx"]);
    let (code, out, _) = said(&genconf(folder.path(), &["topology.yaml", "--check"]));
    assert_eq!((code, out.as_str()), (0, ""));
    let (code, _, err) = said(&genconf(
        folder.path(),
        &["topology.yaml", "--only", "ngnix"],
    ));
    assert_eq!(code, 64, "{err}");
}

#[test]
fn a_bundle_elsewhere_knows_the_way_back() {
    let folder = project(SOUND);
    let (code, _, err) = said(&genconf(folder.path(), &["topology.yaml", "--out", "a/b"]));
    assert_eq!(code, 0, "{err}");
    let inventory =
        fs::read_to_string(folder.path().join("a/b/ansible/inventory.yml")).expect("is readable");
    assert!(inventory.contains("\"../..\""), "{inventory}");
}

#[test]
fn a_topology_that_cannot_be_read_is_a_clear_error() {
    let folder = project(SOUND);
    let (code, _, err) = said(&genconf(folder.path(), &["none.yaml"]));
    assert_eq!(
        (code, err.as_str()),
        (
            1,
            "error: cannot read none.yaml: No such file or directory (os error 2)\n"
        )
    );
    let (code, _, err) = said(&genconf(folder.path(), &["."]));
    assert_eq!(
        (code, err.as_str()),
        (1, "error: cannot read .: Is a directory (os error 21)\n")
    );
    fs::write(folder.path().join("latin1.yaml"), b"project: \xe9\n").expect("can be written");
    let (code, _, err) = said(&genconf(folder.path(), &["latin1.yaml"]));
    assert_eq!(
        (code, err.as_str()),
        (
            1,
            "error: cannot read latin1.yaml: it is not UTF-8 text; byte 10 is the first that is not\n"
        )
    );
}

#[test]
fn a_folder_that_cannot_be_written_leaves_the_old_bundle_whole() {
    let folder = project(SOUND);
    genconf(folder.path(), &["topology.yaml"]);
    // A folder where a file should go: no permission helps, not even root's.
    let renamed = SOUND.replace("door:", "gate:");
    fs::write(folder.path().join("topology.yaml"), renamed).expect("can be written");
    fs::create_dir_all(folder.path().join("systemd/p-gate.service/in-the-way"))
        .expect("can be made");
    let before = snapshot(folder.path());
    let (code, _, err) = said(&genconf(folder.path(), &["topology.yaml", "--force"]));
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("p-gate.service"), "{err}");
    assert_eq!(before, snapshot(folder.path()));
}

#[test]
fn a_full_disk_leaves_the_old_bundle_whole() {
    let folder = project(SOUND);
    genconf(folder.path(), &["topology.yaml"]);
    let renamed = SOUND.replace("door:", "gate:");
    fs::write(folder.path().join("topology.yaml"), renamed).expect("can be written");
    let before = snapshot(folder.path());
    // The largest file a process may write: the kernel refuses more as it does on a full disk.
    let limited = Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 2; exec \"$0\" topology.yaml"])
        .arg(env!("CARGO_BIN_EXE_genconf"))
        .current_dir(folder.path())
        .output()
        .expect("bash starts");
    let (code, _, err) = said(&limited);
    assert_eq!(code, 1, "{err}");
    assert!(
        err.contains("error: cannot write") && err.contains("File too large"),
        "{err}"
    );
    assert_eq!(before, snapshot(folder.path()));
}

#[test]
fn a_kill_in_the_middle_leaves_files_old_or_new_and_the_next_run_completes() {
    for delay_us in [0_u32, 300, 1_000, 3_000, 10_000] {
        let folder = project(SOUND);
        genconf(folder.path(), &["topology.yaml"]);
        let old = snapshot(folder.path());
        let renamed = SOUND.replace("8080-8081", "8080-8089");
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
        let (code, _, err) = said(&genconf(folder.path(), &["topology.yaml"]));
        assert_eq!(code, 0, "{err}");
        let new = snapshot(folder.path());
        for (name, bytes) in killed
            .iter()
            .filter(|(n, _)| !n.starts_with(".genconf.stage") && n != "topology.yaml")
        {
            let whole = old.iter().chain(&new).any(|(n, b)| n == name && b == bytes);
            assert!(whole, "{name} is half written");
        }
        assert!(
            new.iter().all(|(n, _)| !n.starts_with(".genconf.stage")),
            "a staging folder stays"
        );
    }
}

#[test]
fn what_a_killed_run_staged_is_swept() {
    let folder = project(SOUND);
    let stage = folder.path().join(".genconf.stage");
    fs::create_dir(&stage).expect("can be made");
    fs::write(stage.join("3"), "half").expect("can be written");
    let (code, _, err) = said(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!(code, 0, "{err}");
    assert!(!stage.exists());
}

#[test]
fn another_topology_does_not_take_the_place_of_a_bundle() {
    let folder = project(SOUND);
    let (code, ..) = said(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!(code, 0);
    let inventory = folder.path().join("ansible/inventory.yml");
    let before = fs::read_to_string(&inventory).expect("rendered");
    let other = fs::read_to_string(folder.path().join("topology.yaml")).expect("written");
    let other = other.replace("project: p", "project: q");
    fs::write(folder.path().join("other.yaml"), other).expect("can be written");
    let (code, _, err) = said(&genconf(folder.path(), &["other.yaml"]));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("is that of topology.yaml"), "{err}");
    assert_eq!(fs::read_to_string(&inventory).expect("still there"), before);
    let (code, ..) = said(&genconf(folder.path(), &["other.yaml", "--out", "other"]));
    assert_eq!(code, 0);
    let (code, ..) = said(&genconf(folder.path(), &["other.yaml", "--force"]));
    assert_eq!(code, 0);
}
