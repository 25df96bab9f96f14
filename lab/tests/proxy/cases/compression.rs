//! Compression of responses.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::case::{Case, DEFAULTS, Engine, PLAIN, Setup, TLS_DEFAULTS, case, only};
use crate::client::{get, get_with};
use crate::failure::{CheckResult, ensure};
use crate::http::Response;

static OFF: Setup = Setup {
    proxy: "compress: false",
    ..PLAIN
};

const GZIP: &str = "Accept-Encoding: gzip, deflate, br\r\n";

pub(crate) const CASES: &[Case] = &[
    case(
        "compression: text is compressed where gzip is accepted",
        &DEFAULTS,
        |_| {
            for kind in ["html", "css", "js", "json", "svg", "text"] {
                compressed(kind, &get_with(&body(kind, 8192), GZIP)?)?;
            }
            Ok(())
        },
    ),
    case("compression: HTTP/2 is compressed", &TLS_DEFAULTS, |_| {
        let url = format!("https://127.0.0.1{}", body("html", 8192));
        compressed(
            "html",
            &crate::client::curl(&["--http2", "-H", "Accept-Encoding: gzip", &url])?,
        )
    }),
    case(
        "compression: without Accept-Encoding nothing is compressed",
        &DEFAULTS,
        |_| plain("html", &get(&body("html", 8192))?),
    ),
    case(
        "compression: images and archives are not compressed",
        &DEFAULTS,
        |_| {
            for kind in ["png", "zip"] {
                plain(kind, &get_with(&body(kind, 8192), GZIP)?)?;
            }
            Ok(())
        },
    ),
    only(
        Engine::Nginx,
        "HAProxy has no smallest size before 3.2",
        case(
            "compression: small responses are not compressed",
            &DEFAULTS,
            |_| plain("html", &get_with(&body("html", 100), GZIP)?),
        ),
    ),
    case(
        "compression: an encoded response is not encoded again",
        &DEFAULTS,
        |_| {
            let response = get_with("/?do=encoded", GZIP)?.expect(200)?;
            response.expect_header("content-encoding", "br")?;
            ensure!(response.body == vec![b'x'; 8192], "the body is changed");
            Ok(())
        },
    ),
    case("compression: `false` compresses nothing", &OFF, |_| {
        plain("html", &get_with(&body("html", 8192), GZIP)?)
    }),
];

fn body(kind: &str, size: usize) -> String {
    format!("/body?do=body&type={kind}&size={size}")
}

/// Expects status 200 with the Content-Encoding headers `encodings`.
fn encoded(kind: &str, response: &Response, encodings: &[&str]) -> CheckResult {
    ensure!(
        response.status == 200,
        "{kind}: the status is {}",
        response.status
    );
    let encoding = response.all("content-encoding");
    ensure!(
        encoding == encodings,
        "{kind}: Content-Encoding is {encoding:?}"
    );
    Ok(())
}

fn compressed(kind: &str, response: &Response) -> CheckResult {
    encoded(kind, response, &["gzip"])?;
    let vary = response.all("vary").join(", ").to_ascii_lowercase();
    ensure!(vary.contains("accept-encoding"), "{kind}: Vary is {vary:?}");
    ensure!(
        response.body.len() < 2048,
        "{kind}: {} bytes are sent",
        response.body.len()
    );
    let text = unpacked(&response.body)?;
    ensure!(
        text.len() == 8192,
        "{kind}: unpacked it has {} bytes",
        text.len()
    );
    Ok(())
}

fn plain(kind: &str, response: &Response) -> CheckResult {
    encoded(kind, response, &[])?;
    ensure!(
        response.body.starts_with(b"all work"),
        "{kind}: the body is changed"
    );
    Ok(())
}

fn unpacked(bytes: &[u8]) -> CheckResult<Vec<u8>> {
    let mut gzip = Command::new("gzip")
        .arg("-dc")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = gzip.stdin.take() {
        input.write_all(bytes)?;
    }
    let output = gzip.wait_with_output()?;
    ensure!(output.status.success(), "gzip does not unpack it");
    Ok(output.stdout)
}
