use std::time::Duration;

use super::*;

const START_S: u64 = 1_000_000;

fn alice() -> Run {
    Run {
        who: "alice@laptop".to_owned(),
        machine: "boot 1".to_owned(),
        pid: 10,
        living: vec![10, 11],
        take_over: false,
        expires_after_s: 900,
    }
}

fn bob() -> Run {
    Run {
        who: "bob@desk".to_owned(),
        machine: "boot 2".to_owned(),
        pid: 20,
        living: vec![20],
        ..alice()
    }
}

fn bob_taking_over() -> Run {
    Run {
        take_over: true,
        ..bob()
    }
}

/// A runtime directory, with its turn.
struct Host {
    root: tempfile::TempDir,
    turn: Turn,
}

impl Host {
    async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let turn = Turn::take(root.path(), Duration::ZERO).await.unwrap();
        Self { root, turn }
    }

    fn lock(&self) -> DeployLock<'_> {
        self.lock_at(|| START_S)
    }

    fn lock_at(&self, now_s: fn() -> u64) -> DeployLock<'_> {
        DeployLock {
            now_s,
            ..DeployLock::new(&self.turn, "randoms")
        }
    }
}

#[tokio::test]
async fn a_held_lock_is_an_error_with_its_holder_and_what_to_do() {
    let host = Host::new().await;
    assert_eq!(host.lock().take(&alice()).unwrap(), None);
    let error = host.lock_at(|| START_S + 7).take(&bob()).unwrap_err();
    assert!(matches!(error, Error::Held(_)));
    assert_eq!(
        error.to_string(),
        "randoms is locked by alice@laptop (PID 10, 7 s ago); if that run has exited, \
         retry with -e genconf_take_over=true"
    );
}

#[tokio::test]
async fn the_same_run_may_take_it_again() {
    let host = Host::new().await;
    host.lock().take(&alice()).unwrap();
    assert_eq!(host.lock().take(&alice()).unwrap(), None);
}

#[tokio::test]
async fn the_lock_of_a_process_that_has_exited_is_broken_with_a_warning() {
    let host = Host::new().await;
    host.lock().take(&alice()).unwrap();
    let again = Run {
        pid: 12,
        living: vec![12],
        ..alice()
    };
    let warning = host.lock().take(&again).unwrap();
    let expected = "broke the deploy lock of randoms left by alice@laptop (PID 10, 0 s ago)";
    assert_eq!(warning.as_deref(), Some(expected));
    host.lock().renew(&again).unwrap();
}

#[tokio::test]
async fn the_lock_of_a_living_process_is_kept_however_old_it_is() {
    let host = Host::new().await;
    host.lock().take(&alice()).unwrap();
    let other = Run { pid: 11, ..alice() };
    let later = host.lock_at(|| START_S + 1_000_000);
    assert!(matches!(later.take(&other), Err(Error::Held(_))));
}

#[tokio::test]
async fn a_lock_expires_after_the_time_that_its_own_run_recorded() {
    let host = Host::new().await;
    let long = Run {
        expires_after_s: 7200,
        ..alice()
    };
    host.lock().take(&long).unwrap();
    // The time of the other run does not matter.
    let hasty = Run {
        expires_after_s: 0,
        ..bob()
    };
    let before = host.lock_at(|| START_S + 7200);
    assert!(matches!(before.take(&hasty), Err(Error::Held(_))));
    let slow = Run {
        expires_after_s: 1_000_000,
        ..bob()
    };
    let warning = host.lock_at(|| START_S + 7201).take(&slow).unwrap();
    assert!(
        warning
            .unwrap()
            .contains("alice@laptop (PID 10, 7201 s ago)")
    );
}

#[tokio::test]
async fn a_renewal_replaces_the_time_to_expire() {
    let host = Host::new().await;
    host.lock().take(&alice()).unwrap();
    let longer = Run {
        expires_after_s: 7200,
        ..alice()
    };
    host.lock().renew(&longer).unwrap();
    let later = host.lock_at(|| START_S + 7200);
    assert!(matches!(later.take(&bob()), Err(Error::Held(_))));
}

#[tokio::test]
async fn the_age_of_a_lock_is_the_time_since_its_renewal() {
    let host = Host::new().await;
    host.lock().take(&alice()).unwrap();
    host.lock_at(|| START_S + 600).renew(&alice()).unwrap();
    let message = host.lock_at(|| START_S + 1200).take(&bob()).unwrap_err();
    assert!(message.to_string().contains("600 s ago"), "{message}");
}

#[tokio::test]
async fn a_user_may_break_a_lock() {
    let host = Host::new().await;
    host.lock().take(&alice()).unwrap();
    let warning = host.lock().take(&bob_taking_over()).unwrap();
    assert!(warning.unwrap().contains("alice@laptop"));
}

#[tokio::test]
async fn only_its_holder_releases_a_lock() {
    let host = Host::new().await;
    host.lock().take(&alice()).unwrap();
    host.lock().release(&bob()).unwrap();
    assert!(matches!(host.lock().take(&bob()), Err(Error::Held(_))));
    host.lock().release(&alice()).unwrap();
    assert_eq!(host.lock().take(&bob()).unwrap(), None);
}

