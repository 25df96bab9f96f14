use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::host::fixture::spec;

fn run(pid: u32) -> Run {
    Run {
        who: "op@laptop".to_owned(),
        machine: "boot".to_owned(),
        pid,
        living: vec![pid],
        take_over: false,
        expires_after_s: 60,
    }
}

fn configuration(env_file: &str) -> Configuration {
    Configuration {
        spec: serde_json::to_string(&spec()).unwrap(),
        files: [("/etc/randoms/a".into(), "a".to_owned())].into(),
        env_files: [("/etc/randoms/randoms.env".into(), env_file.to_owned())].into(),
    }
}

fn staged(run: &Run) -> Staged {
    Staged {
        run: run.id(),
        digest: "d1".to_owned(),
        configuration: configuration("A=1\n"),
    }
}

#[test]
fn variables_that_units_set_are_rejected_with_their_lines() {
    for (text, line, name) in [
        ("PORT=1", 1, "PORT"),
        ("# PORT=1\n\nA=1\nPORT =1\n", 4, "PORT"),
        ("A=1\r\n  export PORT=1\r\n", 2, "PORT"),
        ("GENCONF_RELEASE=1\n", 1, "GENCONF_RELEASE"),
        ("A=PORT=1\nGENCONF_=1\n", 2, "GENCONF_"),
    ] {
        let error = configuration(text).check().unwrap_err();
        let start =
            format!("line {line} of the env_file for /etc/randoms/randoms.env sets {name};");
        assert!(error.starts_with(&start), "{text:?}: {error}");
    }
}

#[test]
fn other_variables_are_accepted() {
    let text =
        "# PORT=1\n; GENCONF_A=1\nREPORT=1\nPORTS=1\nA=PORT=1\nPORT\nXGENCONF_A=1\nexport B=1\n";
    assert_eq!(configuration(text).check(), Ok(()));
    assert_eq!(configuration("").check(), Ok(()));
}

#[test]
fn a_configuration_belongs_to_the_run_that_has_staged_it() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = directory.path().join("genconf/randoms");
    assert!(Staged::read(&runtime, &run(1)).unwrap().is_none());
    staged(&run(1)).write(&runtime).unwrap();
    let read = Staged::read(&runtime, &run(1)).unwrap().unwrap();
    assert_eq!(read.digest, "d1");
    assert_eq!(
        read.configuration.env_files,
        staged(&run(1)).configuration.env_files
    );
    assert_eq!(read.site().unwrap().host.spec(), &spec());
    assert!(Staged::read(&runtime, &run(2)).unwrap().is_none());
    staged(&run(2)).write(&runtime).unwrap();
    assert!(Staged::read(&runtime, &run(1)).unwrap().is_none());
}

#[test]
fn only_root_can_read_a_configuration_with_secrets() {
    let directory = tempfile::tempdir().unwrap();
    staged(&run(1)).write(directory.path()).unwrap();
    let metadata = std::fs::metadata(directory.path().join("configuration.json")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_configuration_is_removed_once_and_its_absence_is_no_error() {
    let directory = tempfile::tempdir().unwrap();
    staged(&run(1)).write(directory.path()).unwrap();
    for _ in 0..2 {
        Staged::remove(directory.path()).unwrap();
        assert!(Staged::read(directory.path(), &run(1)).unwrap().is_none());
    }
}

#[test]
fn a_damaged_configuration_is_an_error_with_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("configuration.json");
    std::fs::write(&path, "{").unwrap();
    let error = Staged::read(directory.path(), &run(1)).unwrap_err();
    assert!(error.starts_with(path.to_str().unwrap()), "{error}");
}

#[test]
fn a_configuration_with_a_spec_of_another_format_describes_no_site() {
    let mut staged = staged(&run(1));
    staged.configuration.spec = r#"{"format": 7}"#.to_owned();
    let error = staged.site().err().unwrap();
    assert!(
        error.starts_with("spec.json: the file has format 7"),
        "{error}"
    );
}

#[test]
fn the_applied_configuration_is_known_until_another_one_is_applied() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    assert!(Applied::read(&state).is_none());
    for digest in ["d1", "d2"] {
        Applied {
            configuration: digest.to_owned(),
        }
        .write(&state)
        .unwrap();
        assert_eq!(Applied::read(&state).unwrap().configuration, digest);
    }
    std::fs::write(state.join("applied.json"), "{").unwrap();
    assert!(Applied::read(&state).is_none());
}
