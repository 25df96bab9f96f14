//! A run that is killed before or after any of its requests: the host serves, and the next run converges.

use std::time::Duration;

use tokio::time::{Instant as Time, sleep};

use super::super::{Options, change};
use super::change::{exits, unhealthy};
use super::fixture::Fixture;
use super::interrupted_runs::run;
use super::processes::Processes;
use super::spec::{self, APP, service};
use crate::plan::Move;
use crate::systemd::fake::{Behavior, Fault};
use crate::unfinished::{Purpose, Unfinished};

/// A run that takes longer was killed.
const LONGEST_RUN: Duration = Duration::from_mins(2);
/// Time until a service is ready.
const START_TIME: Duration = Duration::from_millis(200);
/// Instances that may be down at a time.
const DOWN: usize = 1;

/// A host on a good release.
struct Base {
    host: Fixture,
    old: String,
    bad: String,
    good: String,
}

/// The same, after a time.
fn starting(behavior: &Behavior) -> Behavior {
    Behavior {
        active_after: behavior.active_after.map(|time| time + START_TIME),
        ..behavior.clone()
    }
}

/// How services of the bad release behave, by unit.
type Bad = fn(&str) -> Behavior;

async fn base(processes: Processes, behavior: Bad) -> Base {
    let host = Fixture::with(spec::one_app(3), processes);
    let old = host.deployed("v1").await;
    let (bad, good) = (host.admit("v2"), host.admit("v3"));
    for release in [&old, &good] {
        host.set_behavior(release, |_| starting(&Behavior::good()));
    }
    host.set_behavior(&bad, behavior);
    Base {
        host,
        old,
        bad,
        good,
    }
}

fn options(unfinished: Vec<Move>) -> Options {
    Options {
        run: Some(run("alice")),
        unfinished,
        ..Options::default()
    }
}

impl Base {
    fn unfinished(&self) -> Vec<Move> {
        let runtime = self
            .host
            .machine
            .root
            .resolve(&self.host.host.paths.runtime);
        let file = Unfinished::new(&runtime, Purpose::Unfinished);
        file.read().unwrap().unwrap_or_default()
    }

    /// Deploys a release, and is killed by a fault. Returns whether it was.
    async fn is_killed(&self, release: &str, nth: usize, fault: Fault) -> bool {
        self.host
            .systemd
            .set_fault(self.host.systemd.changes() + nth, fault);
        let releases = [(APP.to_owned(), release.to_owned())].into();
        let run = change(self.host.context(), &releases, options(Vec::new()));
        tokio::select! {
            _ = run => false,
            () = self.serves_for(LONGEST_RUN) => true,
        }
    }

    /// At no time, too few instances serve.
    async fn serves_for(&self, time: Duration) {
        let until = Time::now() + time;
        while Time::now() < until {
            self.assert_serves();
            sleep(START_TIME / 4).await;
        }
    }

    fn assert_serves(&self) {
        let units = (0..3).map(service);
        let down: Vec<String> = units.filter(|u| !self.host.systemd.is_healthy(u)).collect();
        assert!(down.len() <= DOWN, "{down:?}");
    }

    async fn assert_is_on(&self, release: &str) {
        self.host.assert_runs(release);
        self.host.assert_converged().await;
    }

    /// As the next run of a playbook.
    async fn deploy_next(&self, release: &str) {
        let options = options(self.unfinished());
        self.host.deploy_with(release, options).await.unwrap();
    }

    /// As the timer.
    async fn undo(&self) {
        let moves = self.unfinished();
        tokio::select! {
            _ = self.host.undo(&moves) => {}
            () = self.serves_for(LONGEST_RUN) => panic!("the undo does not end"),
        }
    }
}

/// What continues after a run was killed.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// A deploy of a good release.
    Deploy,
    /// The timer that undoes the run.
    Undo,
}

/// Kills the deploy of a release at each of its requests.
async fn kill_everywhere(processes: Processes, bad: Bad, pick: fn(&Base) -> &String) -> usize {
    let mut kills = 0;
    for next in [Next::Deploy, Next::Undo] {
        for fault in [Fault::KilledBefore, Fault::KilledAfter] {
            for nth in 0.. {
                let base = base(processes, bad).await;
                if !base.is_killed(pick(&base), nth, fault).await {
                    break;
                }
                kills += 1;
                match next {
                    Next::Deploy => {
                        base.deploy_next(&base.good).await;
                        base.assert_is_on(&base.good).await;
                    }
                    Next::Undo => {
                        base.undo().await;
                        base.assert_is_on(&base.old).await;
                    }
                }
            }
        }
    }
    kills
}

