//! Differences between files and the host.

use super::*;
use crate::files::tests::{Host, file};

fn change(path: &str, before: Option<&str>, after: Option<&str>) -> Change {
    Change {
        path: PathBuf::from(path),
        before: before.map(Into::into),
        after: after.map(Into::into),
    }
}

#[test]
fn a_file_differs_in_content_or_mode() {
    let host = Host::new();
    let secret = File {
        mode: 0o600,
        ..file("/etc/randoms/secret.env", "A=1\n")
    };
    let files = [secret.clone()];
    assert_eq!(differing(&host.root, &files).unwrap(), files);
    host.install(&files, &[]).unwrap();
    assert_eq!(differing(&host.root, &files).unwrap(), []);
    host.root.set_mode(&secret.path, 0o644).unwrap();
    assert_eq!(differing(&host.root, &files).unwrap(), files);
    host.root.set_mode(&secret.path, 0o600).unwrap();
    let other = [File {
        content: b"A=2\n".to_vec(),
        ..secret
    }];
    assert_eq!(differing(&host.root, &other).unwrap(), other);
}

#[test]
fn changes_have_the_content_before_and_after() {
    let host = Host::new();
    let gone = host.put("/etc/randoms/gone", "old");
    host.put("/etc/randoms/a", "1");
    let files = [file("/etc/randoms/a", "2"), file("/etc/randoms/b", "3")];
    let expected = [
        change("/etc/randoms/a", Some("1"), Some("2")),
        change("/etc/randoms/b", None, Some("3")),
        change("/etc/randoms/gone", Some("old"), None),
    ];
    assert_eq!(changes(&host.root, &files, &[gone]).unwrap(), expected);
}

#[test]
fn closed_directories_are_listed_once_and_can_be_repaired() {
    let host = Host::new();
    host.put("/opt/open/a", "");
    host.put("/opt/closed/a", "");
    let [open, closed, missing, link] =
        ["/opt/open", "/opt/closed", "/opt/missing", "/opt/link"].map(PathBuf::from);
    host.root.set_mode(&open, 0o2755).unwrap();
    host.root.set_mode(&closed, 0o750).unwrap();
    std::os::unix::fs::symlink(host.root.resolve(&closed), host.root.resolve(&link)).unwrap();
    let directories = [open, closed.clone(), missing, closed.clone(), link];
    let found = closed_directories(&host.root, &directories).unwrap();
    assert_eq!(found, [closed]);
    repair_directories(&host.root, &found).unwrap();
    assert_eq!(
        closed_directories(&host.root, &directories).unwrap(),
        [] as [PathBuf; 0]
    );
}

#[test]
fn units_and_drop_ins_are_read_by_systemd() {
    assert!(is_unit(Path::new("/etc/systemd/system/a.service")));
    assert!(is_unit(Path::new("/etc/systemd/system/a.service.d/x.conf")));
    assert!(!is_unit(Path::new("/etc/randoms/spec.json")));
    assert!(!is_unit(Path::new(UNITS)));
}

#[test]
fn another_listen_line_moves_a_socket_that_may_be_open() {
    const UNIT: &str = "/etc/systemd/system/x-port@.socket";
    const DROPIN: &str = "/etc/systemd/system/x-port@.socket.d/50-listen.conf";
    let [one, two] = ["[Socket]\nListenStream=1\n", "[Socket]\nListenStream=2\n"].map(Some);
    let with_backlog = Some("[Socket]\nBacklog=5\nListenStream=1\n");
    assert!(!change(UNIT, None, one).moves_socket());
    assert!(!change(UNIT, one, with_backlog).moves_socket());
    assert!(change(UNIT, one, two).moves_socket());
    assert!(change(UNIT, one, None).moves_socket());
    assert!(change(DROPIN, None, one).moves_socket());
    assert!(!change(DROPIN, one, with_backlog).moves_socket());
    assert!(change(DROPIN, one, None).moves_socket());
    assert!(!change("/etc/systemd/system/x.service", one, two).moves_socket());
    assert!(!change("/etc/randoms/x.socket", one, two).moves_socket());
}
