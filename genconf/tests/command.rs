//! The program as a person runs it: output, exit codes, and what is on disk after.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const SOUND: &str = "\
version: 1
project: p
hosts: { a: { address: 192.0.2.1 } }
apps: { web: { artifact: web } }
pools: { web: { app: web, ports: [8080-8081] } }
proxies: { door: { routes: [{ path: /, pool: web }] } }
";

fn genconf(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_genconf"))
        .args(args)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("genconf starts")
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn project(topology: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder can be made");
    fs::write(folder.path().join("topology.yaml"), topology).expect("a file can be written");
    folder
}

/// Every file below `folder` with its content, sorted.
fn snapshot(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("is readable") {
            let path = entry.expect("is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(folder)
                    .expect("is below")
                    .display()
                    .to_string();
                files.push((name, fs::read(&path).expect("is readable")));
            }
        }
    }
    files.sort();
    files
}

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
topology.yaml:4:16: error[unknown-key]: an app has no key `artefact`; did you mean `artifact`?
topology.yaml:5:35: error[bad-value]: `80820` is not a port or a range of ports; a port is a whole number from 1 to 65535
topology.yaml:6:46: error[unknown-name]: no pool is called `wbe`; did you mean `web`?
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
fn usage_help_and_version_go_where_they_belong() {
    let folder = project(SOUND);
    let (code, out, err) = said(&genconf(folder.path(), &["--wrong"]));
    assert_eq!((code, out.as_str()), (64, ""));
    assert!(err.contains("unexpected argument '--wrong'"), "{err}");
    let (code, out, err) = said(&genconf(folder.path(), &["-h"]));
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("Exit codes:"), "{out}");
    let (code, out, _) = said(&genconf(folder.path(), &["-V"]));
    assert_eq!(
        (code, out),
        (0, format!("genconf {}\n", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn a_topology_on_standard_input_writes_where_it_is_told() {
    use std::io::Write as _;
    let folder = TempDir::new().expect("a folder can be made");
    let mut child = Command::new(env!("CARGO_BIN_EXE_genconf"))
        .args(["-", "--out", "b"])
        .current_dir(folder.path())
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("genconf starts");
    let mut stdin = child.stdin.take().expect("is piped");
    stdin.write_all(SOUND.as_bytes()).expect("is taken");
    drop(stdin);
    assert!(child.wait().expect("it ended").success());
    assert!(folder.path().join("b/nginx/door/nginx.conf").exists());
}

#[test]
fn a_rendered_line_is_traced_to_the_topology() {
    let folder = project(SOUND);
    genconf(folder.path(), &["topology.yaml"]);
    let conf =
        fs::read_to_string(folder.path().join("nginx/door/nginx.conf")).expect("is readable");
    let line = conf
        .lines()
        .position(|l| l.contains("server 127.0.0.1:8081"))
        .expect("is there")
        + 1;
    let (code, out, err) = said(&genconf(
        folder.path(),
        &["explain", &format!("nginx/door/nginx.conf:{line}")],
    ));
    let wanted = format!(
        "nginx/door/nginx.conf:{line}: server 127.0.0.1:8081 max_fails=0;\n  \
         topology.yaml:5:35: pools.web.ports.0\n      \
         pools: {{ web: {{ app: web, ports: [8080-8081] }} }}\n  \
         printed by the renderer `nginx`\n"
    );
    assert_eq!((code, out), (0, wanted), "{err}");
    let (code, _, err) = said(&genconf(
        folder.path(),
        &["explain", "nginx/door/nginx.conf:99999"],
    ));
    assert!(code == 1 && err.contains("has only"), "{err}");
    let (code, _, err) = said(&genconf(folder.path(), &["explain", "port-clsh"]));
    assert_eq!(
        (code, err.as_str()),
        (
            1,
            "error: no fault is called `port-clsh`; did you mean `port-clash`?\n"
        )
    );
}

#[test]
fn a_plan_says_by_meaning_what_would_be_done() {
    let folder = project(SOUND);
    let plan = |topology: &str| {
        fs::write(folder.path().join("topology.yaml"), topology).expect("can be written");
        let (code, out, _) = said(&genconf(folder.path(), &["plan", "topology.yaml"]));
        (code, out)
    };
    let (code, out) = plan(SOUND);
    assert!(
        code == 2 && out.starts_with("a\n  + set up    everything"),
        "{out}"
    );
    genconf(folder.path(), &["topology.yaml"]);
    assert_eq!(plan(SOUND), (0, String::new()));
    let grown = plan(&SOUND.replace("8080-8081", "8080-8082"));
    assert_eq!(
        grown,
        (
            2,
            "a\n  + start     p-web@8082.socket p-web@8082.service\n  ~ reload    p-door.service\n"
                .to_owned()
        )
    );
    let shrunk = plan(&SOUND.replace("8080-8081", "8080"));
    assert_eq!(
        shrunk,
        (
            2,
            "a\n  ~ reload    p-door.service\n  - remove    p-web@8081.service p-web@8081.socket\n"
                .to_owned()
        )
    );
    let env = plan(&SOUND.replace("ports:", "env: { A: b }, ports:"));
    assert_eq!(
        env,
        (
            2,
            "a\n  ~ restart   p-web@8080.service\n  ~ restart   p-web@8081.service\n".to_owned()
        )
    );
    let moved = plan(&SOUND.replace("routes:", "listen: 81, routes:"));
    assert_eq!(
        moved,
        (
            2,
            "a\n  ~ re-open   p-door.socket (its port is closed for a moment)\n".to_owned()
        )
    );
}

#[test]
fn init_writes_an_example_that_renders_and_overwrites_nothing() {
    let folder = TempDir::new().expect("a folder can be made");
    let (_, list, _) = said(&genconf(folder.path(), &["init", "--list"]));
    for name in list.lines().filter_map(|l| l.split_whitespace().next()) {
        let file = format!("{name}.yaml");
        let (code, _, err) = said(&genconf(folder.path(), &["init", "--example", name, &file]));
        assert_eq!(code, 0, "{err}");
        let (code, _, err) = said(&genconf(folder.path(), &[&file, "--out", name]));
        assert_eq!(code, 0, "{name}: {err}");
    }
    let (code, _, err) = said(&genconf(folder.path(), &["init", "default.yaml"]));
    assert!(code == 1 && err.contains("is already there"), "{err}");
}

#[test]
fn pictures_are_drawn_in_three_languages() {
    let folder = project(SOUND);
    for (language, sign) in [
        ("svg", "<svg "),
        ("mermaid", "flowchart LR"),
        ("dot", "digraph "),
    ] {
        let (code, out, err) = said(&genconf(
            folder.path(),
            &["graph", "topology.yaml", "--as", language],
        ));
        assert_eq!(code, 0, "{err}");
        assert!(out.starts_with(sign), "{out}");
        for said in ["door", "web", "8080", "8081"] {
            assert!(out.contains(said), "{language} lacks {said}");
        }
    }
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures/topology.svg");
    let (_, out, _) = said(&genconf(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
        &["graph", "topology.yaml"],
    ));
    assert_eq!(
        out,
        fs::read_to_string(picture).expect("is readable"),
        "docs/pictures/topology.svg is stale"
    );
}

#[test]
fn completions_and_the_manual_page_are_printed() {
    let folder = project(SOUND);
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = said(&genconf(folder.path(), &["completions", shell]));
        assert!(code == 0 && out.contains("genconf"), "{shell}");
    }
    let (code, out, _) = said(&genconf(folder.path(), &["man"]));
    assert!(code == 0 && out.contains(".TH genconf 1"), "{out}");
}
