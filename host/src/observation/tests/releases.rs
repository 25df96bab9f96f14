//! Releases of apps and of processes.

use super::*;
use crate::execution::Executor;

#[tokio::test]
async fn the_kernel_reports_which_release_a_process_runs() {
    let fake = running().await;
    let releases = "/opt/randoms/randoms/releases";
    for (number, (link, target, release)) in [
        ("exe", format!("{releases}/{V2}/randoms"), Some(V2)),
        (
            "exe",
            format!("{releases}/{V2}/randoms (deleted)"),
            Some(V2),
        ),
        ("cwd", format!("{releases}/{V2}"), Some(V2)),
        ("cwd", format!("{releases}/{V2} (deleted)"), Some(V2)),
        ("cwd", releases.to_owned(), Some(V1)),
        ("exe", "/usr/bin/node".to_owned(), Some(V1)),
        ("exe", format!("/srv{releases}/{V2}/randoms"), Some(V1)),
    ]
    .into_iter()
    .enumerate()
    {
        let pid = 100 + u32::try_from(number).unwrap();
        fake.process(pid, link, &target);
        fake.systemd.edit(UNIT, |state| state.main_pid = pid);
        // Otherwise the record is used.
        assert_eq!(
            fake.observe().await.running_release(UNIT),
            release,
            "{link} -> {target}"
        );
    }
}

#[tokio::test]
async fn an_interpreter_is_known_by_its_working_directory() {
    let fake = running().await;
    fake.process(100, "exe", "/usr/bin/node");
    fake.process(
        100,
        "cwd",
        &format!("/opt/randoms/randoms/releases/{V2}/app"),
    );
    fake.systemd.edit(UNIT, |state| state.main_pid = 100);
    assert_eq!(fake.observe().await.running[UNIT], V2);
}

#[tokio::test]
async fn a_record_has_the_release_of_its_invocation_only() {
    let fake = running().await;
    assert_eq!(fake.observe().await.running_release(UNIT), Some(V1));
    fake.select("randoms", V2);
    assert_eq!(fake.observe().await.running_release(UNIT), Some(V1));
    fake.systemd
        .edit(UNIT, |state| state.invocation = "a later run".to_owned());
    let observation = fake.observe().await;
    assert_eq!(observation.running_release(UNIT), None);
    // Of a container, whose process does not show it, systemd restarts the current release.
    assert_eq!(observation.assumed_release(UNIT), Some(V2));
    let mut executor = Executor::new(fake.context()).unwrap();
    executor.record_releases("randoms", &observation).unwrap();
    fake.select("randoms", V1);
    assert_eq!(fake.observe().await.running_release(UNIT), Some(V2));
}

#[tokio::test]
async fn a_start_that_was_requested_is_unconfirmed_once_another_invocation_runs() {
    let fake = running().await;
    let mut observation = fake.observe().await;
    assert!(!observation.is_unconfirmed(UNIT));
    let invocation = observation.unit(UNIT).invocation;
    observation.started.get_mut(UNIT).unwrap().before_start = Some(invocation);
    assert!(!observation.is_unconfirmed(UNIT));
    observation.units.get_mut(UNIT).unwrap().invocation = "a later run".to_owned();
    assert!(observation.is_unconfirmed(UNIT));
}

#[tokio::test]
async fn the_releases_of_an_app_are_those_of_its_directory() {
    let fake = running().await;
    fake.select("randoms", V2);
    let store = fake.machine.store(&fake.host.apps[0].directory);
    store.prove(V1).unwrap();
    store.record(V1, None).unwrap();
    let releases = Releases {
        current: Some(V2.to_owned()),
        proven: Some(V1.to_owned()),
        history: vec![V1.to_owned()],
        present: [V1, V2].map(str::to_owned).into(),
    };
    assert_eq!(fake.observe().await.releases("randoms"), releases);
    assert_eq!(fake.observe().await.releases("jobs"), Releases::default());
}
