//! Options, help, and exit codes that all commands share.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::project::{VALID, genconf, output, project};

#[test]
fn usage_help_and_version_go_where_they_belong() {
    let folder = project(VALID);
    let (code, out, err) = output(&genconf(folder.path(), &["--wrong"]));
    assert_eq!((code, out.as_str()), (64, ""));
    assert!(err.contains("unexpected argument '--wrong'"), "{err}");
    let (code, out, _) = output(&genconf(folder.path(), &[]));
    assert!(code == 0 && out.contains("Usage: genconf"), "{out}");
    let (code, out, err) = output(&genconf(folder.path(), &["-h"]));
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("Exit codes:"), "{out}");
    let (code, out, _) = output(&genconf(folder.path(), &["-V"]));
    assert_eq!(
        (code, out),
        (0, format!("genconf {}\n", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn a_topology_is_read_from_standard_input() {
    use std::io::Write as _;
    let folder = TempDir::new().expect("a folder can be made");
    let mut child = Command::new(env!("CARGO_BIN_EXE_genconf"))
        .args(["-", "--out-dir", "b"])
        .current_dir(folder.path())
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("genconf starts");
    let mut stdin = child.stdin.take().expect("is piped");
    stdin.write_all(VALID.as_bytes()).expect("is taken");
    drop(stdin);
    assert!(child.wait().expect("it ended").success());
    assert!(folder.path().join("b/nginx/edge/nginx.conf").exists());
}

#[test]
fn completions_and_the_manual_page_are_printed() {
    let folder = project(VALID);
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = output(&genconf(folder.path(), &["completions", shell]));
        assert!(code == 0 && out.contains("genconf"), "{shell}");
    }
    let (code, out, _) = output(&genconf(folder.path(), &["man"]));
    assert!(code == 0 && out.contains(".TH genconf 1"), "{out}");
    let (code, out, _) = output(&genconf(folder.path(), &["man", "render"]));
    assert!(code == 0 && out.contains(".TH genconf-render 1"), "{out}");
    let (code, _, err) = output(&genconf(folder.path(), &["man", "deploy"]));
    assert!(
        code == 64 && err.contains("unknown command `deploy`"),
        "{err}"
    );
}

#[test]
fn a_topology_is_found_in_a_parent_directory() {
    let folder = project(VALID);
    let below = folder.path().join("a/b");
    fs::create_dir_all(&below).expect("can be created");
    let (code, _, err) = output(&genconf(&below, &["check"]));
    assert_eq!(
        (code, err.as_str()),
        (
            0,
            "../../topology.yaml: valid (1 host, 1 app, 1 pool, 1 proxy)\n"
        )
    );
    let (code, _, err) = output(&genconf(&below, &["render"]));
    assert_eq!(code, 0, "{err}");
    assert!(folder.path().join("nginx/edge/nginx.conf").exists());
}

#[test]
fn a_missing_topology_is_an_error_with_the_next_command() {
    let folder = TempDir::new().expect("can be created");
    for command in [
        "check", "render", "diff", "plan", "verify", "graph", "status",
    ] {
        let (code, out, err) = output(&genconf(folder.path(), &[command]));
        assert_eq!((code, out.as_str()), (1, ""), "{command}");
        assert!(
            err.starts_with("error: no topology.yaml in this directory"),
            "{err}"
        );
        assert!(err.contains("`genconf init`"), "{err}");
    }
}

#[test]
fn a_topology_is_named_in_each_way() {
    let folder = project(VALID);
    fs::create_dir(folder.path().join("empty")).expect("can be created");
    fs::rename(
        folder.path().join("topology.yaml"),
        folder.path().join("shop.yaml"),
    )
    .expect("can be renamed");
    for arguments in [
        &["check", "shop.yaml"][..],
        &["check", "-t", "shop.yaml"],
        &["-t", "shop.yaml", "check"],
        &["--topology=shop.yaml", "validate"],
        &["-C", "empty", "check", "../shop.yaml"],
        &["-o", "line", "shop.yaml", "--diff"],
        &["--check", "-o", "json", "shop.yaml", "--diff"],
    ] {
        let (code, _, err) = output(&genconf(folder.path(), arguments));
        let expected = if arguments.contains(&"--check") { 2 } else { 0 };
        assert_eq!(code, expected, "{arguments:?}: {err}");
    }
    let by_variable = Command::new(env!("CARGO_BIN_EXE_genconf"))
        .arg("check")
        .env("GENCONF_TOPOLOGY", "shop.yaml")
        .current_dir(folder.path())
        .output()
        .expect("genconf starts");
    assert_eq!(output(&by_variable).0, 0);
    let both = genconf(folder.path(), &["check", "shop.yaml", "-t", "shop.yaml"]);
    assert_eq!(output(&both).0, 64);
}

#[test]
fn an_unknown_command_is_not_taken_for_a_file() {
    let folder = project(VALID);
    for arguments in [
        &["deploy"][..],
        &["deploy", "topology.yaml"],
        &["lgs", "-o", "line"],
    ] {
        let (code, _, err) = output(&genconf(folder.path(), arguments));
        assert_eq!(code, 64, "{arguments:?}: {err}");
        let expected = format!("unrecognized subcommand '{}'", arguments[0]);
        assert!(err.contains(&expected), "{err}");
    }
}

#[test]
fn every_command_lists_its_exit_codes() {
    let folder = project(VALID);
    let (_, help, _) = output(&genconf(folder.path(), &["--help"]));
    let commands = help.lines().skip_while(|l| *l != "Commands:").skip(1);
    let names = commands.map_while(|l| l.split_whitespace().next());
    let names: Vec<&str> = names.filter(|name| *name != "help").collect();
    assert_eq!(names.len(), 13, "{help}");
    for name in names {
        let (code, out, _) = output(&genconf(folder.path(), &[name, "--help"]));
        let has_codes = out.contains("\nExit codes:\n  0   success\n");
        assert!(code == 0 && has_codes, "{name}: {out}");
    }
}

#[test]
fn color_and_verbosity_follow_their_options() {
    let folder = project(&VALID.replace("pool: web }", "pool: wbe }"));
    let (_, _, err) = output(&genconf(folder.path(), &["check", "--color", "always"]));
    assert!(err.contains("\u{1b}["), "{err}");
    let (_, _, err) = output(&genconf(folder.path(), &["check", "--color=never"]));
    assert!(!err.contains("\u{1b}["), "{err}");
    let folder = project(VALID);
    let (_, _, err) = output(&genconf(folder.path(), &["render", "-v"]));
    assert!(err.contains("created nginx/edge/nginx.conf\n"), "{err}");
    assert_eq!(
        output(&genconf(folder.path(), &["render", "-q"])),
        (0, String::new(), String::new())
    );
}

#[test]
fn warnings_are_errors_with_strict() {
    let folder = project(&VALID.replace("apps: {", "apps: { idle: { artifact: idle },"));
    assert_eq!(output(&genconf(folder.path(), &["check"])).0, 0);
    assert_eq!(output(&genconf(folder.path(), &["check", "--strict"])).0, 1);
}

#[test]
fn a_renamed_option_and_a_command_of_a_similar_program_have_help() {
    let folder = project(VALID);
    for (arguments, help) in [
        (
            &["topology.yaml", "--out", "b"][..],
            "help: use `--out-dir DIR`\n",
        ),
        (
            &["check", "--format", "line"],
            "help: use `--output human|json|line`",
        ),
        (
            &["init", "--example", "tls"],
            "help: use `genconf init NAME`\n",
        ),
        (
            &["graph", "--as", "dot"],
            "help: use `genconf graph --format FORMAT`\n",
        ),
        (&["deploy"], "ansible/deploy.yml`\n"),
        (&["logs"], "help: run `journalctl"),
    ] {
        let (code, _, err) = output(&genconf(folder.path(), arguments));
        assert_eq!(code, 64, "{arguments:?}: {err}");
        assert!(err.contains(help), "{arguments:?}: {err}");
    }
}

#[test]
fn lists_are_printed_as_json() {
    let folder = project(VALID);
    for arguments in [
        &["explain"][..],
        &["explain", "port-clash"],
        &["init", "--list"],
    ] {
        let json = [arguments, &["-o", "json"]].concat();
        let (code, out, err) = output(&genconf(folder.path(), &json));
        assert_eq!(code, 0, "{err}");
        serde_json::from_str::<serde_json::Value>(&out).expect("is JSON");
    }
}
