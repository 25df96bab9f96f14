use std::path::PathBuf;

use super::*;
use crate::files::File;
use crate::host::fixture::{proxy, spec};
use crate::observation::fixture::FakeHost;

const UNIT: &str = "randoms-spread@8082.service";
const TIMER: &str = "randoms-edge-rotate.timer";

/// A host in the desired state.
fn running() -> FakeHost {
    let mut spec = spec();
    spec.proxies = vec![proxy("edge")];
    spec.triggers = vec![TIMER.to_owned()];
    let fake = FakeHost::new(spec);
    fake.write("/etc/randoms/edge/nginx.conf", "events {}\n");
    fake.select("randoms", "111111111111");
    for unit in fake.host.units() {
        fake.start(&unit);
    }
    fake
}

async fn rows_of(fake: &FakeHost) -> Vec<Row> {
    rows(fake.context()).await.unwrap()
}

async fn row_of(fake: &FakeHost, instance: &str) -> Row {
    let found = rows_of(fake)
        .await
        .into_iter()
        .find(|row| row.instance == instance);
    found.unwrap_or_else(|| panic!("no row of {instance}"))
}

/// Rows other than those of instances and proxies.
async fn others(fake: &FakeHost) -> Vec<[String; 4]> {
    let rows = rows_of(fake).await.into_iter().skip(4);
    // Nothing is recorded of the units of this host.
    let rows = rows.filter(|row| row.instance != "desired state");
    rows.map(|row| {
        assert!(!row.healthy, "{row:?}");
        [row.pool, row.instance, row.state, row.health]
    })
    .collect()
}

#[tokio::test(start_paused = true)]
async fn every_instance_and_proxy_has_a_row() {
    let fake = running();
    fake.systemd.edit(UNIT, |state| {
        state.main_pid = 100;
        state.active_since_us = clock::monotonic_us() - 5_500_000;
        state.restarts = 2;
        state.memory = Some(4096);
    });
    let rows = rows_of(&fake).await;
    let names: Vec<[&str; 2]> = rows
        .iter()
        .take(4)
        .map(|row| [&*row.pool, &*row.instance])
        .collect();
    let wanted = [
        ["spread", "randoms-spread@8082"],
        ["spread", "randoms-spread@8083"],
        ["spread", "randoms-spread@8084"],
        ["edge", "randoms-edge"],
    ];
    assert_eq!(names, wanted);
    let first = Row {
        host: "node1".to_owned(),
        pool: "spread".to_owned(),
        instance: "randoms-spread@8082".to_owned(),
        state: "active".to_owned(),
        pid: 100,
        uptime: 5,
        restarts: 2,
        memory: 4096,
        cpu: 0.0,
        release: "111111111111".to_owned(),
        health: "ok".to_owned(),
        healthy: true,
    };
    assert_eq!(rows[0], first);
    assert!(rows.iter().take(4).all(|row| row.healthy));
    assert_eq!((rows[3].release.as_str(), rows[3].uptime), ("", 0));
}

