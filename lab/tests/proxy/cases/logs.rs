//! The access log: one line with a JSON object for every request.

use std::time::Duration;

use lab::wait::{self, Poll};

use crate::case::{Case, PLAIN, Setup, case};
use crate::client::{fetch, request};
use crate::failure::{CheckResult, Context as _, ensure};
use crate::fixture::Fixture;

// Separate fixtures, since the cases count lines.
static LONG: Setup = PLAIN;
static AGENT: Setup = PLAIN;
static QUOTES: Setup = PLAIN;
static NAMED: Setup = PLAIN;
static BYTES: Setup = PLAIN;
static REJECTED: Setup = PLAIN;

pub(crate) const CASES: &[Case] = &[
    case(
        "logs: a URL of 8,000 bytes is logged completely",
        &LONG,
        |fixture| {
            let url = format!("/long?q={}", "x".repeat(8_000));
            fetch(request("GET", &url, ""))?;
            let lines = lines(fixture, 1)?;
            ensure!(
                lines[0]["uri"] == url.as_str(),
                "the URI is {}",
                lines[0]["uri"]
            );
            Ok(())
        },
    ),
    case(
        "logs: long headers do not truncate a line",
        &AGENT,
        |fixture| {
            let agent = format!("User-Agent: {}\r\n", "a\"".repeat(3_500));
            fetch(request("GET", "/agent", &agent))?;
            lines(fixture, 1).map(drop)
        },
    ),
    case(
        "logs: quotes and backslashes are escaped",
        &QUOTES,
        |fixture| {
            let url = "/a\"b\\c'd?e=\"\\\"";
            fetch(request(
                "GET",
                url,
                "User-Agent: \"quoted\" \\ 'x' \t\x01\r\nReferer: \"\\\r\n",
            ))?;
            fetch(request("GET", "/", ""))?;
            lines(fixture, 2).map(drop)
        },
    ),
    case(
        "logs: invalid UTF-8 in headers and URL is valid JSON in the log",
        &BYTES,
        |fixture| {
            for url in [
                &b"/plain"[..],
                b"/\xff\xfe\xc3(",
                b"/%FF%FE",
                b"/?q=\xf0\x28\x8c\x28",
            ] {
                let mut bytes = b"GET ".to_vec();
                bytes.extend_from_slice(url);
                bytes.extend_from_slice(b" HTTP/1.1\r\nHost: example.org\r\nUser-Agent: \xff\xfe\xc3(\r\nReferer: \xc0\x80\r\n\r\n");
                fetch(bytes)?;
            }
            lines(fixture, 4).map(drop)
        },
    ),
    case(
        "logs: rejected requests are logged as JSON",
        &REJECTED,
        |fixture| {
            fetch("GET / HTTP/1.1\r\nHost: a\"b\\\r\n\r\n")?;
            let mut bytes = b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n".to_vec();
            fetch(&bytes)?;
            bytes = b"G\xff\"T / HTTP/1.1\r\nHost: example.org\r\n\r\n".to_vec();
            let _ = fetch(&bytes);
            let _ = fetch(request(
                "GET",
                "/",
                &format!("Cookie: {}\r\n", "\"".repeat(150_000)),
            ));
            fetch(request("GET", "/last", ""))?;
            lines(fixture, 5).map(drop)
        },
    ),
    case(
        "logs: a line names request, client, status and instance",
        &NAMED,
        |fixture| {
            let response = fetch(request("GET", "/named?do=status&status=418", ""))?.expect(418)?;
            let id = response
                .header("x-request-id")
                .unwrap_or_default()
                .to_owned();
            let lines = lines(fixture, 1)?;
            let line = lines.iter().find(|line| line["request_id"] == id.as_str());
            let line = line.ok_or("no line has the response's X-Request-ID")?;
            ensure!(
                line["client"] == "127.0.0.1" && line["method"] == "GET" && line["status"] == "418",
                "the line is {line}"
            );
            Ok(())
        },
    ),
];

/// Waits for `count` lines in this fixture's log, each with a JSON object.
fn lines(fixture: &Fixture, count: usize) -> CheckResult<Vec<serde_json::Value>> {
    let (lines, _) = wait::until("logged", Duration::from_secs(8), || match fixture.log() {
        Ok(lines) if lines.len() == count => Poll::Ready(lines),
        Ok(lines) => Poll::Pending(format!("{} of {count} lines", lines.len())),
        Err(failure) => Poll::Pending(failure.to_string()),
    })?;
    let read = |line: &Vec<u8>| {
        let value: serde_json::Value = serde_json::from_slice(line)
            .context(format!("reading {:.300}", line.escape_ascii().to_string()))?;
        ensure!(value.is_object(), "{value} is not an object");
        Ok(value)
    };
    lines.iter().map(read).collect()
}
