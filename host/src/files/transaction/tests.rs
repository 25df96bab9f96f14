//! Staging and commits.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::files::error::Operation;
use crate::files::faults::Fault;
use crate::files::tests::{Host, OWN, STATE, file};

const UNIT: &str = "/etc/systemd/system/randoms-web@.service";
const SPEC: &str = "/etc/randoms/spec.json";
const SECRET: &str = "/etc/randoms/web.env";
const PROXY: &str = "/etc/randoms/edge/conf/nginx.conf";

/// A host on which a project is installed.
fn installed() -> Host {
    let host = Host::new();
    host.put(SPEC, "old");
    host.put(SECRET, "A=1\n");
    host
}

/// Neither a file nor the state has changed.
fn assert_unchanged(host: &Host) {
    assert_eq!(host.tree(), installed().tree());
    assert_eq!(host.state(), [] as [PathBuf; 0]);
}

#[test]
fn a_commit_installs_and_removes_files_with_their_modes() {
    let host = installed();
    let dropin = host.put(
        "/etc/systemd/system/randoms-web.socket.d/50-listen.conf",
        OWN,
    );
    let secret = File {
        mode: 0o600,
        ..file(SECRET, "A=2\n")
    };
    let files = [file(SPEC, "new"), secret, file(PROXY, "proxy")];
    host.install(&files, std::slice::from_ref(&dropin)).unwrap();
    host.previous().unwrap().forget().unwrap();
    let mut tree = host.tree();
    let mut at = |path: &str| tree.remove(Path::new(path)).unwrap();
    assert_eq!(at(SPEC), (0o644, Some("new".to_owned())));
    assert_eq!(at(SECRET), (0o600, Some("A=2\n".to_owned())));
    assert_eq!(at(PROXY), (0o644, Some("proxy".to_owned())));
    assert_eq!(at("/etc/randoms/edge/conf"), (0o755, None));
    // With its directory.
    assert!(!tree.contains_key(dropin.parent().unwrap()));
    assert_eq!(host.state(), [] as [PathBuf; 0]);
}

#[test]
fn a_unit_of_the_project_is_replaced() {
    let host = installed();
    let unit = host.put(UNIT, OWN);
    let new = format!("{OWN}[Unit]\n");
    host.install(&[file(UNIT, &new)], &[]).unwrap();
    assert_eq!(host.text(&unit).unwrap(), new);
}

#[test]
fn each_step_is_on_disk_before_the_next() {
    use Operation::{Create, Link, Remove, Rename, Sync, Write};
    let host = installed();
    let operations = |run: &dyn Fn()| {
        host.root.faults.set(Fault::None);
        run();
        let mut operations = host.root.faults.operations();
        operations.dedup();
        operations
    };
    let manifest = [Remove, Create, Write, Rename, Sync];
    host.install(&[file(SECRET, "")], &[]).unwrap();
    host.previous().unwrap().forget().unwrap();

    let commit = operations(&|| host.install(&[file(SPEC, "new")], &[]).unwrap());
    let new_file = [Remove, Create, Write];
    let replace = [Remove, Link, Sync, Rename, Sync];
    let expected = [&manifest[..], &new_file, &manifest, &replace].concat();
    assert_eq!(commit, expected);

    let restore = operations(&|| host.previous().unwrap().restore().unwrap());
    assert_eq!(restore, [Rename, Remove, Sync, Remove, Sync]);

    host.install(&[file(SPEC, "new")], &[]).unwrap();
    let forget = operations(&|| host.previous().unwrap().forget().unwrap());
    assert_eq!(forget, [Remove, Rename, Sync, Remove, Sync, Remove, Sync]);
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    let host = Host::new();
    let writable = File {
        mode: 0o666,
        ..file("/etc/randoms/a", "")
    };
    host.install(&[writable], &[]).unwrap();
    assert_eq!(host.tree()[Path::new("/etc/randoms/a")].0, 0o666);
    let directory = Path::new("/etc/shared");
    host.root.create_directory(directory, 0o777).unwrap();
    assert_eq!(host.tree()[directory].0, 0o777);
}

