//! Failures of each operation of transactions, restores, and forgets.

use std::path::{Path, PathBuf};

use super::{Host, OWN, Tree, file, for_each_operation};
use crate::files::faults::Fault;
use crate::files::manifest::is_temporary;
use crate::files::{Error, File};

const SERVICE: &str = "/etc/systemd/system/randoms-web@.service";
const DROPIN: &str = "/etc/systemd/system/randoms-web-port@.socket.d/50-listen.conf";
const NEW_SERVICE: &str = "/etc/systemd/system/randoms-new@.service";
const NEW_DROPIN: &str = "/etc/systemd/system/randoms-new@.service.d/50-limits.conf";
const SPEC: &str = "/etc/randoms/spec.json";
const SECRET: &str = "/etc/randoms/web.env";
const PROXY: &str = "/etc/randoms/edge/conf/nginx.conf";

/// A host on which a project is installed.
fn installed() -> Host {
    let host = Host::new();
    host.put(SERVICE, OWN);
    host.put(DROPIN, OWN);
    host.put(SPEC, "old");
    host.put(SECRET, "A=1\n");
    host.root.set_mode(Path::new(SECRET), 0o600).unwrap();
    host
}

/// Replaces files, creates others with their directories, and removes one.
fn first(host: &Host) -> Result<(), Error> {
    let unit = format!("{OWN}[Service]\n");
    let secret = File {
        mode: 0o640,
        ..file(SECRET, "A=2\n")
    };
    let files = [
        file(SERVICE, &unit),
        file(NEW_SERVICE, &unit),
        file(NEW_DROPIN, &unit),
        file(SPEC, "new"),
        secret,
        file(PROXY, "new"),
    ];
    host.install(&files, &[DROPIN.into()])
}

/// Replaces some of the files of [`first`], restores the one that it removed, and removes others.
fn second(host: &Host) -> Result<(), Error> {
    let unit = format!("{OWN}[Service]\nUser=second\n");
    let files = [
        file(SERVICE, &unit),
        file(DROPIN, &unit),
        file(NEW_SERVICE, &unit),
        file("/etc/randoms/second", "second"),
    ];
    host.install(&files, &[SPEC.into(), PROXY.into()])
}

fn restore(host: &Host) -> Result<(), Error> {
    host.previous()?.restore()
}

fn restore_existing(host: &Host) -> Result<(), Error> {
    host.previous()?.restore_existing()
}

fn forget(host: &Host) -> Result<(), Error> {
    host.previous()?.forget()
}

type Step = fn(&Host) -> Result<(), Error>;

/// The tree after these steps, which succeed.
fn tree_after(steps: &[Step]) -> Tree {
    let host = installed();
    for step in steps {
        step(&host).unwrap();
    }
    host.tree()
}

/// The tree that all restores lead to.
fn old_tree() -> Tree {
    installed().tree()
}

/// For each operation of `step` after `before`: kills it there, and calls `check`.
fn for_each_kill(before: &[Step], step: Step, check: impl Fn(&Host)) {
    for_each_operation(|number| {
        let host = installed();
        for step in before {
            step(&host).unwrap();
        }
        let (is_hit, _) = host.with_fault(Fault::Kill(number), step);
        check(&host);
        is_hit
    });
}

fn assert_restored(host: &Host) {
    restore(host).unwrap();
    assert_eq!(host.tree(), old_tree());
    assert_clean(host);
}

/// Nothing is kept, and no file of a transaction remains.
fn assert_clean(host: &Host) {
    let tree = host.tree();
    let temporary = tree.keys().filter(|p| is_temporary(p));
    assert_eq!(temporary.collect::<Vec<_>>(), [] as [&PathBuf; 0]);
    assert_eq!(host.state(), [] as [PathBuf; 0]);
    assert!(!host.previous().unwrap().is_pending());
}

#[test]
fn an_error_of_any_operation_leaves_the_previous_files() {
    for_each_operation(|number| {
        let host = installed();
        let (is_hit, result) = host.with_fault(Fault::Once(number), first);
        assert_eq!(result.is_err(), is_hit);
        if is_hit {
            assert_eq!(host.tree(), old_tree(), "operation {number}");
            assert_clean(&host);
        }
        is_hit
    });
}

