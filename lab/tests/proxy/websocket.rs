//! As much of a websocket client (RFC 6455) as an echo needs.

use std::io::Read as _;

use crate::client::{Client, request};
use crate::failure::{Checked, Context as _, ensure};

/// The header lines that ask for a websocket.
pub(crate) const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// An open websocket.
pub(crate) struct Websocket(Client);

impl Websocket {
    /// Opens one at a path of the proxy.
    pub(crate) fn open(path: &str) -> Checked<Self> {
        let mut client = Client::connect()?;
        client.send(request("GET", path, UPGRADE))?;
        let answer = client.head()?;
        ensure!(
            answer.status == 101,
            "the upgrade is answered {}",
            answer.status
        );
        Ok(Self(client))
    }

    /// Sends a message of less than 126 bytes and expects it back.
    pub(crate) fn echo(&mut self, word: &str) -> Checked {
        let length = u8::try_from(word.len()).doing("sizing a frame")?;
        // A final text frame, masked with zeros.
        let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
        frame.extend_from_slice(word.as_bytes());
        self.0.send(&frame).doing("sending a websocket message")?;
        let mut answer = vec![0; 2 + word.len()];
        self.0
            .stream
            .read_exact(&mut answer)
            .doing("receiving a websocket message")?;
        ensure!(
            answer[..2] == [0x81, length] && answer[2..] == *word.as_bytes(),
            "the echo is {answer:?}"
        );
        Ok(())
    }

    /// Waits until the other side closes it, at most `seconds`.
    pub(crate) fn closes_within(self, seconds: u64) -> Checked {
        let mut client = self.0.patient(seconds)?;
        let mut rest = Vec::new();
        match client.stream.read_to_end(&mut rest) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                Err(format!("the websocket is still open after {seconds} s").into())
            }
            _ => Ok(()),
        }
    }
}
