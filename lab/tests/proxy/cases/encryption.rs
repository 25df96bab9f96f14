//! TLS: HTTP/2, redirects to it, and Strict-Transport-Security.

use crate::apps::{Program, script};
use crate::cases::answers::{UNCOUNTED, uncounted};
use crate::client::{Client, ask, curl};
use crate::failure::{Checked, ensure};
use crate::table::{Case, ENCRYPTED, PLAIN, Setup, TLS, case, differ};

static NAMED: Setup = Setup {
    proxy: "server_name: [example.org, \"*.example.net\"]\ntls: { certificate: /etc/ssl/certs/site.pem, key: /etc/ssl/private/site.key }",
    ..PLAIN
};
static OTHER_PORT: Setup = Setup {
    proxy: "listen: 8443\ntls: { certificate: /etc/ssl/certs/site.pem, key: /etc/ssl/private/site.key, http_port: 8080 }",
    ..PLAIN
};
static PART: Setup = Setup {
    proxy: TLS,
    routes: "- { path: /app, pool: web }",
    ..PLAIN
};
static WEBSOCKET: Setup = Setup {
    proxy: TLS,
    program: Program::Ws,
    ..PLAIN
};

const URL: &str = "https://127.0.0.1/";

pub(crate) const CASES: &[Case] = &[
    case("http2: it is negotiated", &ENCRYPTED, |_| {
        let answer = curl(&["--http2", URL])?.expect(200)?;
        ensure!(answer.version == "2", "the version is {}", answer.version);
        Ok(())
    }),
    case("http2: HTTP/1.1 is still answered", &ENCRYPTED, |_| {
        let answer = curl(&["--http1.1", URL])?.expect(200)?;
        ensure!(answer.version == "1.1", "the version is {}", answer.version);
        Ok(())
    }),
    case(
        "http2: the application sees host, scheme and path",
        &ENCRYPTED,
        |_| {
            let answer = curl(&[
                "--http2",
                "--resolve",
                "example.org:443:127.0.0.1",
                "https://example.org/%40a//b?c=%2F",
            ])?;
            let seen = answer.expect(200)?.echoed()?;
            ensure!(
                seen.url == "/%40a//b?c=%2F",
                "the URL arrives as {}",
                seen.url
            );
            for (name, value) in [
                ("host", "example.org"),
                ("x-forwarded-host", "example.org"),
                ("x-forwarded-proto", "https"),
            ] {
                ensure!(seen.all(name) == [value], "{name} is {:?}", seen.all(name));
            }
            Ok(())
        },
    ),
    case(
        "http2: a request header of 30,000 bytes passes",
        &ENCRYPTED,
        |_| {
            let cookie = format!("Cookie: {}", "v".repeat(30_000));
            let seen = curl(&["--http2", "-H", &cookie, URL])?
                .expect(200)?
                .echoed()?;
            let length = seen.all("cookie").first().map_or(0, |value| value.len());
            ensure!(length == 30_000, "{length} bytes arrive");
            Ok(())
        },
    ),
    case(
        "http2: answer headers of 31,000 bytes pass",
        &ENCRYPTED,
        |_| {
            let url = format!("{URL}many?do=headers&size=31000");
            let answer = curl(&["--http2", &url])?.expect(200)?;
            let count = answer.all("set-cookie").len();
            ensure!(count == 31, "{count} of 31 headers arrive");
            Ok(())
        },
    ),
    case("http2: a body of 900,000 bytes arrives", &ENCRYPTED, |_| {
        let seen = uploaded(900_000)?.expect(200)?.echoed()?;
        ensure!(seen.length == 900_000, "{} bytes arrive", seen.length);
        Ok(())
    }),
    differ(
        UNCOUNTED,
        case(
            "http2: a body without a length beyond `max_body` is 413",
            &ENCRYPTED,
            |fixture| uploaded(2_000_000)?.expect(uncounted(fixture)).map(drop),
        ),
    ),
    case(
        "http2: an authority that is not a host name is 400",
        &NAMED,
        |_| {
            let answer = curl(&["--http2", "-H", "Host: evil#.example.net", URL])?;
            ensure!(answer.version == "2", "the version is {}", answer.version);
            answer.expect(400)?;
            Ok(())
        },
    ),
    case("http2: another name is 421", &NAMED, |_| {
        curl(&["--http2", "-H", "Host: example.com", URL])?.expect(421)?;
        Ok(())
    }),
    case("http2: a websocket opens over TLS", &WEBSOCKET, |_| {
        let mut client = script("ws-client.js");
        let said = lab::command::finish(client.arg("wss://127.0.0.1/"))?.success()?;
        ensure!(said == "hello", "the echo is {said:?}");
        Ok(())
    }),
    case("redirects: plain HTTP is redirected", &NAMED, |_| {
        redirected("example.org", "/a?b=c", "https://example.org/a?b=c")?;
        redirected("example.org:80", "/", "https://example.org/")?;
        redirected(
            "a.example.net",
            "/%40a//b?c=%2F",
            "https://a.example.net/%40a//b?c=%2F",
        )
    }),
    case(
        "redirects: a query of 4,000 bytes stays whole",
        &ENCRYPTED,
        |_| {
            let url = format!("/callback?SAMLResponse={}", "A".repeat(4_000));
            redirected("example.org", &url, &format!("https://example.org{url}"))
        },
    ),
    case(
        "redirects: a query of 12,000 bytes stays whole",
        &ENCRYPTED,
        |_| {
            let url = format!("/callback?SAMLResponse={}", "A".repeat(12_000));
            redirected("example.org", &url, &format!("https://example.org{url}"))
        },
    ),
    case("redirects: they name another port", &OTHER_PORT, |_| {
        let mut client = Client::connect_to("127.0.0.1:8080")?;
        let answer = client
            .ask("GET /a HTTP/1.1\r\nHost: example.org:8080\r\n\r\n")?
            .expect(308)?;
        answer.expect_header("location", "https://example.org:8443/a")
    }),
    case(
        "redirects: a Host that is not a host name is 400",
        &ENCRYPTED,
        |_| {
            for host in [
                "evil.example/?,example.org",
                "evil#.example.net",
                "user@example.org",
            ] {
                let answer = ask(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"))?;
                ensure!(
                    answer.status == 400,
                    "Host: {host} is answered {} {:?}",
                    answer.status,
                    answer.header("location")
                );
            }
            Ok(())
        },
    ),
    case("redirects: another name is 421", &NAMED, |_| {
        ask("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")?.expect(421)?;
        Ok(())
    }),
    case("hsts: it is added once", &ENCRYPTED, |_| {
        curl(&[URL])?
            .expect(200)?
            .expect_header("strict-transport-security", "max-age=86400")
    }),
    case(
        "hsts: the application's own stays, once",
        &ENCRYPTED,
        |_| {
            let url = format!("{URL}helmet/");
            let own = "max-age=31536000; includeSubDomains";
            curl(&[&url])?
                .expect(200)?
                .expect_header("strict-transport-security", own)
        },
    ),
    case("hsts: the proxy's own answers have it", &PART, |_| {
        let answer = curl(&["https://127.0.0.1/none"])?.expect(404)?;
        answer.expect_header("strict-transport-security", "max-age=86400")
    }),
    case("hsts: plain HTTP does not have it", &NAMED, |_| {
        for (host, status) in [("example.org", 308), ("evil.example", 421), ("a/b", 400)] {
            let answer = ask(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"))?.expect(status)?;
            let header = answer.header("strict-transport-security");
            ensure!(header.is_none(), "{status} has {header:?}");
        }
        Ok(())
    }),
];

/// Sends a body whose length the head does not name.
fn uploaded(size: usize) -> Checked<crate::http::Answer> {
    let file = format!("/var/cache/body-{size}");
    std::fs::write(&file, vec![b'x'; size])?;
    let data = format!("@{file}");
    let chunked = "Transfer-Encoding: chunked";
    curl(&["--http2", "-H", chunked, "--data-binary", &data, URL])
}

fn redirected(host: &str, url: &str, location: &str) -> Checked {
    let answer = ask(format!("GET {url} HTTP/1.1\r\nHost: {host}\r\n\r\n"))?.expect(308)?;
    let seen = answer.header("location").unwrap_or_default();
    ensure!(
        seen == location,
        "{url:.60} is redirected to {seen:.80} ({} bytes, not {})",
        seen.len(),
        location.len()
    );
    Ok(())
}
