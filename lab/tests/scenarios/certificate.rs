//! An encrypted door: its certificate, and load through it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use lab::load::{Count, Report};
use lab::wait::{self, Seen};
use lab::{Error, Host, Result, command};

use crate::install::sum;
use crate::row::Row;
use crate::runner::joined;
use crate::stage::{RECOVERY, Stage};

/// A certificate that its own key has signed, on the host that users come through.
pub(crate) struct Certificate {
    /// The name it is for.
    pub(crate) name: &'static str,
    pub(crate) chain: &'static str,
    pub(crate) key: &'static str,
}

impl Certificate {
    /// Makes it on `host`, whose key only root can read.
    pub(crate) fn put(&self, host: &Host) -> Result<()> {
        let place = |path: &str| host.root().join(path.trim_start_matches('/'));
        for path in [self.chain, self.key] {
            let path = place(path);
            let folder = path.parent().unwrap_or(Path::new("/"));
            fs::create_dir_all(folder).map_err(Error::io("making a folder for the certificate"))?;
        }
        let mut openssl = Command::new("openssl");
        openssl
            .args(["req", "-x509", "-days", "2", "-nodes", "-newkey", "ec"])
            .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-subj", &format!("/CN={}", self.name)])
            .args(["-addext", &format!("subjectAltName=DNS:{}", self.name)])
            .arg("-keyout")
            .arg(place(self.key))
            .arg("-out")
            .arg(place(self.chain));
        command::finish(&mut openssl)?.success()?;
        host.run(&["chmod", "600", self.key]).map(drop)
    }

    /// What curl needs to know of it.
    pub(crate) fn options(&self, host: &Host) -> Vec<String> {
        let chain = host.root().join(self.chain.trim_start_matches('/'));
        let mut options = vec!["--cacert".to_owned(), chain.display().to_string()];
        for port in [80, 443] {
            let known = format!("{}:{port}:{}", self.name, host.address());
            options.extend(["--resolve".to_owned(), known]);
        }
        options
    }
}

/// Requests of one user in one go, on one connection.
const BATCH: u64 = 20;
/// Requests per second of one user: two of them stay below the limits of the topologies.
const RATE: &str = "20/s";

/// Counts what two users see, one of GETs and one of POSTs, while `act` goes on.
pub(crate) fn under_load(stage: &Stage, act: impl FnOnce() -> Result<()>) -> Result<Report> {
    let (over, flowing) = (AtomicBool::new(false), Barrier::new(3));
    std::thread::scope(|scope| {
        let user = |options: &'static [&'static str]| {
            let (over, flowing) = (&over, &flowing);
            scope.spawn(move || use_until(stage, options, (over, flowing)))
        };
        let (getting, posting) = (user(&[]), user(&["--data", "note=counted"]));
        flowing.wait();
        let acted = act();
        over.store(true, Ordering::Relaxed);
        let [get, post] = [getting, posting].map(joined);
        acted?;
        Ok(merged(get?, post?))
    })
}

/// What one user saw.
#[derive(Default)]
struct Account {
    count: Count,
    /// In seconds, of right answers.
    latencies: Vec<f64>,
    served_by: Vec<String>,
}

/// At least one batch before, and one after what is done meanwhile.
fn use_until(
    stage: &Stage,
    options: &[&str],
    (over, flowing): (&AtomicBool, &Barrier),
) -> Result<Account> {
    let mut account = Account::default();
    let first = batch(stage, options, &mut account);
    flowing.wait();
    first?;
    while !over.load(Ordering::Relaxed) {
        batch(stage, options, &mut account)?;
    }
    batch(stage, options, &mut account)?;
    Ok(account)
}

fn batch(stage: &Stage, options: &[&str], account: &mut Account) -> Result<()> {
    // The fragment stays here: it only makes one address many.
    let url = format!("{}?cant=1000#[1-{BATCH}]", stage.system.door);
    let told = "\n= %{http_code} %{time_total} %header{x-served-by}\n";
    let mut curl = stage.curl();
    curl.args(["--verbose", "--rate", RATE, "--write-out", told]);
    let said = command::finish(curl.args(options).arg(&url))?;
    // curl repeats a request whose connection was closed under it. A browser would too, but not
    // a POST, so it counts as lost.
    let cut = said.stderr.matches("Connection died, retrying").count();
    note(account, "cut", cut as u64);
    let before = account.count.sent;
    let mut body = "";
    for line in said.stdout.lines() {
        match line.strip_prefix("= ") {
            Some(figures) => judge(account, figures, std::mem::take(&mut body)),
            None if !line.is_empty() => body = line,
            None => {}
        }
    }
    account.count.right = account.count.right.saturating_sub(cut as u64);
    assert_eq!(account.count.sent - before, BATCH, "{}", said.said());
    Ok(())
}

fn judge(account: &mut Account, figures: &str, body: &str) {
    let mut words = figures.split(' ');
    let (status, seconds) = (words.next().unwrap_or_default(), words.next());
    account.count.sent += 1;
    if status != "200" {
        note(account, &format!("status_{status}"), 1);
    } else if !sum(body).is_ok_and(|sum| sum == 1_000) {
        note(account, "wrong_body", 1);
    } else {
        account.count.right += 1;
        account
            .latencies
            .extend(seconds.and_then(|seconds| seconds.parse::<f64>().ok()));
        account.served_by.extend(words.next().map(str::to_owned));
    }
}

fn note(account: &mut Account, failure: &str, times: u64) {
    if times > 0 {
        *account.count.failed.entry(failure.to_owned()).or_default() += times;
    }
}

fn merged(get: Account, post: Account) -> Report {
    let mut report = Report::default();
    for instance in get.served_by.into_iter().chain(post.served_by) {
        *report.served_by.entry(instance).or_default() += 1;
    }
    let mut latencies = [get.latencies, post.latencies].concat();
    latencies.sort_by(f64::total_cmp);
    let rank = (latencies.len() * 99).div_ceil(100);
    let at = |rank: usize| {
        latencies
            .get(rank.saturating_sub(1))
            .map_or(0.0, |s| s * 1e3)
    };
    report.latency_ms.p99 = at(rank);
    report.latency_ms.max = at(latencies.len());
    report.get = get.count;
    report.post = post.count;
    report
}

/// What one client asks beyond its limit is turned away, and not for good.
pub(crate) fn a_greedy_client_is_turned_away(stage: &Stage) -> Result<()> {
    let greedy = format!("{}?cant=1#[1-400]", stage.system.door);
    let statuses = |url: &str| {
        let mut curl = stage.curl();
        curl.args(["--output", "/dev/null", "--write-out", "%{http_code}\n"]);
        command::finish(curl.arg(url)).map(|said| said.stdout)
    };
    let answered = statuses(&greedy)?;
    let count = |status: &str| answered.lines().filter(|line| *line == status).count();
    let (right, turned_away) = (count("200"), count("429"));
    stage.note(Row::fact(
        "400 requests of one client at once",
        "beyond the limit 429",
        format!("{right} times 200, {turned_away} times 429"),
    ));
    assert_eq!(right + turned_away, 400, "{answered}");
    assert!(right >= 100 && turned_away > 0, "{right}, {turned_away}");
    wait::until("served again", RECOVERY, || {
        match statuses(stage.system.door) {
            Ok(status) if status.trim() == "200" => Seen::Yes(()),
            other => Seen::NotYet(format!("{other:?}")),
        }
    })?;
    Ok(())
}
