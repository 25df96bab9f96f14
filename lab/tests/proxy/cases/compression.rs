//! What is compressed, and what is not.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::client::{get, get_with};
use crate::failure::{Checked, ensure};
use crate::http::Answer;
use crate::table::{Case, DEFAULTS, ENCRYPTED, Engine, PLAIN, Setup, case, only};

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
    case("compression: HTTP/2 is compressed", &ENCRYPTED, |_| {
        let url = format!("https://127.0.0.1{}", body("html", 8192));
        compressed(
            "html",
            &crate::client::curl(&["--http2", "-H", "Accept-Encoding: gzip", &url])?,
        )
    }),
    case(
        "compression: what is not asked for is not compressed",
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
            "compression: small answers are not compressed",
            &DEFAULTS,
            |_| plain("html", &get_with(&body("html", 100), GZIP)?),
        ),
    ),
    case(
        "compression: what is encoded is not encoded again",
        &DEFAULTS,
        |_| {
            let answer = get_with("/?do=encoded", GZIP)?.expect(200)?;
            answer.expect_header("content-encoding", "br")?;
            ensure!(answer.body == vec![b'x'; 8192], "the body is changed");
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

/// A 200 whose Content-Encoding headers are `encodings`.
fn encoded(kind: &str, answer: &Answer, encodings: &[&str]) -> Checked {
    ensure!(
        answer.status == 200,
        "{kind}: the status is {}",
        answer.status
    );
    let encoding = answer.all("content-encoding");
    ensure!(
        encoding == encodings,
        "{kind}: Content-Encoding is {encoding:?}"
    );
    Ok(())
}

fn compressed(kind: &str, answer: &Answer) -> Checked {
    encoded(kind, answer, &["gzip"])?;
    let vary = answer.all("vary").join(", ").to_ascii_lowercase();
    ensure!(vary.contains("accept-encoding"), "{kind}: Vary is {vary:?}");
    ensure!(
        answer.body.len() < 2048,
        "{kind}: {} bytes are sent",
        answer.body.len()
    );
    let text = unpacked(&answer.body)?;
    ensure!(
        text.len() == 8192,
        "{kind}: unpacked it has {} bytes",
        text.len()
    );
    Ok(())
}

fn plain(kind: &str, answer: &Answer) -> Checked {
    encoded(kind, answer, &[])?;
    ensure!(
        answer.body.starts_with(b"all work"),
        "{kind}: the body is changed"
    );
    Ok(())
}

fn unpacked(bytes: &[u8]) -> Checked<Vec<u8>> {
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
