mod releases;

use std::fs::FileTimes;
use std::time::SystemTime;

use model::{EnvFile, TlsFiles};

use super::fixture::{BANNER, FakeHost};
use super::*;
use crate::host::fixture::{proxy, spec};

const UNIT: &str = "randoms-spread@8082.service";
const SOCKET: &str = "randoms-spread-port@8082.socket";
const EDGE: &str = "randoms-edge.service";
const MONITOR: &str = "randoms-monitor.service";
const V1: &str = "111111111111";
const V2: &str = "222222222222";

/// A host whose units run with the files on disk.
async fn running() -> FakeHost {
    let mut spec = spec();
    spec.apps[0].env_file = Some(EnvFile {
        source: "randoms.env".to_owned(),
        destination: "/etc/randoms/randoms.env".into(),
    });
    spec.proxies = vec![proxy("edge")];
    spec.proxies[0].tls = Some(TlsFiles {
        certificate: "/etc/ssl/chain.pem".into(),
        key: "/etc/ssl/key.pem".into(),
    });
    spec.triggers = vec![MONITOR.to_owned(), "randoms-edge-rotate.timer".to_owned()];
    let fake = FakeHost::new(spec);
    for (path, content) in [
        ("/etc/randoms/randoms.env", "A=1\n"),
        ("/etc/randoms/edge/nginx.conf", "events {}\n"),
        ("/etc/ssl/chain.pem", "chain"),
        ("/etc/ssl/key.pem", "key"),
        ("/etc/randoms/spec.json", "{}"),
        ("/usr/local/lib/genconf/randoms/genconf-host", "program"),
    ] {
        fake.write(path, content);
    }
    fake.select("randoms", V1);
    for (unit, file) in [
        (UNIT, "randoms-spread@.service"),
        (SOCKET, "randoms-spread-port@.socket"),
        (EDGE, EDGE),
        (MONITOR, MONITOR),
    ] {
        fake.unit(unit, file);
        fake.start(unit);
        fake.record(unit).await;
    }
    fake
}

/// Units whose inputs differ from what they were started with.
async fn changed(fake: &FakeHost) -> Vec<String> {
    let observation = fake.observe().await;
    let units = observation.inputs.keys().cloned();
    units
        .filter(|unit| observation.has_changed_inputs(unit) == Some(true))
        .collect()
}

#[tokio::test]
async fn units_that_run_with_the_files_on_disk_have_not_changed() {
    let fake = running().await;
    assert_eq!(changed(&fake).await, [""; 0]);
    let observation = fake.observe().await;
    assert_eq!(observation.has_changed_inputs(UNIT), Some(false));
    // Never started by this program.
    assert_eq!(
        observation.has_changed_inputs("randoms-spread@8083.service"),
        None
    );
    assert!(!observation.inputs.contains_key("randoms-edge-rotate.timer"));
}

#[tokio::test]
async fn each_file_is_an_input_of_the_units_that_read_it() {
    for (path, units) in [
        ("/etc/systemd/system/randoms-spread@.service", &[UNIT][..]),
        ("/etc/systemd/system/randoms-spread-port@.socket", &[SOCKET]),
        ("/etc/systemd/system/randoms-edge.service", &[EDGE]),
        ("/etc/randoms/randoms.env", &[UNIT]),
        ("/etc/ssl/chain.pem", &[EDGE]),
        ("/etc/ssl/key.pem", &[EDGE]),
        ("/usr/local/lib/genconf/randoms/genconf-host", &[MONITOR]),
        ("/etc/randoms/edge/nginx.conf", &[]),
    ] {
        let fake = running().await;
        fake.write(path, "[Unit]\nDescription=changed\n");
        assert_eq!(changed(&fake).await, units, "{path}");
    }
}

#[tokio::test]
async fn a_configuration_of_a_proxy_has_its_own_digest() {
    let fake = running().await;
    let same = fake.observe().await;
    assert_eq!(
        same.started[EDGE].configuration,
        same.inputs[EDGE].configuration
    );
    fake.write("/etc/randoms/edge/nginx.conf", "events { }\n");
    let other = fake.observe().await;
    assert_ne!(
        other.started[EDGE].configuration,
        other.inputs[EDGE].configuration
    );
}

