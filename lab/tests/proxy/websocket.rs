//! A minimal websocket client (RFC 6455).

use std::io::Read as _;

use crate::client::{Client, request};
use crate::failure::{CheckResult, Context as _, ensure};

/// Header lines that request an upgrade to a websocket.
pub(crate) const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// An open websocket.
pub(crate) struct Websocket(Client);

impl Websocket {
    /// Opens a websocket at a path of the proxy.
    pub(crate) fn open(path: &str) -> CheckResult<Self> {
        let mut client = Client::connect()?;
        client.send(request("GET", path, UPGRADE))?;
        let response = client.head()?;
        ensure!(
            response.status == 101,
            "the upgrade gets {}",
            response.status
        );
        Ok(Self(client))
    }

    /// Sends a message of less than 126 bytes and expects it back.
    pub(crate) fn echo(&mut self, message: &str) -> CheckResult {
        let length = u8::try_from(message.len()).context("sizing a frame")?;
        // A final text frame, masked with zeros.
        let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
        frame.extend_from_slice(message.as_bytes());
        self.0.send(&frame).context("sending a websocket message")?;
        let mut response = vec![0; 2 + message.len()];
        self.0
            .stream
            .read_exact(&mut response)
            .context("receiving a websocket message")?;
        ensure!(
            response[..2] == [0x81, length] && response[2..] == *message.as_bytes(),
            "the echo is {response:?}"
        );
        Ok(())
    }

    /// Waits at most `seconds` until the other side closes the connection.
    pub(crate) fn closes_within(self, seconds: u64) -> CheckResult {
        let mut client = self.0.with_read_timeout(seconds)?;
        let mut rest = Vec::new();
        match client.stream.read_to_end(&mut rest) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                Err(format!("the websocket is still open after {seconds} s").into())
            }
            _ => Ok(()),
        }
    }
}
