//! What is kept, and how it is restored or forgotten.

use std::os::unix::fs::MetadataExt as _;

use super::*;
use crate::files::faults::Fault;
use crate::files::tests::{Host, OWN, STATE, file, for_each_operation};

const UNIT: &str = "/etc/systemd/system/randoms-new@.service";
const DROPIN: &str = "/etc/systemd/system/randoms-web.socket.d/50-listen.conf";
const SPEC: &str = "/etc/randoms/spec.json";

fn restore(host: &Host) -> Result<(), Error> {
    host.previous()?.restore()
}

#[test]
fn the_restored_file_is_the_previous_one_itself() {
    let host = Host::new();
    let secret = host.put("/etc/randoms/web.env", "A=1\n");
    host.root.set_mode(&secret, 0o600).unwrap();
    let identity = || {
        let metadata = host.root.metadata(&secret).unwrap().unwrap();
        (
            metadata.ino(),
            metadata.mtime_nsec(),
            metadata.mode(),
            metadata.nlink(),
        )
    };
    let before = identity();
    host.install(&[file("/etc/randoms/web.env", "A=2\n")], &[])
        .unwrap();
    assert_ne!(identity(), before);
    restore(&host).unwrap();
    assert_eq!(identity(), before);
}

#[test]
fn a_file_that_is_no_text_is_restored() {
    let host = Host::new();
    let path = host.put(SPEC, "");
    std::fs::write(host.root.resolve(&path), b"\xff\x00a").unwrap();
    host.install(&[file(SPEC, "text")], &[]).unwrap();
    restore(&host).unwrap();
    assert_eq!(host.root.read(&path).unwrap().unwrap(), b"\xff\x00a");
}

#[test]
fn a_link_is_restored_as_a_link() {
    let host = Host::new();
    host.put("/etc/randoms/target", "old");
    let link = host.root.resolve(Path::new(SPEC));
    std::os::unix::fs::symlink("target", &link).unwrap();
    host.install(&[file(SPEC, "new")], &[]).unwrap();
    assert!(!link.is_symlink());
    restore(&host).unwrap();
    assert_eq!(std::fs::read_link(link).unwrap(), Path::new("target"));
    assert_eq!(host.text(Path::new("/etc/randoms/target")).unwrap(), "old");
}

#[test]
fn the_previous_content_is_the_one_before_the_first_transaction() {
    let host = Host::new();
    let spec = host.put(SPEC, "old");
    let other = host.put("/etc/randoms/other", "other");
    let content = |path: &Path| host.previous().unwrap().content(path).unwrap();
    assert_eq!(content(&spec).unwrap(), b"old");
    for new in ["first", "second"] {
        host.install(&[file(SPEC, new), file(UNIT, OWN)], &[])
            .unwrap();
        assert_eq!(content(&spec).unwrap(), b"old");
        assert_eq!(content(Path::new(UNIT)), None);
        assert_eq!(content(&other).unwrap(), b"other");
    }
    let paths = host.previous().unwrap().paths();
    assert_eq!(paths, [PathBuf::from(SPEC), PathBuf::from(UNIT)]);
    host.previous().unwrap().restore_existing().unwrap();
    assert_eq!(content(&spec).unwrap(), b"old");
    host.install(&[file(SPEC, "third")], &[]).unwrap();
    host.previous().unwrap().forget().unwrap();
    assert_eq!(content(&spec).unwrap(), b"third");
}

#[test]
fn a_unit_that_did_not_exist_remains_until_all_is_restored() {
    let host = Host::new();
    let spec = host.put(SPEC, "old");
    let files = [file(UNIT, OWN), file(DROPIN, OWN), file(SPEC, "new")];
    host.install(&files, &[]).unwrap();
    host.previous().unwrap().restore_existing().unwrap();
    let exists = |path| host.root.exists(Path::new(path)).unwrap();
    assert_eq!((exists(UNIT), exists(DROPIN)), (true, false));
    assert_eq!(host.text(&spec).unwrap(), "old");
    assert!(host.previous().unwrap().is_pending());
    restore(&host).unwrap();
    assert_eq!((exists(UNIT), exists(DROPIN)), (false, false));
    assert!(!host.previous().unwrap().is_pending());
}

#[test]
fn a_restore_goes_on_after_an_error_and_can_be_repeated() {
    let names = ["a", "b", "c", "d"];
    let path = |name: &str| format!("/etc/randoms/{name}");
    for_each_operation(|number| {
        let host = Host::new();
        for name in names {
            host.put(&path(name), "old");
        }
        let files = names.map(|name| file(&path(name), "new"));
        host.install(&files, &[]).unwrap();
        let (is_hit, result) = host.with_fault(Fault::Once(number), restore);
        assert_eq!(result.is_err(), is_hit);
        let restored = || {
            let contents = names.iter().map(|name| host.text(Path::new(&path(name))));
            contents.filter(|c| c.as_deref() == Some("old")).count()
        };
        assert!(restored() >= 3, "operation {number}");
        restore(&host).unwrap();
        assert_eq!(restored(), 4);
        assert_eq!(host.state(), [] as [PathBuf; 0]);
        is_hit
    });
}

#[test]
fn all_errors_of_a_restore_are_reported() {
    let host = Host::new();
    for name in ["a", "b"] {
        host.put(&format!("/etc/randoms/{name}"), "old");
    }
    let files = ["a", "b"].map(|name| file(&format!("/etc/randoms/{name}"), "new"));
    host.install(&files, &[]).unwrap();
    let (_, result) = host.with_fault(Fault::Kill(0), restore);
    let message = result.unwrap_err().to_string();
    for name in ["a", "b"] {
        let expected = format!("cannot rename a file to /etc/randoms/{name}: ");
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn neither_a_restore_nor_a_forget_needs_disk_space() {
    let calls: [fn(Previous) -> Result<(), Error>; 3] =
        [|p| p.restore(), |p| p.restore_existing(), |p| p.forget()];
    for call in calls {
        let host = Host::new();
        let dropin = host.put(DROPIN, OWN);
        host.put(SPEC, "old");
        host.install(&[file(SPEC, "new"), file(UNIT, OWN)], &[dropin])
            .unwrap();
        let (_, result) = host.with_fault(Fault::DiskFull, |host| call(host.previous()?));
        result.unwrap();
    }
}

#[test]
fn without_a_transaction_nothing_is_pending_and_nothing_is_restored() {
    let host = Host::new();
    host.put(SPEC, "old");
    let before = host.tree();
    assert!(!host.previous().unwrap().is_pending());
    restore(&host).unwrap();
    host.previous().unwrap().forget().unwrap();
    assert_eq!(host.tree(), before);
}

#[test]
fn a_manifest_that_cannot_be_parsed_is_an_error_with_its_path() {
    let host = Host::new();
    let path = host.put(&format!("{STATE}/previous.json"), "{");
    let message = host.previous().unwrap_err().to_string();
    assert!(message.starts_with(path.to_str().unwrap()), "{message}");
}
