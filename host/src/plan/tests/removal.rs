//! Removal of what is unmanaged now.

use super::case::Case;

#[test]
fn units_stop_in_an_order_in_which_nothing_starts_again() {
    let mut case = Case::spread();
    for unit in [
        "randoms-old.target",
        "randoms-old@9.service",
        "randoms-old-port@9.socket",
        "randoms-old-watch.path",
        "randoms-old-rotate.timer",
    ] {
        case.unmanaged(unit);
    }
    let wanted = [
        "stop randoms-old-rotate.timer",
        "stop randoms-old-watch.path",
        "stop randoms-old-port@9.socket",
        "stop randoms-old@9.service",
        "stop randoms-old.target",
    ];
    assert_eq!(case.removal(&[]), wanted);
}

#[test]
fn units_are_disabled_only_if_they_were_enabled() {
    let mut case = Case::spread();
    let forwarder = "randoms.forward.randoms-spread-port-8082.socket";
    case.unmanaged(forwarder);
    case.unmanaged("randoms-old-port@9.socket");
    case.edit("randoms-old-port@9.socket", |state| state.is_enabled = true);
    let stop = format!("stop randoms-old-port@9.socket {forwarder}");
    assert_eq!(
        case.removal(&[]),
        ["disable randoms-old-port@9.socket", &stop]
    );
}

#[test]
fn files_are_removed_once_their_units_have_stopped_and_systemd_reads_the_rest() {
    let mut case = Case::spread();
    case.unmanaged("randoms-old@9.service");
    let files = [
        "/etc/systemd/system/randoms-old@.service",
        "/etc/randoms/old.env",
    ];
    let wanted = [
        "stop randoms-old@9.service".to_owned(),
        format!("remove {}", files[0]),
        format!("remove {}", files[1]),
        "daemon-reload".to_owned(),
    ];
    assert_eq!(case.removal(&files), wanted);
}

#[test]
fn there_is_nothing_to_remove_from_a_host_as_described() {
    assert_eq!(Case::spread().removal(&[]), [""; 0]);
}
