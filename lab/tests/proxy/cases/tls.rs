//! TLS: HTTP/2, redirects from HTTP, and Strict-Transport-Security.

use crate::apps::{Program, script};
use crate::case::{Case, PLAIN, Setup, TLS, TLS_DEFAULTS, case, differ};
use crate::cases::responses::{UNCOUNTED, uncounted};
use crate::client::{Client, curl, fetch};
use crate::failure::{CheckResult, ensure};

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
    case("http2: it is negotiated", &TLS_DEFAULTS, |_| {
        let response = curl(&["--http2", URL])?.expect(200)?;
        ensure!(
            response.version == "2",
            "the version is {}",
            response.version
        );
        Ok(())
    }),
    case("http2: HTTP/1.1 is supported, too", &TLS_DEFAULTS, |_| {
        let response = curl(&["--http1.1", URL])?.expect(200)?;
        ensure!(
            response.version == "1.1",
            "the version is {}",
            response.version
        );
        Ok(())
    }),
    case(
        "http2: the application receives host, scheme, and path",
        &TLS_DEFAULTS,
        |_| {
            let response = curl(&[
                "--http2",
                "--resolve",
                "example.org:443:127.0.0.1",
                "https://example.org/%40a//b?c=%2F",
            ])?;
            let received = response.expect(200)?.echoed()?;
            ensure!(
                received.url == "/%40a//b?c=%2F",
                "the URL arrives as {}",
                received.url
            );
            for (name, value) in [
                ("host", "example.org"),
                ("x-forwarded-host", "example.org"),
                ("x-forwarded-proto", "https"),
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
        "http2: a request header of 30,000 bytes passes",
        &TLS_DEFAULTS,
        |_| {
            let cookie = format!("Cookie: {}", "v".repeat(30_000));
            let received = curl(&["--http2", "-H", &cookie, URL])?
                .expect(200)?
                .echoed()?;
            let length = received
                .all("cookie")
                .first()
                .map_or(0, |value| value.len());
            ensure!(length == 30_000, "{length} bytes arrive");
            Ok(())
        },
    ),
    case(
        "http2: response headers of 31,000 bytes pass",
        &TLS_DEFAULTS,
        |_| {
            let url = format!("{URL}many?do=headers&size=31000");
            let response = curl(&["--http2", &url])?.expect(200)?;
            let count = response.all("set-cookie").len();
            ensure!(count == 31, "{count} of 31 headers arrive");
            Ok(())
        },
    ),
    case(
        "http2: a body of 900,000 bytes arrives",
        &TLS_DEFAULTS,
        |_| {
            let received = uploaded(900_000)?.expect(200)?.echoed()?;
            ensure!(
                received.length == 900_000,
                "{} bytes arrive",
                received.length
            );
            Ok(())
        },
    ),
    differ(
        UNCOUNTED,
        case(
            "http2: a body without a length beyond `max_body` is 413",
            &TLS_DEFAULTS,
            |fixture| uploaded(2_000_000)?.expect(uncounted(fixture)).map(drop),
        ),
    ),
    case(
        "http2: an authority that is not a host name is 400",
        &NAMED,
        |_| {
            let response = curl(&["--http2", "-H", "Host: evil#.example.net", URL])?;
            ensure!(
                response.version == "2",
                "the version is {}",
                response.version
            );
            response.expect(400)?;
            Ok(())
        },
    ),
    case("http2: another name is 421", &NAMED, |_| {
        curl(&["--http2", "-H", "Host: example.com", URL])?.expect(421)?;
        Ok(())
    }),
    case("http2: a websocket opens over TLS", &WEBSOCKET, |_| {
        let mut client = script("ws-client.js");
        let output = lab::command::capture(client.arg("wss://127.0.0.1/"))?.success()?;
        ensure!(output == "hello", "the echo is {output:?}");
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
        "redirects: a query of 4,000 bytes is complete",
        &TLS_DEFAULTS,
        |_| {
            let url = format!("/callback?SAMLResponse={}", "A".repeat(4_000));
            redirected("example.org", &url, &format!("https://example.org{url}"))
        },
    ),
    case(
        "redirects: a query of 12,000 bytes is complete",
        &TLS_DEFAULTS,
        |_| {
            let url = format!("/callback?SAMLResponse={}", "A".repeat(12_000));
            redirected("example.org", &url, &format!("https://example.org{url}"))
        },
    ),
    case("redirects: they name another port", &OTHER_PORT, |_| {
        let mut client = Client::connect_to("127.0.0.1:8080")?;
        let response = client
            .fetch("GET /a HTTP/1.1\r\nHost: example.org:8080\r\n\r\n")?
            .expect(308)?;
        response.expect_header("location", "https://example.org:8443/a")
    }),
    case(
        "redirects: a Host that is not a host name is 400",
        &TLS_DEFAULTS,
        |_| {
            for host in [
                "evil.example/?,example.org",
                "evil#.example.net",
                "user@example.org",
            ] {
                let response = fetch(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"))?;
                ensure!(
                    response.status == 400,
                    "Host: {host} gets {} {:?}",
                    response.status,
                    response.header("location")
                );
            }
            Ok(())
        },
    ),
    case("redirects: another name is 421", &NAMED, |_| {
        fetch("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")?.expect(421)?;
        Ok(())
    }),
    case("hsts: it is added once", &TLS_DEFAULTS, |_| {
        curl(&[URL])?
            .expect(200)?
            .expect_header("strict-transport-security", "max-age=86400")
    }),
    case(
        "hsts: the application's header is kept, once",
        &TLS_DEFAULTS,
        |_| {
            let url = format!("{URL}helmet/");
            let own = "max-age=31536000; includeSubDomains";
            curl(&[&url])?
                .expect(200)?
                .expect_header("strict-transport-security", own)
        },
    ),
    case("hsts: the proxy's own responses have it", &PART, |_| {
        let response = curl(&["https://127.0.0.1/none"])?.expect(404)?;
        response.expect_header("strict-transport-security", "max-age=86400")
    }),
    case("hsts: plain HTTP does not have it", &NAMED, |_| {
        for (host, status) in [("example.org", 308), ("evil.example", 421), ("a/b", 400)] {
            let response =
                fetch(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"))?.expect(status)?;
            let header = response.header("strict-transport-security");
            ensure!(header.is_none(), "{status} has {header:?}");
        }
        Ok(())
    }),
];

/// Sends a body without Content-Length.
fn uploaded(size: usize) -> CheckResult<crate::http::Response> {
    let file = format!("/var/cache/body-{size}");
    std::fs::write(&file, vec![b'x'; size])?;
    let data = format!("@{file}");
    let chunked = "Transfer-Encoding: chunked";
    curl(&["--http2", "-H", chunked, "--data-binary", &data, URL])
}

fn redirected(host: &str, url: &str, location: &str) -> CheckResult {
    let response = fetch(format!("GET {url} HTTP/1.1\r\nHost: {host}\r\n\r\n"))?.expect(308)?;
    let received = response.header("location").unwrap_or_default();
    ensure!(
        received == location,
        "{url:.60} is redirected to {received:.80} ({} bytes, not {})",
        received.len(),
        location.len()
    );
    Ok(())
}