#[test]
fn a_full_disk_changes_nothing() {
    let host = installed();
    let (_, result) = host.with_fault(Fault::DiskFull, first);
    result.unwrap_err();
    assert_eq!(host.tree(), old_tree());
    assert_clean(&host);
}

#[test]
fn an_error_restores_what_served_before_an_earlier_transaction() {
    for_each_operation(|number| {
        let host = installed();
        first(&host).unwrap();
        let before = host.tree();
        let (is_hit, result) = host.with_fault(Fault::Once(number), second);
        if is_hit {
            result.unwrap_err();
            let text = |path| host.text(Path::new(path));
            let is_restored = host.tree() == before || text(SPEC).unwrap() == "old";
            assert!(is_restored, "operation {number}");
            // It can be active.
            assert!(text(NEW_SERVICE).is_some());
            assert!(host.previous().unwrap().is_pending());
        }
        assert_restored(&host);
        is_hit
    });
}

#[test]
fn a_killed_transaction_can_be_restored() {
    for_each_kill(&[], first, assert_restored);
}

#[test]
fn a_killed_second_transaction_can_be_restored_to_what_served_before_the_first() {
    for_each_kill(&[first], second, assert_restored);
}

#[test]
fn a_killed_transaction_can_be_forgotten() {
    for_each_kill(&[], first, |host| {
        let was_pending = host.previous().unwrap().is_pending();
        forget(host).unwrap();
        assert!(was_pending || host.tree() == old_tree());
        assert_clean(host);
    });
}

#[test]
fn a_killed_restore_is_completed_by_the_next() {
    for_each_kill(&[first], restore, assert_restored);
    for_each_kill(&[first, second], restore, assert_restored);
}

#[test]
fn a_killed_restore_of_existing_files_is_completed_by_a_restore() {
    for_each_kill(&[first, second], restore_existing, assert_restored);
}

#[test]
fn a_killed_forget_is_completed_and_restores_all_or_nothing() {
    let new_tree = tree_after(&[first, second, forget]);
    for_each_kill(&[first, second], forget, |host| {
        let was_pending = host.previous().unwrap().is_pending();
        restore(host).unwrap();
        let expected = if was_pending { &old_tree() } else { &new_tree };
        assert_eq!(host.tree(), *expected);
        assert_clean(host);
    });
    for_each_kill(&[first, second], forget, |host| {
        forget(host).unwrap();
        assert_eq!(host.tree(), new_tree);
        assert_clean(host);
    });
}

#[test]
fn a_transaction_after_a_killed_forget_keeps_what_was_not_forgotten() {
    let new_tree = tree_after(&[first, forget]);
    for_each_kill(&[first], forget, |host| {
        let was_pending = host.previous().unwrap().is_pending();
        second(host).unwrap();
        restore(host).unwrap();
        let expected = if was_pending { &old_tree() } else { &new_tree };
        assert_eq!(host.tree(), *expected);
        assert_clean(host);
    });
}

#[test]
fn a_transaction_after_a_killed_one_or_a_killed_restore_can_be_restored_or_forgotten() {
    let new_tree = tree_after(&[first, second, forget]);
    let cases: [(&[Step], Step); 3] = [
        (&[], first),
        (&[first], restore),
        (&[first], restore_existing),
    ];
    for (before, step) in cases {
        for_each_kill(before, step, |host| {
            second(host).unwrap();
            assert_restored(host);
        });
        for_each_kill(before, step, |host| {
            first(host).unwrap();
            second(host).unwrap();
            forget(host).unwrap();
            assert_eq!(host.tree(), new_tree);
            assert_clean(host);
        });
    }
}

#[test]
fn a_previous_file_whose_manifest_was_lost_is_not_restored() {
    let host = installed();
    host.put("/etc/randoms/.spec.json.previous", "older");
    first(&host).unwrap();
    assert_restored(&host);
}