#[tokio::test]
async fn contents_decide_and_times_and_comments_do_not() {
    let fake = running().await;
    let unit = Path::new("/etc/systemd/system/randoms-spread@.service");
    let path = fake.machine.root.resolve(unit);
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    for time in [
        SystemTime::UNIX_EPOCH,
        SystemTime::now() + std::time::Duration::from_hours(1),
    ] {
        file.set_times(FileTimes::new().set_modified(time)).unwrap();
        assert_eq!(changed(&fake).await, [""; 0]);
    }
    let content = fake.read(unit);
    fake.write(unit.to_str().unwrap(), &format!("# A comment.\n{content}"));
    assert_eq!(changed(&fake).await, [""; 0]);
    fake.write(
        unit.to_str().unwrap(),
        &format!("{content}[Service]\nNice=1\n"),
    );
    file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH))
        .unwrap();
    assert_eq!(changed(&fake).await, [UNIT]);
}

#[tokio::test]
async fn units_of_the_project_that_are_not_described_are_unmanaged_while_they_do_anything() {
    let fake = running().await;
    for (unit, file) in [
        ("randoms-active.service", Some("randoms-active.service")),
        ("randoms-old@8082.service", Some("randoms-old@.service")),
        ("randoms-old@.service", Some("randoms-old@.service")),
        ("randoms-packaged.service", None),
        ("randoms.forward.randoms-spread-port-8082.socket", None),
        ("randoms.forward.randoms-spread-port-8082.service", None),
        ("randoms.watch.service", None),
    ] {
        if let Some(file) = file {
            fake.unit(unit, file);
        }
        fake.start(unit);
    }
    fake.unit("randoms-idle.service", "randoms-idle.service");
    fake.unit("randoms-enabled.timer", "randoms-enabled.timer");
    fake.systemd
        .edit("randoms-enabled.timer", |state| state.is_enabled = true);
    fake.unit("randoms-restarting.service", "randoms-restarting.service");
    fake.systemd.edit("randoms-restarting.service", |s| {
        s.activity = crate::systemd::Activity::Activating;
    });
    // Of the project randoms-b.
    fake.unit("randoms-b-web.service", "randoms-b-web.service");
    fake.write(
        "/etc/systemd/system/randoms-b-web.service",
        &BANNER.replace("randoms", "randoms-b"),
    );
    fake.start("randoms-b-web.service");
    let observation = fake.observe().await;
    let unmanaged: Vec<&String> = observation.unmanaged.iter().collect();
    let wanted = [
        "randoms-active.service",
        "randoms-enabled.timer",
        "randoms-old@8082.service",
        "randoms-restarting.service",
        "randoms.forward.randoms-spread-port-8082.socket",
    ];
    assert_eq!(unmanaged, wanted);
    assert!(observation.unit("randoms-active.service").is_active());
}

#[tokio::test]
async fn the_previous_spec_is_the_one_that_an_unfinished_run_has_replaced() {
    let fake = running().await;
    assert_eq!(fake.observe().await.previous, None);
    let before = serde_json::to_string(fake.host.spec()).unwrap();
    fake.write("/etc/randoms/spec.json", &before);
    let mut after = fake.host.spec().clone();
    after.pools[0].name = "renamed".to_owned();
    let after = serde_json::to_string(&after).unwrap();
    fake.install(&[("/etc/randoms/spec.json", &after)]);
    assert_eq!(
        fake.observe().await.previous.as_ref(),
        Some(fake.host.spec())
    );
    let previous = files::Previous::read(&fake.machine.root, &fake.host.paths.state).unwrap();
    previous.forget().unwrap();
    let now = fake.observe().await.previous.unwrap();
    assert_eq!(now.pools[0].name, "renamed");
}

#[tokio::test]
async fn a_previous_spec_of_another_format_describes_nothing() {
    let fake = running().await;
    fake.write("/etc/randoms/spec.json", r#"{"format": 1}"#);
    let spec = serde_json::to_string(fake.host.spec()).unwrap();
    fake.install(&[("/etc/randoms/spec.json", &spec)]);
    assert_eq!(fake.observe().await.previous, None);
}

#[tokio::test]
async fn a_query_that_fails_is_an_error_and_no_state() {
    let fake = running().await;
    fake.systemd.set_unreachable(true);
    let error = fake
        .machine
        .observe(&fake.host, &fake.systemd)
        .await
        .unwrap_err();
    assert!(error.contains("connection reset"), "{error}");
    fake.systemd.set_unreachable(false);
    std::fs::remove_file(fake.machine.proc.join("net/unix")).unwrap();
    let error = fake
        .machine
        .observe(&fake.host, &fake.systemd)
        .await
        .unwrap_err();
    assert!(error.starts_with("/proc/net: "), "{error}");
}