#[test]
fn the_list_of_replaced_files_is_readable_for_root_only() {
    let host = installed();
    host.install(&[file(SPEC, "new")], &[]).unwrap();
    let mode = |path: &Path| {
        let metadata = host.root.metadata(path).unwrap().unwrap();
        metadata.permissions().mode() & 0o7777
    };
    assert_eq!(mode(Path::new(STATE)), 0o700);
    assert_eq!(mode(Path::new("/var/lib/genconf")), 0o755);
    assert_eq!(mode(&Path::new(STATE).join("previous.json")), 0o600);
}

#[test]
fn a_transaction_without_files_changes_nothing() {
    let host = Host::new();
    host.install(&[], &[]).unwrap();
    assert!(!host.root.exists(Path::new(STATE)).unwrap());
}

#[test]
fn a_candidate_is_next_to_its_destination_and_is_removed_without_a_commit() {
    let host = installed();
    let transaction = host
        .stage(&[file(SPEC, "new"), file(PROXY, "new")], &[])
        .unwrap();
    let candidate = transaction.candidate(Path::new(SPEC));
    assert_eq!(
        candidate.parent(),
        host.root.resolve(Path::new(SPEC)).parent()
    );
    assert_eq!(fs::read_to_string(candidate).unwrap(), "new");
    assert_eq!(host.text(Path::new(SPEC)).unwrap(), "old");
    drop(transaction);
    assert_unchanged(&host);
}

#[test]
fn a_staged_transaction_is_not_pending() {
    let host = installed();
    let transaction = host.stage(&[file(SPEC, "new")], &[]).unwrap();
    assert!(!host.previous().unwrap().is_pending());
    transaction.commit().unwrap();
    assert!(host.previous().unwrap().is_pending());
}

#[test]
fn a_file_in_a_shared_directory_that_is_not_of_the_project_is_refused() {
    let shared = [
        "/etc/logrotate.d/randoms",
        "/etc/sysctl.d/60-randoms-x.conf",
        UNIT,
    ];
    let other = "# Written by genconf for other.\n";
    let cases = [
        ("[Unit]\n", "exists and was not written by genconf: move it"),
        (other, "belongs to the project other: move it"),
    ];
    for path in shared {
        for (theirs, reason) in cases {
            let host = installed();
            host.put(path, theirs);
            let before = host.tree();
            let error = host
                .install(&[file(SPEC, "new"), file(path, OWN)], &[])
                .unwrap_err();
            let message = error.to_string();
            assert!(
                message.starts_with(&format!("{path} {reason}")),
                "{message}"
            );
            assert_eq!(host.tree(), before);
        }
    }
}

#[test]
fn a_masked_unit_is_not_replaced() {
    let host = installed();
    let link = host.root.resolve(Path::new(UNIT));
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    let error = host.install(&[file(UNIT, OWN)], &[]).unwrap_err();
    assert!(
        matches!(error, Error::Foreign { owner: None, .. }),
        "{error}"
    );
    assert!(link.is_symlink());
}

#[test]
fn a_path_that_is_listed_twice_is_refused() {
    let host = installed();
    let error = host.install(&[file(SPEC, "new")], &[SPEC.into()]);
    let message = error.unwrap_err().to_string();
    let expected = format!("{SPEC} is listed twice");
    assert!(message.starts_with(&expected), "{message}");
    assert_unchanged(&host);
}

#[test]
fn a_file_in_place_of_a_directory_is_an_error_and_remains() {
    let host = installed();
    let error = host.install(
        &[file(SPEC, "new"), file("/etc/randoms/web.env/a", "")],
        &[],
    );
    let message = error.unwrap_err().to_string();
    assert!(
        message.starts_with(&format!("cannot create the directory {SECRET}: ")),
        "{message}"
    );
    assert_unchanged(&host);
}

#[test]
fn a_directory_in_place_of_a_file_is_an_error_and_remains() {
    let host = installed();
    let error = host.install(&[file(SPEC, "new"), file("/etc/randoms", "")], &[]);
    let message = error.unwrap_err().to_string();
    assert!(message.contains("/etc/.randoms.previous"), "{message}");
    assert_unchanged(&host);
}