#[tokio::test(start_paused = true)]
async fn a_row_has_the_release_of_the_process_and_not_the_selected_one() {
    let fake = running();
    fake.process(
        100,
        "exe",
        "/opt/randoms/randoms/releases/222222222222/randoms",
    );
    fake.systemd.edit(UNIT, |state| state.main_pid = 100);
    assert_eq!(
        row_of(&fake, "randoms-spread@8082").await.release,
        "222222222222"
    );
    assert_eq!(
        row_of(&fake, "randoms-spread@8083").await.release,
        "111111111111"
    );
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_healthy_only_if_it_is_active_and_passes_its_check() {
    let fake = running();
    fake.checker.fail("127.0.0.1:8082", "status 500");
    let row = row_of(&fake, "randoms-spread@8082").await;
    assert_eq!(
        (row.state.as_str(), row.health.as_str(), row.healthy),
        ("active", "status 500", false)
    );
    // A process of another program may respond at its address.
    fake.systemd.edit("randoms-spread@8083.service", |s| {
        s.activity = Activity::Activating;
    });
    let row = row_of(&fake, "randoms-spread@8083").await;
    assert_eq!(
        (row.state.as_str(), row.health.as_str(), row.healthy),
        ("activating", "ok", false)
    );
    fake.checker.fail("127.0.0.1:9000", "connection refused");
    let row = row_of(&fake, "randoms-edge").await;
    assert_eq!(
        (row.health.as_str(), row.healthy),
        ("connection refused", false)
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_run_of_site_yml_would_change_has_rows() {
    let fake = running();
    let rows = rows_of(&fake).await;
    let rows = rows.iter().filter(|row| row.instance == "desired state");
    let wanted: Vec<&str> = rows.map(|row| row.health.as_str()).collect();
    assert!(
        wanted.contains(&"restart randoms-spread@8082.service: run site.yml"),
        "{wanted:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn sockets_and_timers_that_are_not_active_have_rows() {
    let fake = running();
    assert_eq!(others(&fake).await, [[""; 4]; 0]);
    let sockets = ["randoms-spread-port@8082.socket", "randoms-edge.socket"];
    for unit in [sockets[0], sockets[1], TIMER] {
        fake.systemd
            .edit(unit, |state| state.activity = Activity::Inactive);
    }
    let wanted = [
        ["-", TIMER, "inactive", ""],
        ["edge", sockets[1], "inactive", ""],
        ["spread", sockets[0], "inactive", ""],
    ];
    assert_eq!(others(&fake).await, wanted);
}

#[tokio::test(start_paused = true)]
async fn units_that_are_not_described_have_rows() {
    let fake = running();
    fake.unit("randoms-old@9.service", "randoms-old@.service");
    fake.start("randoms-old@9.service");
    assert_eq!(
        others(&fake).await,
        [["-", "randoms-old@9", "unmanaged", ""]]
    );
}

#[tokio::test(start_paused = true)]
async fn files_that_differ_from_what_was_installed_have_rows() {
    let fake = running();
    let file = |path: &str, content: &str| File {
        path: PathBuf::from(path),
        content: content.as_bytes().to_vec(),
        mode: 0o644,
    };
    let files = [
        file("/etc/randoms/a", "a"),
        file("/etc/randoms/b", "b"),
        file("/etc/randoms/c", "c"),
    ];
    let record = files::record_of("randoms", &files).unwrap();
    fake.write(
        "/etc/randoms/files.json",
        &String::from_utf8(record.content).unwrap(),
    );
    fake.write("/etc/randoms/a", "a");
    fake.write("/etc/randoms/b", "changed");
    let wanted = [
        ["-", "/etc/randoms/b", "modified", ""],
        ["-", "/etc/randoms/c", "missing", ""],
    ];
    assert_eq!(others(&fake).await, wanted);
}

#[tokio::test(start_paused = true)]
async fn files_of_a_run_that_has_not_finished_have_a_row() {
    let fake = running();
    fake.install(&[("/etc/randoms/new", "new")]);
    let health = "files of an unfinished run: run site.yml again";
    assert_eq!(
        others(&fake).await,
        [["-", "configuration", "pending", health]]
    );
}

#[tokio::test(start_paused = true)]
async fn a_release_that_was_undone_after_its_deploy_has_a_row_with_the_reason() {
    let fake = running();
    fake.systemd.edit("randoms.guard.service", |state| {
        state.activity = Activity::Active;
    });
    assert_eq!(others(&fake).await, [[""; 4]; 0]);
    fake.systemd.edit("randoms.guard.service", |state| {
        state.activity = Activity::Failed;
    });
    let reason = "a log line of randoms.guard.service";
    assert_eq!(
        others(&fake).await,
        [["-", "randoms.guard", "failed", reason]]
    );
}

#[tokio::test(start_paused = true)]
async fn memory_is_that_of_the_process_where_systemd_does_not_account_for_it() {
    let fake = running();
    fake.process_file(100, "statm", "900 3 1 1 0 1 0\n");
    for memory in [None, Some(0)] {
        fake.systemd.edit(UNIT, |state| {
            state.main_pid = 100;
            state.memory = memory;
        });
        let row = row_of(&fake, "randoms-spread@8082").await;
        let page = u64::try_from(rustix::param::page_size()).unwrap();
        assert_eq!(row.memory, 3 * page);
    }
    assert_eq!(row_of(&fake, "randoms-spread@8083").await.memory, 0);
}

#[test]
fn cpu_time_is_read_after_a_name_with_spaces_and_parentheses() {
    let fake = FakeHost::new(spec());
    let stat = "100 (a b) c) S 1 100 100 0 -1 4194560 2 0 0 0 30 12 5 5 20 0 1 0 9 1 1\n";
    fake.process_file(100, "stat", stat);
    assert_eq!(cpu_ticks(&fake.machine.proc, 100), 42);
    assert_eq!(cpu_ticks(&fake.machine.proc, 101), 0);
    fake.process_file(102, "stat", "102 (a) S 1\n");
    assert_eq!(cpu_ticks(&fake.machine.proc, 102), 0);
}

#[test]
fn cpu_use_is_in_percent_of_one_cpu() {
    let per_second = rustix::param::clock_ticks_per_second();
    let percent = cpu_percent(per_second / 10);
    assert!((percent - 50.0).abs() < 0.01, "{percent}");
    assert!(cpu_percent(0).abs() < 0.01);
}

#[tokio::test(start_paused = true)]
async fn a_failed_query_is_an_error() {
    let fake = running();
    fake.systemd.set_unreachable(true);
    rows(fake.context()).await.unwrap_err();
}
