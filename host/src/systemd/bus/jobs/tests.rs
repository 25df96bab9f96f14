//! Results of jobs.

use super::*;

const PATH: &str = "/org/freedesktop/systemd1/job/7";

fn pending(verb: Verb) -> Jobs {
    let mut jobs = Jobs::new(verb);
    jobs.pending.insert(PATH.to_owned(), "a.service".to_owned());
    jobs
}

fn removed(path: &str, result: &str) -> RemovedJob {
    RemovedJob {
        path: path.to_owned(),
        result: result.to_owned(),
    }
}

#[test]
fn jobs_that_are_done_or_skipped_succeed() {
    for result in ["done", "skipped"] {
        let mut jobs = pending(Verb::Start);
        jobs.remove(&removed(PATH, result));
        assert!(jobs.pending.is_empty());
        assert_eq!(jobs.into_result(), Ok(()));
    }
}

#[test]
fn each_other_result_is_an_error_with_the_unit() {
    for result in [
        "canceled",
        "timeout",
        "failed",
        "dependency",
        "once",
        "unheard-of",
    ] {
        let mut jobs = pending(Verb::Restart);
        jobs.remove(&removed(PATH, result));
        let error = jobs.into_result().unwrap_err();
        let expected = format!("systemd: restart: a.service: job result {result}");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn jobs_of_other_requests_are_ignored() {
    let mut jobs = pending(Verb::Start);
    jobs.remove(&removed("/org/freedesktop/systemd1/job/8", "failed"));
    assert_eq!(jobs.pending.len(), 1);
    assert_eq!(jobs.into_result(), Ok(()));
}

#[test]
fn without_a_result_the_activity_decides() {
    for (verb, activity, succeeds) in [
        (Verb::Start, Activity::Active, true),
        (Verb::Restart, Activity::Active, true),
        (Verb::Start, Activity::Failed, false),
        (Verb::Start, Activity::Activating, false),
        (Verb::Restart, Activity::Inactive, false),
        (Verb::Stop, Activity::Inactive, true),
        (Verb::StopAlone, Activity::Failed, true),
        (Verb::Stop, Activity::Active, false),
        (Verb::Stop, Activity::Deactivating, false),
    ] {
        let mut jobs = pending(verb);
        jobs.judge("a.service", activity);
        assert!(jobs.pending.is_empty());
        assert_eq!(jobs.into_result().is_ok(), succeeds, "{verb} {activity}");
    }
}

#[test]
fn jobs_that_do_not_end_are_errors() {
    let mut jobs = pending(Verb::Stop);
    jobs.fail("b.service", "Unit b.service not loaded.");
    jobs.expire();
    let error = jobs.into_result().unwrap_err();
    let expected = "b.service: Unit b.service not loaded.; a.service: job not done within 600 s";
    assert_eq!(error.reason, expected);
}

#[test]
fn only_a_socket_is_stopped_without_the_units_that_require_it() {
    assert_eq!(mode(Verb::StopAlone), "ignore-requirements");
    assert_eq!(mode(Verb::Stop), "replace");
}