#[tokio::test]
async fn a_run_detects_another_one_also_after_that_has_ended() {
    let host = Host::new().await;
    host.lock().take(&alice()).unwrap();
    host.lock().take(&bob_taking_over()).unwrap();
    for _ in 0..2 {
        let error = host.lock().renew(&alice()).unwrap_err();
        assert!(matches!(error, Error::Held(_)));
        assert_eq!(
            error.to_string(),
            "the deploy lock of randoms was taken by bob@desk (PID 20, 0 s ago)"
        );
        host.lock().release(&bob()).unwrap();
    }
}

#[tokio::test]
async fn a_run_may_renew_a_lock_that_it_released() {
    let host = Host::new().await;
    host.lock().take(&alice()).unwrap();
    host.lock().release(&alice()).unwrap();
    host.lock().renew(&alice()).unwrap();
    assert!(matches!(host.lock().take(&bob()), Err(Error::Held(_))));
}

#[tokio::test]
async fn a_run_renews_its_lock_after_a_reboot() {
    let host = Host::new().await;
    host.lock().take(&alice()).unwrap();
    fs::remove_file(host.root.path().join("lease.json")).unwrap();
    host.lock().renew(&alice()).unwrap();
    assert!(matches!(host.lock().take(&bob()), Err(Error::Held(_))));
}

#[tokio::test]
async fn an_empty_file_is_no_lock() {
    let host = Host::new().await;
    for content in ["", "\n"] {
        fs::write(host.root.path().join("lease.json"), content).unwrap();
        assert_eq!(holder(host.root.path()).unwrap(), None);
        assert_eq!(host.lock().take(&alice()).unwrap(), None);
    }
}

#[tokio::test]
async fn an_invalid_file_is_an_error_with_its_path_for_every_operation() {
    let host = Host::new().await;
    let path = host.root.path().join("lease.json");
    for content in ["{", r#"{"who": "alice@laptop"}"#, "[]"] {
        fs::write(&path, content).unwrap();
        let results = [
            host.lock().take(&bob_taking_over()).map(drop),
            host.lock().renew(&alice()),
            host.lock().release(&alice()),
            holder(host.root.path()).map(drop),
        ];
        for result in results {
            let message = result.unwrap_err().to_string();
            let start = format!("{}: invalid deploy lock: ", path.display());
            assert!(message.starts_with(&start), "{message}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_an_error() {
    let host = Host::new().await;
    fs::create_dir(host.root.path().join("lease.json")).unwrap();
    assert!(matches!(host.lock().take(&alice()), Err(Error::Io(_))));
}

#[tokio::test]
async fn the_holder_is_known_until_the_release() {
    let host = Host::new().await;
    let lock = DeployLock::new(&host.turn, "randoms");
    assert_eq!(holder(host.root.path()).unwrap(), None);
    lock.take(&alice()).unwrap();
    let held = holder(host.root.path()).unwrap().unwrap();
    assert_eq!((held.who.as_str(), held.pid), ("alice@laptop", 10));
    assert!(held.age_s < 60, "{held}");
    lock.release(&alice()).unwrap();
    assert_eq!(holder(host.root.path()).unwrap(), None);
}

#[tokio::test]
async fn a_lock_is_replaced_atomically() {
    let host = Host::new().await;
    disk::log::take();
    host.lock().take(&alice()).unwrap();
    let calls = disk::log::take();
    assert_eq!(
        calls[..2],
        ["sync .lease.json", "rename .lease.json lease.json"]
    );
    let files = fs::read_dir(host.root.path()).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["lease.json", "turn"]);
}

#[tokio::test]
async fn two_containers_with_the_same_name_are_two_machines() {
    let host = Host::new().await;
    host.lock().take(&alice()).unwrap();
    let same_name = Run {
        machine: "boot 2".to_owned(),
        living: Vec::new(),
        ..alice()
    };
    // Neither its own lock nor one whose process it can look for.
    assert!(matches!(host.lock().take(&same_name), Err(Error::Held(_))));
    assert!(matches!(host.lock().renew(&same_name), Err(Error::Held(_))));
}

#[tokio::test]
async fn the_lock_is_renewed_on_the_clock_that_counts_from_boot() {
    let host = Host::new().await;
    let before = boottime_s();
    DeployLock::new(&host.turn, "randoms")
        .take(&alice())
        .unwrap();
    let lease = read(&host.root.path().join("lease.json")).unwrap().unwrap();
    assert!((before..=boottime_s()).contains(&lease.renewed_at_s));
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    let uptime_s: u64 = uptime.split('.').next().unwrap().parse().unwrap();
    assert!(uptime_s.abs_diff(lease.renewed_at_s) < 60);
}

#[test]
fn a_run_is_read_from_the_json_of_the_playbook() {
    let json = r#"{"who": "alice@laptop", "machine": "boot 1", "pid": 10, "living": [10, 11],
        "take_over": false, "expires_after_s": 900}"#;
    let run: Run = serde_json::from_str(json).unwrap();
    assert_eq!((run.pid, run.living), (10, vec![10, 11]));
    assert!(serde_json::from_str::<Run>("{}").is_err());
}