#[tokio::test(start_paused = true)]
async fn a_deploy_of_a_good_release_is_completed_or_undone() {
    for processes in [Processes::Shown, Processes::Hidden] {
        let kills = kill_everywhere(processes, |_| exits(), |base| &base.good).await;
        assert_eq!(kills, 2 * 2 * 3);
    }
}

/// Fails at the last instance.
fn last_exits(unit: &str) -> Behavior {
    if unit == service(2) {
        exits()
    } else {
        starting(&Behavior::good())
    }
}

#[tokio::test(start_paused = true)]
async fn a_deploy_of_a_bad_release_is_replaced_or_undone() {
    // Requests of the deploy, and of its rollback: one that systemd restarts is stopped and reset first.
    let cases: [(Bad, usize); 3] = [
        (|_| exits(), 1 + 3),
        (|_| starting(&unhealthy()), 1 + 1),
        (last_exits, 3 + 3 + 2),
    ];
    for processes in [Processes::Shown, Processes::Hidden] {
        for (bad, requests) in cases {
            let kills = kill_everywhere(processes, bad, |base| &base.bad).await;
            assert_eq!(kills, 2 * 2 * requests);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_is_completed_by_the_next_one() {
    for processes in [Processes::Shown, Processes::Hidden] {
        for fault in [Fault::KilledBefore, Fault::KilledAfter] {
            for nth in 0..3 {
                let base = base(processes, last_exits).await;
                base.deploy_next(&base.good).await;
                let moves = base.unfinished();
                let systemd = &base.host.systemd;
                systemd.set_fault(systemd.changes() + nth, fault);
                let undone = base.host.undo(&moves);
                tokio::select! {
                    _ = undone => panic!("the undo was not killed"),
                    () = base.serves_for(LONGEST_RUN) => {}
                }
                base.undo().await;
                base.assert_is_on(&base.old).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_nobody_has_seen_to_be_healthy_is_checked_by_the_next_run() {
    for processes in [Processes::Shown, Processes::Hidden] {
        let base = base(processes, |_| starting(&unhealthy())).await;
        let unit = service(0);
        assert!(base.is_killed(&base.bad, 0, Fault::KilledAfter).await);
        base.host.systemd.take_requests();
        let releases = [(APP.to_owned(), base.bad.clone())].into();
        let options = options(base.unfinished());
        let failure = change(base.host.context(), &releases, options)
            .await
            .unwrap_err();
        assert_eq!(failure.instance, Some(unit.clone()));
        let requests = base.host.systemd.take_requests();
        assert!(requests.iter().all(|r| r.ends_with(&unit)), "{requests:?}");
        base.assert_is_on(&base.old).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deploy_of_the_same_bad_release_is_undone_again() {
    for fault in [Fault::KilledBefore, Fault::KilledAfter] {
        for nth in 0..4 {
            let base = base(Processes::Shown, |_| exits()).await;
            assert!(base.is_killed(&base.bad, nth, fault).await);
            let releases = [(APP.to_owned(), base.bad.clone())].into();
            let options = options(base.unfinished());
            change(base.host.context(), &releases, options)
                .await
                .unwrap_err();
            base.assert_is_on(&base.old).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deploy_whose_requests_fail_is_undone_or_completed_by_the_next_one() {
    for fault in [Fault::Refused, Fault::ReplyLost] {
        for nth in 0..8 {
            for processes in [Processes::Shown, Processes::Hidden] {
                let base = base(processes, |_| exits()).await;
                let faulty = base.host.systemd.changes() + nth;
                let is_killed = base.is_killed(&base.bad, nth, fault).await;
                assert!(!is_killed);
                if base.host.systemd.changes() <= faulty {
                    continue;
                }
                base.assert_serves();
                base.deploy_next(&base.good).await;
                base.assert_is_on(&base.good).await;
            }
        }
    }
}
