//! Properties as systemd sends them.

use zbus::{ObjectPath, Variant};

use super::*;

fn properties<'v, const N: usize>(values: [(&str, Variant<'v>); N]) -> Properties {
    let values = values.into_iter();
    let owned = |(name, value): (&str, Variant<'v>)| {
        (name.to_owned(), OwnedVariant::try_from(value).unwrap())
    };
    values.map(owned).collect()
}

fn service<const N: usize>(values: [(&str, Variant<'_>); N]) -> Result<UnitState, Error> {
    let mut properties = properties(values);
    let active = OwnedVariant::try_from(Variant::from("active")).unwrap();
    properties.entry("ActiveState".to_owned()).or_insert(active);
    unit_state("a.service", properties)
}

fn with_job(id: u32) -> Properties {
    let job = (
        id,
        ObjectPath::try_from("/org/freedesktop/systemd1/job/7").unwrap(),
    );
    properties([("Job", Variant::new(job)), ("ActiveState", "failed".into())])
}

#[test]
fn a_running_service_is_decoded() {
    let state = service([
        ("SubState", "running".into()),
        ("UnitFileState", "enabled".into()),
        ("FragmentPath", "/etc/systemd/system/a.service".into()),
        ("DropInPaths", Variant::new(Vec::<&str>::new())),
        ("InvocationID", Variant::new(vec![0x0a_u8, 0xff, 0x00])),
        ("NeedDaemonReload", true.into()),
        ("ActiveEnterTimestampMonotonic", 5_000_000_u64.into()),
        ("Type", "notify".into()),
        ("Result", "success".into()),
        ("MainPID", 42_u32.into()),
        ("NRestarts", 3_u32.into()),
        ("ExecMainCode", 1_i32.into()),
        ("ExecMainStatus", 7_i32.into()),
        ("MemoryCurrent", 4096_u64.into()),
    ]);
    let expected = UnitState {
        activity: Activity::Active,
        sub_state: "running".to_owned(),
        is_enabled: true,
        files: vec!["/etc/systemd/system/a.service".into()],
        invocation: "0aff00".to_owned(),
        needs_reload: true,
        notifies: true,
        result: "success".to_owned(),
        main_pid: 42,
        restarts: 3,
        exit: Exit { code: 1, status: 7 },
        active_since_us: 5_000_000,
        memory: Some(4096),
        ..UnitState::default()
    };
    assert_eq!(state.unwrap(), expected);
}

#[test]
fn a_socket_has_all_its_addresses_and_its_services() {
    let listen = vec![
        ("Stream", "192.168.56.11:8082"),
        ("Stream", "[fd00::11%eth0]:80"),
        ("Stream", "/run/a%b.sock"),
        ("Stream", "@abstract"),
        ("Netlink", "kobject-uevent 1"),
    ];
    let triggers = vec!["b@2.service", "b@1.service", "b.target"];
    let state = unit_state(
        "a.socket",
        properties([
            ("ActiveState", "active".into()),
            ("Listen", Variant::new(listen)),
            ("Triggers", Variant::new(triggers)),
            // Of the socket, not of a service.
            ("Result", "success".into()),
        ]),
    )
    .unwrap();
    let listen: Vec<String> = state.listen.iter().map(ToString::to_string).collect();
    assert_eq!(
        listen,
        ["192.168.56.11:8082", "[fd00::11]:80", "/run/a%b.sock"]
    );
    assert_eq!(state.triggers, ["b@1.service", "b@2.service"]);
    assert_eq!(state.result, "");
}

#[test]
fn a_unit_that_does_not_exist_is_inactive() {
    let state = unit_state(
        "a.service",
        properties([
            ("ActiveState", "inactive".into()),
            ("UnitFileState", "".into()),
            ("FragmentPath", "".into()),
            ("InvocationID", Variant::new(Vec::<u8>::new())),
            ("MemoryCurrent", u64::MAX.into()),
        ]),
    );
    assert_eq!(state.unwrap(), UnitState::default());
}

#[test]
fn an_invocation_of_zeros_is_none() {
    let state = service([("InvocationID", Variant::new(vec![0_u8; 16]))]);
    assert_eq!(state.unwrap().invocation, "");
}

#[test]
fn drop_ins_of_packages_and_generators_are_left_out() {
    let own = "/etc/systemd/system/a.service.d/60-own.conf";
    let paths = vec![
        "/run/systemd/system/service.d/zzz-lxc-service.conf",
        "/usr/lib/systemd/system/service.d/10.conf",
        "/etc/systemd/system.control/a.service.d/50-MemoryMax.conf",
        own,
    ];
    let state = service([
        ("FragmentPath", "/usr/lib/systemd/system/a.service".into()),
        ("DropInPaths", Variant::new(paths)),
    ]);
    assert_eq!(state.unwrap().files, [Path::new(own)]);
}

#[test]
fn each_active_state_has_an_activity() {
    for (active_state, expected) in [
        ("active", Activity::Active),
        ("reloading", Activity::Active),
        ("refreshing", Activity::Active),
        ("activating", Activity::Activating),
        ("deactivating", Activity::Deactivating),
        ("failed", Activity::Failed),
        ("maintenance", Activity::Failed),
        ("inactive", Activity::Inactive),
    ] {
        let state = service([("ActiveState", active_state.into())]);
        assert_eq!(state.unwrap().activity, expected, "{active_state}");
    }
}

#[test]
fn an_unknown_active_state_is_an_error() {
    let error = service([("ActiveState", "asleep".into())]).unwrap_err();
    let expected = r#"systemd: ActiveState of a.service: unknown state "asleep""#;
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_unit_without_an_active_state_is_an_error() {
    assert!(unit_state("a.service", Properties::new()).is_err());
}

#[test]
fn a_property_of_another_type_is_an_error() {
    let error = service([("MainPID", "42".into())]).unwrap_err();
    assert_eq!(error.request, "MainPID of a.service");
}

#[test]
fn unit_files_that_start_at_boot_are_enabled() {
    for state in ["enabled", "enabled-runtime", "static", "alias"] {
        let state = service([("UnitFileState", state.into())]).unwrap();
        assert!(state.is_enabled, "{state:?}");
    }
    for state in ["disabled", "masked", "indirect", "transient", ""] {
        let state = service([("UnitFileState", state.into())]).unwrap();
        assert!(!state.is_enabled, "{state:?}");
    }
}

#[test]
fn services_that_notify_are_recognized() {
    for (kind, notifies) in [("notify", true), ("notify-reload", true), ("simple", false)] {
        assert_eq!(service([("Type", kind.into())]).unwrap().notifies, notifies);
    }
}

#[test]
fn a_unit_with_a_job_has_no_final_activity() {
    assert_eq!(activity_without_job("a.service", with_job(7)), Ok(None));
    let activity = activity_without_job("a.service", with_job(0));
    assert_eq!(activity, Ok(Some(Activity::Failed)));
}
