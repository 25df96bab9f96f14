//! Releases that must not get past the first instance.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lab::load::Report;
use lab::{Host, Play, Result};

use crate::deploy::current;
use crate::row::{IN_FLIGHT, Row};
use crate::stage::{CONNECTIONS, Stage, wait_active, wait_restarts, wait_taken_back};

const SERVER: &str = include_str!("bad_release.py");

/// A bad release and what must come of it.
struct Bad {
    fault: &'static str,
    bytes: Vec<u8>,
    /// What the playbook must give as the reason.
    reason: &'static str,
    /// POSTs it may lose, since it drops them itself.
    posts: u32,
    /// What the playbook is told besides.
    options: &'static [&'static str],
    /// The link is back within this after it was moved to the bad release. The watch of the first
    /// instance, by default 3 s, lies within.
    flipped: Duration,
}

impl Default for Bad {
    fn default() -> Self {
        Self {
            fault: "",
            bytes: Vec::new(),
            reason: "",
            posts: 0,
            options: &[],
            flipped: Duration::from_secs(10),
        }
    }
}

/// It ends before it ever says that it is ready.
pub(crate) fn a_release_that_exits_is_refused(stage: &Stage) -> Result<()> {
    let bad = Bad {
        fault: "bad release: exits at once",
        bytes: b"#!/bin/sh\nexit 7\n".to_vec(),
        // From the journal: systemd may have started it again before anybody asks.
        reason: "exited before it was healthy: Main process exited, code=exited, status=7",
        ..Bad::default()
    };
    refused(stage, &bad)
}

/// It runs and serves, but its health path says no.
pub(crate) fn an_unhealthy_release_is_refused(stage: &Stage) -> Result<()> {
    let bad = Bad {
        fault: "bad release: starts, is unhealthy",
        bytes: served(500, 0).into_bytes(),
        reason: "500",
        ..Bad::default()
    };
    refused(stage, &bad)
}

/// It passes its health check and dies a little later; the requests it had in
/// hand die with it.
pub(crate) fn a_release_that_dies_soon_is_refused(stage: &Stage) -> Result<()> {
    let bad = Bad {
        fault: "bad release: healthy, dies after 2 s",
        bytes: served(200, 2).into_bytes(),
        reason: "exited after it was healthy: Main process exited",
        posts: CONNECTIONS,
        ..Bad::default()
    };
    refused(stage, &bad)
}

/// Later than the default watch, which a longer one still sees.
pub(crate) fn a_release_that_dies_late_is_refused_by_a_longer_watch(stage: &Stage) -> Result<()> {
    let bad = Bad {
        fault: "bad release: healthy, dies after 8 s (watched for 10 s)",
        bytes: served(200, 8).into_bytes(),
        reason: "exited after it was healthy: Main process exited",
        posts: CONNECTIONS,
        options: &["-e", "genconf_observe_seconds=10"],
        flipped: Duration::from_secs(15),
    };
    refused(stage, &bad)
}

/// So late that the run has ended well: the host looks on, takes it back, and says so until the next
/// deploy. Instances that die before their turn comes drop what they have in hand.
pub(crate) fn a_release_that_dies_after_its_run_is_taken_back(stage: &Stage) -> Result<()> {
    let before = current(stage)?;
    let load = stage.load()?;
    stage.put_artifact(served(200, 12).as_bytes())?;
    let play = stage.play("deploy.yml", &[])?;
    stage.put_artifact(&stage.artifact)?;
    play.success()?;
    assert_ne!(current(stage)?, before, "it was never deployed");
    let took = wait_taken_back(stage)?;
    assert_eq!(current(stage)?, before);
    wait_active(stage.front(), &stage.units)?;
    let report = load.finish()?;
    let seen = format!("taken back {:.1} s after the run", took.as_secs_f64());
    let fault = "bad release: healthy, dies after 12 s, when the run has ended";
    let allowed = format!("taken back by the host, {}", lost(CONNECTIONS));
    stage.note(Row::loaded(fault, &allowed, &report).with(seen));
    let told = stage.play("status.yml", &[])?;
    assert_ne!(told.code(), Some(0), "{}", told.said());
    assert!(told.said().contains("is rolled back"), "{}", told.said());
    stage.play("deploy.yml", &[])?.success()?;
    stage.play("status.yml", &[])?.success()?;
    loses_at_most(CONNECTIONS, &report);
    Ok(())
}

