//! Unusual requests, and headers that a client must not set.

use std::time::Duration;

use crate::case::{Case, DEFAULTS, case};
use crate::client::{Client, PROXY, fetch, get_with, request};
use crate::failure::{CheckResult, ensure};

pub(crate) const CASES: &[Case] = &[
    case(
        "requests: the client's forwarding headers are replaced",
        &DEFAULTS,
        |_| {
            let received = echoed(
                "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n\
             X-Real-IP: 198.51.100.1\r\nX-Request-ID: mine\r\n",
            )?;
            for (name, value) in [
                ("x-forwarded-for", "127.0.0.1"),
                ("x-forwarded-proto", "http"),
                ("x-forwarded-host", "example.org"),
                ("x-real-ip", "127.0.0.1"),
            ] {
                ensure!(
                    received.all(name) == [value],
                    "{name} is {:?}",
                    received.all(name)
                );
            }
            Ok(())
        },
    ),
    case(
        "requests: the client's X-Request-ID is replaced",
        &DEFAULTS,
        |_| {
            let received = echoed("X-Request-ID: mine\r\nX-Request-Id: other\r\n")?;
            let ids = received.all("x-request-id");
            ensure!(
                ids.len() == 1 && ids[0] != "mine" && ids[0] != "other",
                "X-Request-ID is {ids:?}"
            );
            Ok(())
        },
    ),
    case(
        "requests: other X-Forwarded headers do not pass",
        &DEFAULTS,
        |_| {
            absent(&[
                "X-Forwarded-Port",
                "X-Forwarded-Prefix",
                "X-Forwarded-Server",
                "X-Forwarded-Ssl",
                "X-Forwarded-Scheme",
            ])
        },
    ),
    case("requests: Forwarded does not pass", &DEFAULTS, |_| {
        absent(&["Forwarded"])
    }),
    case(
        "requests: X-Original-URL and X-Rewrite-URL do not pass",
        &DEFAULTS,
        |_| absent(&["X-Original-URL", "X-Rewrite-URL"]),
    ),
    case(
        "requests: names with underscores do not pass",
        &DEFAULTS,
        |_| absent(&["X_Forwarded_For", "X_Real_IP", "my_header"]),
    ),
    case("requests: other headers pass", &DEFAULTS, |_| {
        let received = echoed(
            "Authorization: Bearer x\r\nCookie: a=b; c=d\r\nX-Custom: 1\r\nX-Custom: 2\r\nIf-None-Match: \"e\"\r\n",
        )?;
        ensure!(
            received.all("authorization") == ["Bearer x"],
            "Authorization is {:?}",
            received.all("authorization")
        );
        ensure!(
            received.all("cookie") == ["a=b; c=d"],
            "Cookie is {:?}",
            received.all("cookie")
        );
        let custom = received.all("x-custom").join(", ");
        ensure!(custom == "1, 2", "X-Custom is {custom:?}");
        ensure!(
            received.all("if-none-match") == ["\"e\""],
            "If-None-Match is missing"
        );
        Ok(())
    }),
    case("requests: TRACE is 405", &DEFAULTS, |_| {
        fetch(request("TRACE", "/", ""))?.expect(405).map(drop)
    }),
    case("requests: CONNECT is rejected", &DEFAULTS, |_| {
        let response = fetch("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n")?;
        ensure!(
            matches!(response.status, 400 | 405),
            "the status is {}",
            response.status
        );
        Ok(())
    }),
    case("requests: `OPTIONS *` is 400", &DEFAULTS, |_| {
        fetch("OPTIONS * HTTP/1.1\r\nHost: example.org\r\n\r\n")?
            .expect(400)
            .map(drop)
    }),
    case("requests: every usual method arrives", &DEFAULTS, |_| {
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND",
        ] {
            let response =
                fetch(request(method, "/method", "Content-Length: 0\r\n"))?.expect(200)?;
            let received = response.echoed()?;
            ensure!(
                received.method == method,
                "{method} arrives as {}",
                received.method
            );
        }
        let response = fetch(request("HEAD", "/method", ""))?.expect(200)?;
        ensure!(response.body.is_empty(), "HEAD has a body");
        Ok(())
    }),
    case("requests: two lengths are rejected", &DEFAULTS, |_| {
        rejected("Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")?;
        rejected("Content-Length: +5\r\n\r\nhello")?;
        rejected("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")
    }),
    case(
        "requests: a Content-Length with chunks smuggles no request",
        &DEFAULTS,
        |_| {
            let body = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: example.org\r\n\r\n";
            let head = format!(
                "POST /first HTTP/1.1\r\nHost: example.org\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n{body}",
                body.len()
            );
            let response = fetch(head)?;
            ensure!(
                matches!(response.status, 200 | 400),
                "the status is {}",
                response.status
            );
            Ok(())
        },
    ),
    case("requests: IPv4 and IPv6 are accepted", &DEFAULTS, |_| {
        for address in [PROXY, "[::1]:80", "192.0.2.10:80"] {
            let response = Client::connect_to(address)?
                .fetch(request("GET", "/", ""))?
                .expect(200)?;
            let received = response.echoed()?;
            let expected = match address {
                "[::1]:80" => "::1",
                "192.0.2.10:80" => "192.0.2.10",
                _ => "127.0.0.1",
            };
            ensure!(
                received.all("x-real-ip") == [expected],
                "X-Real-IP is {:?}",
                received.all("x-real-ip")
            );
        }
        Ok(())
    }),
    case("requests: a connection is kept alive", &DEFAULTS, |_| {
        let mut client = Client::connect()?;
        for round in 0..5 {
            client
                .fetch(request("GET", &format!("/kept/{round}"), ""))?
                .expect(200)?;
        }
        Ok(())
    }),
    case(
        "requests: a request that waits for 100 Continue gets it",
        &DEFAULTS,
        |_| {
            let mut client = Client::connect()?.with_read_timeout(5)?;
            client.send(request(
                "POST",
                "/expect",
                "Content-Length: 5\r\nExpect: 100-continue\r\n",
            ))?;
            // Engines send it with or before the response; the client needs it before the body.
            let mut first = [0; 12];
            std::io::Read::read_exact(&mut client.stream, &mut first)?;
            ensure!(
                &first == b"HTTP/1.1 100",
                "it begins with {:?}",
                String::from_utf8_lossy(&first)
            );
            client.send("hello")?;
            // The rest of the interim response.
            let mut line = String::new();
            while line != "\r\n" {
                line.clear();
                std::io::BufRead::read_line(&mut client.stream, &mut line)?;
            }
            let received = client.response("POST")?.expect(200)?.echoed()?;
            ensure!(received.length == 5, "{} bytes arrive", received.length);
            Ok(())
        },
    ),
    case("requests: a request head may take 3 s", &DEFAULTS, |_| {
        let mut client = Client::connect()?;
        client.send("GET /slow-head HTTP/1.1\r\nHost: exam")?;
        std::thread::sleep(Duration::from_secs(3));
        client.send("ple.org\r\n\r\n")?;
        client.response("GET")?.expect(200).map(drop)
    }),
];

fn echoed(headers: &str) -> CheckResult<crate::http::Received> {
    get_with("/", headers)?.expect(200)?.echoed()
}

/// Expects that no header of these names reaches the application.
fn absent(names: &[&str]) -> CheckResult {
    let lines = names.join(": spoofed\r\n") + ": spoofed\r\n";
    let received = echoed(&lines)?;
    let passed: Vec<_> = names
        .iter()
        .filter(|name| !received.all(name).is_empty())
        .collect();
    ensure!(passed.is_empty(), "the application receives {passed:?}");
    Ok(())
}

fn rejected(rest: &str) -> CheckResult {
    let response = fetch(format!("POST / HTTP/1.1\r\nHost: example.org\r\n{rest}"))?;
    ensure!(
        matches!(response.status, 400 | 501),
        "{rest:?} gets {}",
        response.status
    );
    Ok(())
}
