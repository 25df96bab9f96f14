//! Upgrades of a connection.

use crate::apps::Program;
use crate::case::{Case, DEFAULTS, PLAIN, Setup, case};
use crate::client::{Client, get_with, request};
use crate::failure::{CheckResult, ensure};
use crate::websocket::{UPGRADE, Websocket};

static H2C: Setup = Setup {
    program: Program::Hypercorn,
    ..PLAIN
};
static WS: Setup = Setup {
    program: Program::Ws,
    ..PLAIN
};

const UPGRADE_H2C: &str = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n";

pub(crate) const CASES: &[Case] = &[
    case(
        "upgrades: h2c opens no tunnel to an application that supports it",
        &H2C,
        |_| {
            let mut client = Client::connect()?;
            client.send(request("GET", "/", UPGRADE_H2C))?;
            let response = client.response("GET")?.expect(200)?;
            ensure!(
                response.interim.is_empty(),
                "interim responses {:?}",
                response.interim
            );
            Ok(())
        },
    ),
    case(
        "upgrades: h2c does not reach the application",
        &DEFAULTS,
        |_| dropped(UPGRADE_H2C),
    ),
    case(
        "upgrades: h2c in a list does not reach the application",
        &DEFAULTS,
        |_| {
            without_h2c(&UPGRADE.replace("websocket\r", "h2c, websocket\r"))?;
            without_h2c(&UPGRADE.replace("websocket\r", "websocket, h2c\r"))?;
            dropped("Connection: Upgrade\r\nUpgrade: H2C\r\n")
        },
    ),
    case(
        "upgrades: h2c in a second line does not reach the application",
        &DEFAULTS,
        |_| without_h2c(&format!("{UPGRADE}Upgrade: h2c\r\n")),
    ),
    case(
        "upgrades: other protocols do not reach the application",
        &DEFAULTS,
        |_| {
            dropped("Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n")?;
            dropped("Connection: Upgrade\r\nUpgrade: websocketx\r\n")?;
            dropped("Connection: Upgrade\r\nUpgrade: xwebsocket\r\n")
        },
    ),
    case("upgrades: a websocket opens", &WS, |_| {
        Websocket::open("/")?.echo("hello")
    }),
    case(
        "upgrades: header names and values have any case",
        &WS,
        |_| {
            let mut client = Client::connect()?;
            let headers = UPGRADE.replace("Upgrade: websocket", "upgrade: WebSocket");
            client.send(request("GET", "/", &headers))?;
            let status = client.head()?.status;
            ensure!(status == 101, "the upgrade gets status {status}");
            Ok(())
        },
    ),
];

/// Expects 400, or an application that receives no `h2c`.
fn without_h2c(headers: &str) -> CheckResult {
    let response = get_with("/", headers)?;
    if response.status == 400 {
        return Ok(());
    }
    let received = response.expect(200)?.echoed()?;
    let all = received.all("upgrade").join(", ").to_ascii_lowercase();
    ensure!(!all.contains("h2c"), "Upgrade: {all} arrives");
    Ok(())
}

/// Expects a response without an upgrade, and an application that receives no upgrade headers.
fn dropped(headers: &str) -> CheckResult {
    let received = get_with("/", headers)?.expect(200)?.echoed()?;
    ensure!(
        received.all("upgrade").is_empty(),
        "Upgrade: {:?} arrives",
        received.all("upgrade")
    );
    let connection = received.all("connection").join(", ").to_ascii_lowercase();
    ensure!(
        !connection.contains("upgrade"),
        "Connection: {connection} arrives"
    );
    Ok(())
}
