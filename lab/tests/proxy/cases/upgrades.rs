//! Which upgrades of a connection pass.

use crate::apps::Program;
use crate::client::{Client, get_with, request};
use crate::failure::{Checked, ensure};
use crate::table::{Case, DEFAULTS, PLAIN, Setup, case};
use crate::websocket::{UPGRADE, Websocket};

static H2C: Setup = Setup {
    program: Program::Hypercorn,
    ..PLAIN
};
static WS: Setup = Setup {
    program: Program::Ws,
    ..PLAIN
};

const ASK_H2C: &str = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n";

pub(crate) const CASES: &[Case] = &[
    case(
        "upgrades: h2c opens no tunnel to an application that speaks it",
        &H2C,
        |_| {
            let mut client = Client::connect()?;
            client.send(request("GET", "/", ASK_H2C))?;
            let answer = client.answer("GET")?.expect(200)?;
            ensure!(
                answer.interim.is_empty(),
                "interim answers {:?}",
                answer.interim
            );
            Ok(())
        },
    ),
    case(
        "upgrades: h2c does not reach the application",
        &DEFAULTS,
        |_| dropped(ASK_H2C),
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
    case("upgrades: a websocket opens in other letters", &WS, |_| {
        let mut client = Client::connect()?;
        let headers = UPGRADE.replace("Upgrade: websocket", "upgrade: WebSocket");
        client.send(request("GET", "/", &headers))?;
        let status = client.head()?.status;
        ensure!(status == 101, "the upgrade is answered {status}");
        Ok(())
    }),
];

/// The request is refused, or the application sees nothing of h2c.
fn without_h2c(headers: &str) -> Checked {
    let answer = get_with("/", headers)?;
    if answer.status == 400 {
        return Ok(());
    }
    let seen = answer.expect(200)?.echoed()?;
    let all = seen.all("upgrade").join(", ").to_ascii_lowercase();
    ensure!(!all.contains("h2c"), "Upgrade: {all} arrives");
    Ok(())
}

/// The request is answered without an upgrade, of which the application saw nothing.
fn dropped(headers: &str) -> Checked {
    let seen = get_with("/", headers)?.expect(200)?.echoed()?;
    ensure!(
        seen.all("upgrade").is_empty(),
        "Upgrade: {:?} arrives",
        seen.all("upgrade")
    );
    let connection = seen.all("connection").join(", ").to_ascii_lowercase();
    ensure!(
        !connection.contains("upgrade"),
        "Connection: {connection} arrives"
    );
    Ok(())
}
