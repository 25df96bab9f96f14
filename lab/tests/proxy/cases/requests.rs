//! Requests that are unusual, and headers that the client has no say in.

use std::time::Duration;

use crate::client::{Client, PROXY, ask, get_with, request};
use crate::failure::{Checked, ensure};
use crate::table::{Case, DEFAULTS, case};

pub(crate) const CASES: &[Case] = &[
    case(
        "requests: the client's forwarding headers are replaced",
        &DEFAULTS,
        |_| {
            let seen = echoed(
                "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n\
             X-Real-IP: 198.51.100.1\r\nX-Request-ID: mine\r\n",
            )?;
            for (name, value) in [
                ("x-forwarded-for", "127.0.0.1"),
                ("x-forwarded-proto", "http"),
                ("x-forwarded-host", "example.org"),
                ("x-real-ip", "127.0.0.1"),
            ] {
                ensure!(seen.all(name) == [value], "{name} is {:?}", seen.all(name));
            }
            Ok(())
        },
    ),
    case(
        "requests: the client's X-Request-ID is replaced",
        &DEFAULTS,
        |_| {
            let seen = echoed("X-Request-ID: mine\r\nX-Request-Id: other\r\n")?;
            let ids = seen.all("x-request-id");
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
        let seen = echoed(
            "Authorization: Bearer x\r\nCookie: a=b; c=d\r\nX-Custom: 1\r\nX-Custom: 2\r\nIf-None-Match: \"e\"\r\n",
        )?;
        ensure!(
            seen.all("authorization") == ["Bearer x"],
            "Authorization is {:?}",
            seen.all("authorization")
        );
        ensure!(
            seen.all("cookie") == ["a=b; c=d"],
            "Cookie is {:?}",
            seen.all("cookie")
        );
        let custom = seen.all("x-custom").join(", ");
        ensure!(custom == "1, 2", "X-Custom is {custom:?}");
        ensure!(
            seen.all("if-none-match") == ["\"e\""],
            "If-None-Match is missing"
        );
        Ok(())
    }),
    case("requests: TRACE is 405", &DEFAULTS, |_| {
        ask(request("TRACE", "/", ""))?.expect(405).map(drop)
    }),
    case("requests: CONNECT is refused", &DEFAULTS, |_| {
        let answer = ask("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n")?;
        ensure!(
            matches!(answer.status, 400 | 405),
            "the status is {}",
            answer.status
        );
        Ok(())
    }),
    case("requests: `OPTIONS *` is 400", &DEFAULTS, |_| {
        ask("OPTIONS * HTTP/1.1\r\nHost: example.org\r\n\r\n")?
            .expect(400)
            .map(drop)
    }),
    case("requests: every usual method arrives", &DEFAULTS, |_| {
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND",
        ] {
            let answer = ask(request(method, "/method", "Content-Length: 0\r\n"))?.expect(200)?;
            let seen = answer.echoed()?;
            ensure!(seen.method == method, "{method} arrives as {}", seen.method);
        }
        let answer = ask(request("HEAD", "/method", ""))?.expect(200)?;
        ensure!(answer.body.is_empty(), "HEAD has a body");
        Ok(())
    }),
    case("requests: two lengths are refused", &DEFAULTS, |_| {
        refused("Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")?;
        refused("Content-Length: +5\r\n\r\nhello")?;
        refused("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")
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
            let answer = ask(head)?;
            ensure!(
                matches!(answer.status, 200 | 400),
                "the status is {}",
                answer.status
            );
            Ok(())
        },
    ),
    case("requests: IPv4 and IPv6 are answered", &DEFAULTS, |_| {
        for address in [PROXY, "[::1]:80", "192.0.2.10:80"] {
            let answer = Client::connect_to(address)?
                .ask(request("GET", "/", ""))?
                .expect(200)?;
            let seen = answer.echoed()?;
            let expected = match address {
                "[::1]:80" => "::1",
                "192.0.2.10:80" => "192.0.2.10",
                _ => "127.0.0.1",
            };
            ensure!(
                seen.all("x-real-ip") == [expected],
                "X-Real-IP is {:?}",
                seen.all("x-real-ip")
            );
        }
        Ok(())
    }),
    case(
        "requests: a connection is kept for the next",
        &DEFAULTS,
        |_| {
            let mut client = Client::connect()?;
            for round in 0..5 {
                client
                    .ask(request("GET", &format!("/kept/{round}"), ""))?
                    .expect(200)?;
            }
            Ok(())
        },
    ),
    case(
        "requests: a request that waits for 100 Continue gets it",
        &DEFAULTS,
        |_| {
            let mut client = Client::connect()?.patient(5)?;
            client.send(request(
                "POST",
                "/expect",
                "Content-Length: 5\r\nExpect: 100-continue\r\n",
            ))?;
            // Some send it with the answer, some before: what counts is that the body is asked for.
            let mut first = [0; 12];
            std::io::Read::read_exact(&mut client.stream, &mut first)?;
            ensure!(
                &first == b"HTTP/1.1 100",
                "it begins with {:?}",
                String::from_utf8_lossy(&first)
            );
            client.send("hello")?;
            // What is left of the interim answer.
            let mut line = String::new();
            while line != "\r\n" {
                line.clear();
                std::io::BufRead::read_line(&mut client.stream, &mut line)?;
            }
            let seen = client.answer("POST")?.expect(200)?.echoed()?;
            ensure!(seen.length == 5, "{} bytes arrive", seen.length);
            Ok(())
        },
    ),
    case(
        "requests: a slow request head is not cut within 3 s",
        &DEFAULTS,
        |_| {
            let mut client = Client::connect()?;
            client.send("GET /slow-head HTTP/1.1\r\nHost: exam")?;
            std::thread::sleep(Duration::from_secs(3));
            client.send("ple.org\r\n\r\n")?;
            client.answer("GET")?.expect(200).map(drop)
        },
    ),
];

fn echoed(headers: &str) -> Checked<crate::http::Received> {
    get_with("/", headers)?.expect(200)?.echoed()
}

/// None of them reaches the application.
fn absent(names: &[&str]) -> Checked {
    let lines = names.join(": spoofed\r\n") + ": spoofed\r\n";
    let seen = echoed(&lines)?;
    let passed: Vec<_> = names
        .iter()
        .filter(|name| !seen.all(name).is_empty())
        .collect();
    ensure!(passed.is_empty(), "the application sees {passed:?}");
    Ok(())
}

fn refused(rest: &str) -> Checked {
    let answer = ask(format!("POST / HTTP/1.1\r\nHost: example.org\r\n{rest}"))?;
    ensure!(
        matches!(answer.status, 400 | 501),
        "{rest:?} is answered {}",
        answer.status
    );
    Ok(())
}