/// It was built for another processor.
pub(crate) fn a_release_for_another_machine_is_refused(stage: &Stage) -> Result<()> {
    // The head of an ELF file (elf(5)) whose e_machine, at 18, is EM_AARCH64.
    let mut bytes = stage.artifact[..4096].to_vec();
    bytes[18] = 183;
    let bad = Bad {
        fault: "bad release: wrong architecture",
        bytes,
        reason: "exited before it was healthy",
        ..Bad::default()
    };
    refused(stage, &bad)
}

/// Control: the same release put in place by hand, to all instances at once.
pub(crate) fn without_the_gate_a_bad_release_is_counted(stage: &Stage) -> Result<()> {
    let (host, before) = (stage.front(), current(stage)?);
    let app = "/opt/randoms/randoms";
    let restart = "systemctl restart --no-block 'randoms-spread@*.service'";
    let load = stage.load_on("/api/randoms", &["--requests", "100", "--timeout", "2"])?;
    host.shell(&format!(
        "mkdir {app}/releases/bad && cd {app}/releases/bad && printf '#!/bin/sh\\nexit 7\\n' > randoms \
         && chmod 755 randoms && ln -sfn releases/bad {app}/current && {restart}"
    ))?;
    wait_restarts(host, "randoms-spread@8085.service", 3)?;
    let report = load.finish()?;
    host.shell(&format!(
        "ln -sfn {before} {app}/current && rm -r {app}/releases/bad && {restart}"
    ))?;
    wait_active(host, &stage.units)?;
    assert!(report.failures() > 0, "{report}");
    Ok(())
}

/// The script with its two figures.
fn served(health: u16, life: u16) -> String {
    SERVER.replacen(
        "STOPPING =",
        &format!("HEALTH, LIFE = {health}, {life}\nSTOPPING ="),
        1,
    )
}

fn refused(stage: &Stage, bad: &Bad) -> Result<()> {
    let before = current(stage)?;
    let load = stage.load()?;
    stage.put_artifact(&bad.bytes)?;
    let (play, away) = watched(stage, &before, bad.options)?;
    stage.put_artifact(&stage.artifact)?;
    let report = load.finish()?;
    let seen = format!(
        "exit {:?}, on the bad release for {:.1} s",
        play.code(),
        away.as_secs_f64()
    );
    let allowed = format!(
        "flipped back ≤ {} s, {}",
        bad.flipped.as_secs(),
        lost(bad.posts)
    );
    stage.note(Row::loaded(bad.fault, &allowed, &report).with(seen));
    assert!(
        play.code().is_some_and(|code| code != 0),
        "it was accepted: {}",
        play.said()
    );
    assert_eq!(current(stage)?, before, "{}", play.said());
    assert!(
        play.said().contains(bad.reason),
        "another reason: {}",
        play.said()
    );
    wait_active(stage.front(), &stage.units)?;
    assert!(!away.is_zero(), "it was never tried: {}", play.said());
    assert!(away <= bad.flipped, "flipped back after {away:?}");
    loses_at_most(bad.posts, &report);
    Ok(())
}

const fn lost(posts: u32) -> &'static str {
    match posts {
        0 => "0 failed",
        _ => IN_FLIGHT,
    }
}

fn loses_at_most(posts: u32, report: &Report) {
    let told = format!("{report}\n{:?}", report.events);
    assert_eq!(report.get.failures(), 0, "{told}");
    assert!(report.post.failures() <= u64::from(posts), "{told}");
}

/// Deploys, and measures how long `current` named another release than `before`.
fn watched(stage: &Stage, before: &str, options: &[&str]) -> Result<(Play, Duration)> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| time_away(stage.front(), before, &over));
        let play = stage.play("deploy.yml", options);
        over.store(true, Ordering::Relaxed);
        Ok((play?, watch.join().unwrap_or_default()))
    })
}

fn time_away(host: &Host, before: &str, over: &AtomicBool) -> Duration {
    let link = host.root().join("opt/randoms/randoms/current");
    let mut away = Duration::ZERO;
    let mut last = Instant::now();
    while !over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(5));
        let now = Instant::now();
        if std::fs::read_link(&link).is_ok_and(|found| found.as_os_str() != before) {
            away += now - last;
        }
        last = now;
    }
    away
}
