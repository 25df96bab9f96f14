//! Banners, orphans, and their removal.

use super::*;
use crate::files::tests::{Host, OWN};

const THEIRS: &str = "# Written by genconf for randoms-x.\n";

fn unit(name: &str) -> String {
    format!("{UNITS}/{name}")
}

fn orphans_of(host: &Host, described: &[&PathBuf]) -> Vec<PathBuf> {
    let described = described.iter().map(|path| (*path).clone()).collect();
    orphans(&host.root, "randoms", &described).unwrap()
}

#[test]
fn the_owner_is_the_project_in_the_banner_of_the_first_lines() {
    assert_eq!(owner(OWN.as_bytes()), Some("randoms"));
    assert_eq!(
        owner(b"<!-- Written by genconf for a-b: x -->"),
        Some("a-b")
    );
    assert_eq!(owner(b"\xff\n# Written by genconf for a\r\n"), Some("a"));
    assert_eq!(owner(b"\n\n\n\n# Written by genconf for a.\n"), Some("a"));
    assert_eq!(owner(b"\n\n\n\n\n# Written by genconf for a.\n"), None);
    assert_eq!(owner(b"# Written by genconf for \n"), None);
    assert_eq!(owner(b"[Service]\n"), None);
}

#[test]
fn only_units_and_drop_ins_of_the_project_that_are_not_described_are_orphans() {
    let host = Host::new();
    let gone = host.put(&unit("randoms-old@.service"), OWN);
    let dropin = host.put(&unit("randoms-old-port@.socket.d/50-listen.conf"), OWN);
    let kept = host.put(&unit("randoms-spread@.service"), OWN);
    host.put(&unit("randoms-foreign.service"), "[Service]\n");
    host.put(&unit("randoms-x-web@.service"), THEIRS);
    host.put(&unit("randomsx.service"), OWN);
    let link = host.root.resolve(Path::new(&unit("randoms-link.service")));
    std::os::unix::fs::symlink(host.root.resolve(&gone), link).unwrap();
    assert_eq!(orphans_of(&host, &[&kept]), [dropin, gone]);
}

#[test]
fn files_of_the_project_in_etc_are_orphans_if_they_have_its_banner() {
    let host = Host::new();
    let old = host.put("/etc/randoms/old.env", OWN);
    let kept = host.put("/etc/randoms/kept.env", OWN);
    host.put("/etc/randoms/own.env", "B=2\n");
    host.put("/etc/randoms/note.txt", OWN);
    let proxy = host.put("/etc/randoms/edge/nginx.conf", OWN);
    host.put("/etc/randoms/edge/mime.types", "types {}\n");
    let settings = host.put("/etc/sysctl.d/60-randoms-edge.conf", OWN);
    host.put("/etc/sysctl.d/60-randoms-x-edge.conf", THEIRS);
    host.put("/etc/sysctl.d/99-randoms-edge.conf", OWN);
    assert_eq!(orphans_of(&host, &[&kept]), [proxy, old, settings]);
}

#[test]
fn the_files_of_earlier_versions_are_orphans() {
    let host = Host::new();
    let rotation = host.put("/etc/logrotate.d/randoms", OWN);
    host.put("/etc/logrotate.d/randoms-x", THEIRS);
    let spec = host.put("/etc/randoms/host.json", "{}");
    assert_eq!(orphans_of(&host, &[]), [rotation.clone(), spec.clone()]);
    assert_eq!(orphans_of(&host, &[&spec]), [rotation]);
    host.put("/etc/logrotate.d/randoms", "/var/log/randoms.log {}\n");
    assert_eq!(orphans_of(&host, &[&spec]), [] as [PathBuf; 0]);
}

#[test]
fn the_files_of_a_transaction_are_no_orphans() {
    let host = Host::new();
    for name in [
        "randoms-a.service.d/.x.conf.previous",
        "randoms-a.service.d/.x.conf.fresh",
    ] {
        host.put(&unit(name), OWN);
    }
    host.put("/etc/randoms/edge/.nginx.conf.previous", OWN);
    let hidden = host.put("/etc/randoms/edge/.hidden", OWN);
    assert_eq!(orphans_of(&host, &[]), [hidden]);
}

#[test]
fn a_drop_in_of_a_described_unit_is_misleading_once_it_is_not_described() {
    let host = Host::new();
    let dropin = host.put(&unit("randoms-web-port@.socket.d/50-listen.conf"), OWN);
    host.put(
        &unit("randoms-web-port@.socket.d/60-own.conf"),
        "[Socket]\n",
    );
    host.put(&unit("randoms-old-port@.socket.d/50-listen.conf"), OWN);
    let units = ["randoms-web-port@.socket", "randoms.target"].map(str::to_owned);
    let units = BTreeSet::from(units);
    let misleading =
        |described| misleading_dropins(&host.root, "randoms", &units, &described).unwrap();
    assert_eq!(
        misleading(BTreeSet::from([dropin.clone()])),
        [] as [PathBuf; 0]
    );
    assert_eq!(misleading(BTreeSet::new()), [dropin]);
}

#[test]
fn a_directory_is_removed_with_its_last_file_unless_it_is_shared() {
    let host = Host::new();
    let dropins = ["50-listen.conf", "60-own.conf"]
        .map(|name| host.put(&unit(&format!("randoms-old.socket.d/{name}")), OWN));
    let directory = dropins[0].parent().unwrap();
    remove(&host.root, &dropins[0]).unwrap();
    assert!(host.root.exists(directory).unwrap());
    remove(&host.root, &dropins[1]).unwrap();
    assert!(!host.root.exists(directory).unwrap());
    remove(&host.root, &dropins[1]).unwrap();
    for directory in SHARED {
        let file = host.put(&format!("{directory}/randoms.conf"), OWN);
        remove(&host.root, &file).unwrap();
        assert_eq!(
            host.root.entries(Path::new(directory)).unwrap(),
            [] as [PathBuf; 0]
        );
        assert!(host.root.exists(Path::new(directory)).unwrap());
    }
}
