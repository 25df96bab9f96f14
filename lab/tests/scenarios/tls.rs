//! TLS listeners: a self-signed certificate, load over TLS, and the rate limit.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use lab::load::{MethodCount, Report};
use lab::wait::{self, Poll};
use lab::{Error, Host, Result, command};

use crate::fixture::{Fixture, RECOVERY};
use crate::install::sum;
use crate::results::ResultRow;
use crate::runner::join_or_panic;

/// A self-signed certificate on the proxy host.
pub(crate) struct Certificate {
    /// Host name in the certificate.
    pub(crate) name: &'static str,
    /// Path of the certificate chain on the host.
    pub(crate) chain: &'static str,
    /// Path of the private key on the host.
    pub(crate) key: &'static str,
}

impl Certificate {
    /// Creates the certificate on `host`, with a key that only root can read.
    pub(crate) fn install(&self, host: &Host) -> Result<()> {
        let on_host = |path: &str| host.root().join(path.trim_start_matches('/'));
        for path in [self.chain, self.key] {
            let path = on_host(path);
            let directory = path.parent().unwrap_or(Path::new("/"));
            fs::create_dir_all(directory)
                .map_err(Error::io("creating a directory for the certificate"))?;
        }
        let mut openssl = Command::new("openssl");
        openssl
            .args(["req", "-x509", "-days", "2", "-nodes", "-newkey", "ec"])
            .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-subj", &format!("/CN={}", self.name)])
            .args(["-addext", &format!("subjectAltName=DNS:{}", self.name)])
            .arg("-keyout")
            .arg(on_host(self.key))
            .arg("-out")
            .arg(on_host(self.chain));
        command::capture(&mut openssl)?.success()?;
        host.run(&["chmod", "600", self.key]).map(drop)
    }

    /// Options with which curl trusts the certificate and resolves its host name.
    pub(crate) fn options(&self, host: &Host) -> Vec<String> {
        let chain = host.root().join(self.chain.trim_start_matches('/'));
        let mut options = vec!["--cacert".to_owned(), chain.display().to_string()];
        for port in [80, 443] {
            let address = format!("{}:{port}:{}", self.name, host.address());
            options.extend(["--resolve".to_owned(), address]);
        }
        options
    }
}

/// Requests per curl command, on one connection.
const BATCH: u64 = 20;
/// Rate of one client: two clients together stay below the rate limits of the topologies.
const RATE: &str = "20/s";

/// Runs `act` while one client sends GET requests and another one POST requests.
pub(crate) fn under_load(fixture: &Fixture, act: impl FnOnce() -> Result<()>) -> Result<Report> {
    let (stop, started) = (AtomicBool::new(false), Barrier::new(3));
    std::thread::scope(|scope| {
        let client = |options: &'static [&'static str]| {
            let (stop, started) = (&stop, &started);
            scope.spawn(move || send_until(fixture, options, (stop, started)))
        };
        let clients = [client(&[]), client(&["--data", "note=counted"])];
        started.wait();
        let result = act();
        stop.store(true, Ordering::Relaxed);
        let [get, post] = clients.map(join_or_panic);
        result?;
        Ok(merged(get?, post?))
    })
}

/// Counts of one client.
#[derive(Default)]
struct ClientCount {
    count: MethodCount,
    /// Latencies of successful requests, in seconds.
    latencies: Vec<f64>,
    /// The instance of each successful request.
    instances: Vec<String>,
}

/// Sends at least one batch before `started` and one after `stop`.
fn send_until(
    fixture: &Fixture,
    options: &[&str],
    (stop, started): (&AtomicBool, &Barrier),
) -> Result<ClientCount> {
    let mut client = ClientCount::default();
    let first = send_batch(fixture, options, &mut client);
    started.wait();
    first?;
    while !stop.load(Ordering::Relaxed) {
        send_batch(fixture, options, &mut client)?;
    }
    send_batch(fixture, options, &mut client)?;
    Ok(client)
}

fn send_batch(fixture: &Fixture, options: &[&str], client: &mut ClientCount) -> Result<()> {
    // curl requests each URL of the range; the fragment is not sent.
    let url = format!("{}?cant=1000#[1-{BATCH}]", fixture.system.url);
    let format = "\n= %{http_code} %{time_total} %header{x-served-by}\n";
    let mut curl = fixture.curl();
    curl.args(["--verbose", "--rate", RATE, "--write-out", format]);
    let output = command::capture(curl.args(options).arg(&url))?;
    // curl retries a request whose connection was closed. A browser retries a GET but not a POST,
    // so the request counts as failed.
    let closed = output.stderr.matches("Connection died, retrying").count();
    count_failures(client, "closed", closed as u64);
    let before = client.count.sent;
    let mut body = "";
    for line in output.stdout.lines() {
        match line.strip_prefix("= ") {
            Some(result) => count_request(client, result, std::mem::take(&mut body)),
            None if !line.is_empty() => body = line,
            None => {}
        }
    }
    client.count.succeeded = client.count.succeeded.saturating_sub(closed as u64);
    assert_eq!(client.count.sent - before, BATCH, "{}", output.output());
    Ok(())
}

/// Counts one request by the line that curl has printed for it, and the body.
fn count_request(client: &mut ClientCount, result: &str, body: &str) {
    let mut fields = result.split(' ');
    let (status, seconds) = (fields.next().unwrap_or_default(), fields.next());
    client.count.sent += 1;
    if status != "200" {
        count_failures(client, &format!("status_{status}"), 1);
    } else if !sum(body).is_ok_and(|sum| sum == 1_000) {
        count_failures(client, "wrong_body", 1);
    } else {
        client.count.succeeded += 1;
        client
            .latencies
            .extend(seconds.and_then(|seconds| seconds.parse::<f64>().ok()));
        client.instances.extend(fields.next().map(str::to_owned));
    }
}

fn count_failures(client: &mut ClientCount, failure: &str, times: u64) {
    if times > 0 {
        *client.count.failed.entry(failure.to_owned()).or_default() += times;
    }
}

fn merged(get: ClientCount, post: ClientCount) -> Report {
    let mut report = Report::default();
    for instance in get.instances.into_iter().chain(post.instances) {
        *report.by_instance.entry(instance).or_default() += 1;
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

/// Sends 400 requests at once from one client; expects 429 above the limit, and 200 again later.
pub(crate) fn a_client_above_the_rate_limit_gets_429(fixture: &Fixture) -> Result<()> {
    let burst = format!("{}?cant=1#[1-400]", fixture.system.url);
    let statuses = |url: &str| {
        let mut curl = fixture.curl();
        curl.args(["--output", "/dev/null", "--write-out", "%{http_code}\n"]);
        command::capture(curl.arg(url)).map(|output| output.stdout)
    };
    let found = statuses(&burst)?;
    let count = |status: &str| found.lines().filter(|line| *line == status).count();
    let (accepted, limited) = (count("200"), count("429"));
    fixture.record(ResultRow::without_load(
        "400 requests of one client at once",
        "429 above the rate limit",
        format!("{accepted} times 200, {limited} times 429"),
    ));
    assert_eq!(accepted + limited, 400, "{found}");
    assert!(accepted >= 100 && limited > 0, "{accepted}, {limited}");
    wait::until("accepted again", RECOVERY, || {
        match statuses(fixture.system.url) {
            Ok(status) if status.trim() == "200" => Poll::Ready(()),
            other => Poll::Pending(format!("{other:?}")),
        }
    })?;
    Ok(())
}
