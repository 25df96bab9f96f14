use super::*;

fn endpoints(texts: &[&str]) -> Vec<Endpoint> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// A listener with these PIDs and programs.
pub(super) fn listener(endpoint: &str, holders: &[(u32, &str)]) -> Listener {
    let holder = |&(pid, program): &(u32, &str)| Holder {
        pid,
        program: program.to_owned(),
    };
    Listener {
        endpoint: endpoint.parse().unwrap(),
        holders: holders.iter().map(holder).collect(),
    }
}

/// A socket of nginx, one of systemd and its service, and one of another namespace.
fn listeners() -> [Listener; 3] {
    [
        listener("0.0.0.0:80", &[(8, "nginx"), (9, "nginx")]),
        listener(
            "/run/randoms/spread-8082.sock",
            &[(1, "systemd"), (7, "randoms")],
        ),
        listener("[fe80::1]:22", &[]),
    ]
}

#[test]
fn endpoints_with_the_same_port_overlap_if_one_is_any_address_or_both_are_the_same() {
    for (one, other, expected) in [
        ("127.0.0.1:80", "127.0.0.1:80", true),
        ("127.0.0.1:80", "127.0.0.1:81", false),
        ("127.0.0.1:80", "192.168.56.11:80", false),
        ("0.0.0.0:80", "192.168.56.11:80", true),
        ("0.0.0.0:80", "192.168.56.11:81", false),
        ("[::]:80", "192.168.56.11:80", true),
        ("[::]:80", "[fd00::11]:80", true),
        ("[::ffff:127.0.0.1]:80", "127.0.0.1:80", true),
        ("[::1]:80", "127.0.0.1:80", false),
        ("[fe80::1%2]:80", "[fe80::1]:80", true),
        ("/run/a.sock", "/run/a.sock", true),
        ("/run/a.sock", "/run/b.sock", false),
        ("/run/a.sock", "0.0.0.0:80", false),
    ] {
        let [one, other] = [one, other].map(|text| text.parse().unwrap());
        assert_eq!(overlaps(&one, &other), expected, "{one} and {other}");
        assert_eq!(overlaps(&other, &one), expected, "{other} and {one}");
    }
}

#[test]
fn listeners_at_endpoints_are_those_that_overlap_one_of_them() {
    let listeners = listeners();
    let wanted = endpoints(&["127.0.0.1:80", "127.0.0.1:8082"]);
    assert_eq!(at(&listeners, &wanted), [&listeners[0]]);
    let unused = endpoints(&["127.0.0.1:8082", "/run/randoms/spread-8083.sock"]);
    assert!(at(&listeners, &unused).is_empty());
}

#[test]
fn an_endpoint_at_which_systemd_does_not_listen_is_lost() {
    let listeners = listeners();
    let path = "/run/randoms/spread-8082.sock";
    assert!(!is_lost(&listeners, &endpoints(&[path])));
    assert!(is_lost(&listeners, &endpoints(&[path, "192.168.56.11:80"])));
    assert!(!is_lost(&listeners, &[]));
}

#[test]
fn no_endpoint_is_lost_if_no_socket_of_systemd_is_found() {
    let mut listeners = listeners();
    listeners[1].holders.remove(0);
    assert!(!is_lost(&listeners, &endpoints(&["127.0.0.1:1"])));
    assert!(!is_lost(&[], &endpoints(&["127.0.0.1:1"])));
}

#[test]
fn a_listener_is_shown_with_its_processes_or_as_a_socket_of_systemd() {
    let shown = |holders: &[(u32, &str)]| listener("127.0.0.1:80", holders).to_string();
    assert_eq!(
        shown(&[(7, "nginx")]),
        "127.0.0.1:80 is in use by nginx (PID 7)"
    );
    assert_eq!(
        shown(&[(7, "nginx"), (8, "nginx")]),
        "127.0.0.1:80 is in use by nginx (PID 7), nginx (PID 8)"
    );
    assert_eq!(
        shown(&[(1, "systemd"), (7, "randoms")]),
        "127.0.0.1:80 is in use by a systemd socket (systemctl list-sockets)"
    );
    assert_eq!(
        shown(&[]),
        "127.0.0.1:80 is in use by a process in another namespace"
    );
}
