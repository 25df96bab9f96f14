//! A balancer or a CDN in front: whose word on the client counts.

use crate::apps::Program;
use crate::client::{Client, curl, request};
use crate::failure::{Checked, ensure};
use crate::fixture::Fixture;
use crate::http::Answer;
use crate::table::{Case, DEFAULTS, ENCRYPTED, PLAIN, Setup, case};

use lab::wait::{self, Seen};
use std::time::Duration;

/// 127.0.0.2 and 127.0.0.3 are balancers; 127.0.0.1 and 127.0.0.9 are clients.
static TRUSTED: Setup = Setup {
    proxy: "trusted_proxies: [127.0.0.2/31, \"2001:db8::/32\"]",
    ..PLAIN
};
static LIMITED: Setup = Setup {
    proxy: "trusted_proxies: [127.0.0.2]\nrate_limit: { rate: 1/m, burst: 1 }",
    ..PLAIN
};
static PROXY_PROTOCOL: Setup = Setup {
    proxy: "trusted_proxies: [127.0.0.2]\nproxy_protocol: true",
    ..PLAIN
};
static PROXY_PROTOCOL_TLS: Setup = Setup {
    proxy: "trusted_proxies: [127.0.0.2]\nproxy_protocol: true\ntls: { certificate: /etc/ssl/certs/site.pem, key: /etc/ssl/private/site.key }",
    ..PLAIN
};
static DJANGO: Setup = Setup {
    app: "artifact: shop.tar, main: shop.py, health: { path: /health, host: shop.example.org }, socket_activation: false, sd_notify: false",
    proxy: "trusted_proxies: [127.0.0.2]",
    program: Program::Django,
    env: &[("SSL_REDIRECT", "1")],
    ..PLAIN
};
const BALANCER: &str = "127.0.0.2";
const CLIENT: &str = "203.0.113.7";
const REPORT: &str = "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example.org\r\n";

pub(crate) const CASES: &[Case] = &[
    case(
        "trusted: a balancer's report reaches the application, once",
        &TRUSTED,
        |_| {
            let answer = from(BALANCER, REPORT)?;
            forwarded(&answer, CLIENT, "https")?;
            let seen = answer.echoed()?;
            let host = seen.all("x-forwarded-host");
            ensure!(host == ["shop.example.org"], "X-Forwarded-Host is {host:?}");
            Ok(())
        },
    ),
    case(
        "trusted: a balancer that reports nothing is the client",
        &TRUSTED,
        |_| forwarded(&from(BALANCER, "")?, BALANCER, "http"),
    ),
    case(
        "trusted: the last address that is not trusted is the client",
        &TRUSTED,
        |_| {
            let chain = "X-Forwarded-For: 198.51.100.1, 203.0.113.7, 127.0.0.3\r\n";
            forwarded(&from(BALANCER, chain)?, CLIENT, "http")?;
            let lines =
                "X-Forwarded-For: 198.51.100.1, 203.0.113.7\r\nX-Forwarded-For: 127.0.0.3\r\n";
            forwarded(&from(BALANCER, lines)?, CLIENT, "http")
        },
    ),
    case("trusted: an IPv6 client is reported", &TRUSTED, |_| {
        forwarded(
            &from(BALANCER, "X-Forwarded-For: 2001:db9::7\r\n")?,
            "2001:db9::7",
            "http",
        )
    }),
    case(
        "trusted: an invalid address is not the client",
        &TRUSTED,
        |_| {
            let answer = from(BALANCER, "X-Forwarded-For: <script>, unknown\r\n")?;
            forwarded(&answer, BALANCER, "http")
        },
    ),
    case("trusted: a scheme is http or https", &TRUSTED, |_| {
        let answer = from(BALANCER, "X-Forwarded-Proto: javascript\r\n")?;
        forwarded(&answer, BALANCER, "http")
    }),
    case(
        "trusted: another client's report is replaced",
        &TRUSTED,
        |_| {
            let answer = from("127.0.0.9", REPORT)?;
            forwarded(&answer, "127.0.0.9", "http")?;
            let host = answer.echoed()?;
            ensure!(
                host.all("x-forwarded-host") == ["example.org"],
                "X-Forwarded-Host is {:?}",
                host.all("x-forwarded-host")
            );
            Ok(())
        },
    ),
    case(
        "trusted: without `trusted_proxies` every report is replaced",
        &DEFAULTS,
        |_| forwarded(&from(BALANCER, REPORT)?, BALANCER, "http"),
    ),
    case(
        "trusted: the log names the client that a balancer reports",
        &TRUSTED,
        |fixture| {
            from(BALANCER, "X-Forwarded-For: 203.0.113.99\r\n")?;
            logged(fixture, "203.0.113.99")
        },
    ),
    case(
        "trusted: `rate_limit` counts the clients behind a balancer",
        &LIMITED,
        |_| {
            for last in 1..=4 {
                let report = format!("X-Forwarded-For: 203.0.113.{last}\r\n");
                from(BALANCER, &report)?.expect(200)?;
            }
            let report = "X-Forwarded-For: 203.0.113.50\r\n";
            let statuses: Vec<u16> = (0..4)
                .map(|_| from(BALANCER, report).map_or(0, |answer| answer.status))
                .collect();
            ensure!(
                statuses == [200, 200, 429, 429],
                "one client's statuses are {statuses:?}"
            );
            Ok(())
        },
    ),
    case(
        "trusted: Django behind a balancer that ends TLS does not redirect",
        &DJANGO,
        |_| {
            let answer = django(BALANCER, "X-Forwarded-Proto: https\r\n")?.expect(200)?;
            ensure!(
                answer.text().contains("\"secure\": true"),
                "Django saw {}",
                answer.text()
            );
            Ok(())
        },
    ),
    case(
        "trusted: Django does not believe another client",
        &DJANGO,
        |_| {
            django("127.0.0.1", "X-Forwarded-Proto: https\r\n")?.expect(301)?;
            Ok(())
        },
    ),
    case(
        "trusted: the proxy's own TLS is https to the application",
        &ENCRYPTED,
        |_| {
            let answer =
                curl(&["-H", "X-Forwarded-Proto: http", "https://127.0.0.1/"])?.expect(200)?;
            let seen = answer.echoed()?;
            let scheme = seen.all("x-forwarded-proto");
            ensure!(scheme == ["https"], "X-Forwarded-Proto is {scheme:?}");
            Ok(())
        },
    ),
    case(
        "proxy_protocol: version 1 names the client",
        &PROXY_PROTOCOL,
        |_| forwarded(&preceded(BALANCER, V1)?, CLIENT, "http"),
    ),
    case(
        "proxy_protocol: version 2 names the client",
        &PROXY_PROTOCOL,
        |_| forwarded(&preceded(BALANCER, &v2(0x21))?, CLIENT, "http"),
    ),
    case(
        "proxy_protocol: a balancer's own check is answered",
        &PROXY_PROTOCOL,
        |_| {
            preceded(BALANCER, b"PROXY UNKNOWN\r\n")?.expect(200)?;
            forwarded(&preceded(BALANCER, &v2(0x20))?, BALANCER, "http")
        },
    ),
    case(
        "proxy_protocol: the log names the client",
        &PROXY_PROTOCOL,
        |fixture| {
            preceded(BALANCER, b"PROXY TCP4 203.0.113.98 192.0.2.10 40000 80\r\n")?;
            logged(fixture, "203.0.113.98")
        },
    ),
    case(
        "proxy_protocol: another client's word does not count",
        &PROXY_PROTOCOL,
        |_| match preceded("127.0.0.9", V1) {
            Ok(answer) if answer.status == 200 => forwarded(&answer, "127.0.0.9", "http"),
            _ => Ok(()),
        },
    ),
    case(
        "proxy_protocol: a header reports nothing",
        &PROXY_PROTOCOL,
        |_| {
            let head = request("GET", "/", "X-Forwarded-For: 198.51.100.66\r\n");
            let answer = Client::connect_from(BALANCER)?.ask([V1, head.as_bytes()].concat());
            forwarded(&answer?.expect(200)?, CLIENT, "http")
        },
    ),
    case(
        "proxy_protocol: it precedes TLS",
        &PROXY_PROTOCOL_TLS,
        |_| {
            let answer = curl(&[
                "--haproxy-protocol",
                "--interface",
                BALANCER,
                "https://127.0.0.1/",
            ])?;
            forwarded(&answer.expect(200)?, BALANCER, "https")
        },
    ),
];

