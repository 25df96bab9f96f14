//! Examples from the documentation, and raw lines for an engine.

use std::fs;
use std::process::Command;

use crate::GENCONF;
use crate::case::{Case, Engine, PLAIN, Setup, case, only};
use crate::client::{curl, get};
use crate::failure::{CheckResult, ensure};
use crate::fixture::Fixture;

static EXAMPLE: Setup = Setup {
    topology: Some(example),
    ..PLAIN
};
static ERROR_PAGE: Setup = Setup {
    proxy: "raw: { server: [\"error_page 502 503 504 /maintenance.html;\"] }",
    instances: 4,
    ..PLAIN
};
const FILES: &str = "HAProxy serves no files";
const DIRECTIVE: &str = "error_page is a directive of nginx";

pub(crate) const CASES: &[Case] = &[
    only(
        Engine::Nginx,
        FILES,
        case(
            "examples: certificates and files from docs/how-to/tls.md",
            &EXAMPLE,
            files_are_served,
        ),
    ),
    only(
        Engine::Nginx,
        FILES,
        case(
            "examples: `verify` accepts certificates and files",
            &EXAMPLE,
            verified,
        ),
    ),
    only(
        Engine::Nginx,
        DIRECTIVE,
        case(
            "raw: an `error_page` leaves retries on",
            &ERROR_PAGE,
            |fixture| {
                let url = "/retried?do=crashonce";
                let response = get(url)?;
                let started = fixture.requests(url)?.len();
                ensure!(
                    response.status == 200 && started == 2,
                    "status {}, started {started} times",
                    response.status
                );
                Ok(())
            },
        ),
    ),
];

const DOCUMENT: &str = include_str!("../../../../docs/how-to/tls.md");

const HEAD: &str = "version: 1\nproject: suite\nhosts:\n  web1: { address: 192.0.2.10 }\napps:\n  \
                    app: { artifact: app.tar, main: app.js, runtime: node }\n";

/// A topology with the first proxy with TLS from `docs/how-to/tls.md`.
fn example(_: Engine) -> String {
    let blocks = DOCUMENT.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    let proxies: String = blocks
        .filter(|block| block.contains("tls:"))
        .take(1)
        .collect();
    format!("{HEAD}pools:\n  web: {{ app: app, ports: [3001] }}\n{proxies}")
}

fn files_are_served(_: &Fixture) -> CheckResult {
    let write = |path: &str, text: &str| -> CheckResult {
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        fs::create_dir_all(directory)?;
        Ok(fs::write(path, text)?)
    };
    write(
        "/var/www/acme/.well-known/acme-challenge/token",
        "challenge",
    )?;
    write("/var/www/shop/static/site.css", "body {}")?;
    let fetch = |path: &str| {
        let url = format!("https://shop.example.org{path}");
        curl(&["--resolve", "shop.example.org:443:127.0.0.1", &url])
    };
    let challenge = fetch("/.well-known/acme-challenge/token")?.expect(200)?;
    ensure!(
        challenge.text() == "challenge",
        "the challenge is {:?}",
        challenge.text()
    );
    let style = fetch("/static/site.css")?.expect(200)?;
    ensure!(style.text() == "body {}", "the file is {:?}", style.text());
    style.expect_header("content-type", "text/css")?;
    ensure!(style.header("expires").is_some(), "the file has no Expires");
    let received = fetch("/page")?.expect(200)?.echoed()?;
    ensure!(
        received.url == "/page",
        "the application receives {}",
        received.url
    );
    Ok(())
}

/// Runs `genconf verify` on the fixture's topology.
fn verified(fixture: &Fixture) -> CheckResult {
    let mut genconf = Command::new(std::env::current_exe()?);
    genconf
        .args([GENCONF, "verify", "--only", "nginx"])
        .arg(fixture.topology_file());
    lab::command::capture(&mut genconf)?.success()?;
    Ok(())
}
