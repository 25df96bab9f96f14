//! Recipes of the documents, and lines of an engine's own.

use std::fs;
use std::process::Command;

use crate::GENCONF;
use crate::client::{curl, get};
use crate::failure::{Checked, ensure};
use crate::fixture::Fixture;
use crate::table::{Case, Engine, PLAIN, Setup, case, only};

static RECIPE: Setup = Setup {
    whole: Some(recipe),
    ..PLAIN
};
static ERROR_PAGE: Setup = Setup {
    proxy: "extra: { server: [\"error_page 502 503 504 /maintenance.html;\"] }",
    instances: 4,
    ..PLAIN
};
const FILES: &str = "HAProxy serves no files";
const DIRECTIVE: &str = "error_page is nginx's";

pub(crate) const CASES: &[Case] = &[
    only(
        Engine::Nginx,
        FILES,
        case(
            "recipes: certificates and files from docs/from-pm2.md",
            &RECIPE,
            served,
        ),
    ),
    only(
        Engine::Nginx,
        FILES,
        case(
            "recipes: `verify` accepts certificates and files",
            &RECIPE,
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
                let url = "/retried?do=dieonce";
                let answer = get(url)?;
                let started = fixture.requests(url)?.len();
                ensure!(
                    answer.status == 200 && started == 2,
                    "answered {}, started {started} times",
                    answer.status
                );
                Ok(())
            },
        ),
    ),
];

const DOCUMENT: &str = include_str!("../../../../docs/how-to/tls.md");

const HEAD: &str = "version: 1\nproject: suite\nhosts:\n  web1: { address: 192.0.2.10 }\napps:\n  \
                    app: { artifact: app.tar, main: app.js, runtime: node }\n";

/// The topology in which the document's proxy with a certificate stands.
fn recipe(_: Engine) -> String {
    let blocks = DOCUMENT.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    let proxies: String = blocks
        .filter(|block| block.contains("tls:"))
        .take(1)
        .collect();
    format!("{HEAD}pools:\n  web: {{ app: app, ports: [3001] }}\n{proxies}")
}

fn served(_: &Fixture) -> Checked {
    let write = |path: &str, text: &str| -> Checked {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        fs::create_dir_all(folder)?;
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
    let seen = fetch("/page")?.expect(200)?.echoed()?;
    ensure!(seen.url == "/page", "the application sees {}", seen.url);
    Ok(())
}

/// As a user types it, on the topology's file.
fn verified(fixture: &Fixture) -> Checked {
    let mut genconf = Command::new(std::env::current_exe()?);
    genconf
        .args([GENCONF, "verify", "--only", "nginx"])
        .arg(fixture.topology_file());
    lab::command::finish(&mut genconf)?.success()?;
    Ok(())
}