const V1: &[u8] = b"PROXY TCP4 203.0.113.7 192.0.2.10 40000 80\r\n";

/// Version 2 of the protocol, from the same client.
fn v2(command: u8) -> Vec<u8> {
    let mut bytes = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    bytes.extend([
        command, 0x11, 0, 12, 203, 0, 113, 7, 192, 0, 2, 10, 0x9c, 0x40, 0, 80,
    ]);
    bytes
}

fn from(source: &str, headers: &str) -> Checked<Answer> {
    Client::connect_from(source)?.ask(request("GET", "/", headers))
}

/// A request after a line of the PROXY protocol.
fn preceded(source: &str, line: &[u8]) -> Checked<Answer> {
    let mut client = Client::connect_from(source)?;
    client.send([line, request("GET", "/", "").as_bytes()].concat())?;
    client.answer("GET")
}

fn django(source: &str, headers: &str) -> Checked<Answer> {
    let head = format!("GET / HTTP/1.1\r\nHost: shop.example.org\r\n{headers}\r\n");
    Client::connect_from(source)?.ask(head)
}

/// The application sees this client and scheme, each in one header.
fn forwarded(answer: &Answer, client: &str, scheme: &str) -> Checked {
    let seen = answer.echoed()?;
    for (name, value) in [
        ("x-forwarded-for", client),
        ("x-real-ip", client),
        ("x-forwarded-proto", scheme),
    ] {
        let all = seen.all(name);
        ensure!(all == [value], "{name} is {all:?}, not {value:?} once");
    }
    Ok(())
}

fn logged(fixture: &Fixture, client: &str) -> Checked {
    let quoted = format!("\"client\":\"{client}\"");
    wait::until("logged", Duration::from_secs(8), || {
        let lines = fixture.log().unwrap_or_default();
        let found = lines
            .iter()
            .any(|line| String::from_utf8_lossy(line).contains(&quoted));
        if found {
            Seen::Yes(())
        } else {
            Seen::NotYet(format!("{} other lines", lines.len()))
        }
    })?;
    Ok(())
}
